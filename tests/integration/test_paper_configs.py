"""The configs of the papers' tables, on generated databases and small random networks of the same form."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from mint_lightning.audited import iresnet_small
from mint_lightning.cli import main
from tests.images import face_folder
from tests.integration.conftest import CONF

pytestmark = pytest.mark.integration

PAPERS = sorted(path.stem for path in CONF.glob("paper_*.yaml"))
DATABASES = {"glint360k": 40, "ms1mv3": 40, "ijbc": 16, "fddb": 12, "gandiffface": 12, "adience": 12}
ARGUMENTS = {"widths": [4, 4, 8, 8], "embedding": 6, "image_size": 32}
NET = """
import torch
from torch import nn


class Backbone(nn.Module):  # of the form of AdaFace's: 49 blocks in a row, the embedding and its norm
    def __init__(self):
        super().__init__()
        self.input_layer = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4), nn.PReLU(4))
        starts = (0, 3, 16, 46)
        self.body = nn.Sequential(*(nn.Conv2d(4, 4, 1, 2 if n in starts else 1) for n in range(49)))
        self.output_layer = nn.Sequential(nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 6), nn.BatchNorm1d(6))

    def forward(self, x):
        x = self.output_layer(self.body(self.input_layer(x)))
        return x / x.norm(dim=1, keepdim=True), x.norm(dim=1, keepdim=True)


def build_model(model_name):
    assert model_name == "ir_101"
    return Backbone()
"""
SIZES = {"1K": 8, "50K": 16, "100K": 32}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the databases in one shard set of four lanes, and half-precision weights."""
    folder = tmp_path_factory.mktemp("papers")
    for seed, (name, people) in enumerate(DATABASES.items()):
        face_folder(folder / "photos" / name, identities=people, photos=3, size=32, seed=seed)
    request = ["--source", f"databases:{folder}/photos", "--by_database", "true", "--lanes", "4"]
    place = ["--image_size", "32", "--encoder", "png", "--workers", "0", "--out", str(folder / "shards/small")]
    assert main(["pack", *request, *place]) == 0
    torch.manual_seed(0)
    state = {name: value.half() if value.is_floating_point() else value
             for name, value in iresnet_small(**ARGUMENTS).state_dict().items()}  # fmt: skip
    torch.save(state, folder / "weights.pth")
    (folder / "net.py").write_text(NET)
    return folder


@pytest.fixture
def here(small: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(small)
    monkeypatch.syspath_prepend(small)
    return small


def config(name: str) -> dict[str, Any]:
    return yaml.safe_load((CONF / f"{name}.yaml").read_text())


def command(name: str) -> list[str]:
    """The config with its data and network in small, sizes and epochs too."""
    given = config(name)
    network: dict[str, Any] = {"architecture": "iresnet_small", "arguments": ARGUMENTS, "weights": "weights.pth"}
    if ":" in given["data"]["init_args"]["network"]["architecture"]:  # the user's own, of which net.py has the form
        network = {"weights": None, "preprocessing": {"size": [32, 32]}}
    grid = [{**each, "samples": [SIZES[size] for size in each["samples"]], "recipe": None} for each in given["grid"]]
    data = ["--data.shards", "shards/small", "--data.network", json.dumps(network), "--data.batch_size", "8"]
    return ["table", "--config", name, *data, "--grid", json.dumps(grid), "--recipe", '{"epochs": 1}']


@pytest.mark.parametrize("name", PAPERS)
def test_a_dry_run_says_what_it_takes(name: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command(name), "--dry-run", "--twins", "1"]) == 0
    said = capsys.readouterr().out
    rows = 32 if name == "paper_demo_r100" else 13
    assert said.startswith(f"{name}, not run:\n{rows} rows, 3 networks: ")
    assert not (here / "mlruns/tables" / name).exists()


@pytest.mark.parametrize("name", PAPERS)
def test_it_runs_in_small(name: str, here: Path) -> None:
    assert main([*command(name), "--twins", "1", "--seeds", "1", "--accelerator", "cpu"]) == 0
    document = json.loads((here / "mlruns/tables" / name / "table.json").read_text())
    assert document["request"]["published"] == config(name)["published"]
    rows = document["evidence"]["rows"]
    cells = {(row["head"], row["tap"], row["samples"]) for row in rows}
    heads = {"vanilla": ["conv1", "conv2", "conv3", "conv4", "outcome", "all conv"],
             "cnn": ["conv1", "conv2", "conv3", "conv4"]}  # fmt: skip
    sizes = list(SIZES.values())
    if name != "paper_demo_r100":
        heads["cnn"].append("all conv")
        sizes = [32]
    assert {(head, tap, size) for head, taps in heads.items() for tap in taps for size in sizes} <= cells
    assert not document["evidence"]["random_partition"]
    assert not any(row["claim"]["may_claim"] for row in rows), "databases are told apart by more than membership"


def test_the_records_are_read_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (CONF.parent / "docs/paper.md").read_text()
    code = page.split("runs this -->\n```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)

    def record(flag: int, labels: list[float], image: bytes, part: int = 0) -> bytes:
        first = 0.0 if flag else labels[0]
        data = struct.pack("<IfQQ", flag, first, 0, 0) + struct.pack(f"<{flag}f", *labels[:flag]) + image
        return struct.pack("<II", 0xCED7230A, part << 29 | len(data)) + data + b"\0" * (-len(data) % 4)

    records = [
        record(2, [6.0, 8.0], b""),
        record(0, [0.0], b"first"),
        record(2, [200.0, 1.0], b"second!"),
        record(0, [7.0], b"of another"),
        record(0, [100.0], b"cut", part=1),
    ]
    Path("train.rec").write_bytes(b"".join(records))
    exec(compile(code, "docs/paper.md", "exec"), {})
    found = {str(path.relative_to("photos/glint360k")): path.read_bytes() for path in Path("photos").rglob("*.jpg")}
    assert found == {"000000/1.jpg": b"first", "000200/2.jpg": b"second!"}


def test_their_numbers_of_samples_need_four_lanes() -> None:
    for name in PAPERS:
        for grid in config(name)["grid"]:
            for size in grid["samples"]:
                assert int(size.removesuffix("K")) * 1000 % (2 * 4) == 0


def test_the_third_network_is_read_in_bgr_and_at_its_blocks() -> None:
    network = config("paper_faces_model3")["data"]["init_args"]["network"]
    assert network["preprocessing"] == {"channels": "BGR"}
    ends = [int(path.removeprefix("body.")) for path in list(network["taps"].values())[:-1]]
    assert [end + 1 for end in ends] == [3, 3 + 13, 3 + 13 + 30, 3 + 13 + 30 + 3]
