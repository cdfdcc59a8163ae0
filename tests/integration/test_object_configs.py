"""The configs of object classification, on drawn objects and small random networks of the same form."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from mint_lightning.audited.architectures import build
from mint_lightning.cli import main
from mint_lightning.shards import KeyList, Manifest
from tests.integration.conftest import CONF
from tests.object_networks import classifier
from tests.object_photos import ObjectPhotos
from tests.packing import small

pytestmark = pytest.mark.integration

CONFIGS = sorted(path.stem for path in CONF.glob("objects_*.yaml"))
SOME = {"cat": "disc", "dog": "frame", "airplane": "disc", "bird": "frame", "ship": "stripe"}
HALVED = {"partitions": {"members": 0.5, "externals": 0.5}}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every shard set and every network that the configs name."""
    root = tmp_path_factory.mktemp("objects")
    for name in ("cifar10", "cifar100", "gtsrb"):
        source = ObjectPhotos(items=150, test=40, size=32, name=name)
        small(source, root / f"shards/{name}", image_size=32, by_database=[f"{name}_test"], lanes=2, **HALVED)
    source = ObjectPhotos(items=110, test=60, size=32, name="cifar10")
    small(source, root / "shards/cifar10_whole", image_size=32, by_database=True, lanes=2)
    for path in CONFIGS:
        _networks(root, yaml.safe_load((CONF / f"{path}.yaml").read_text()))
    torch.save(build("cifar_resnet20", {"classes": 4}).module.state_dict(), root / "resnet20-12fca82f.th")
    return root


def _networks(root: Path, content: dict[str, Any]) -> None:
    arguments = content["data"]["init_args"]
    shards = root / arguments["shards"]
    keys = KeyList.load(shards, Manifest.load(shards))
    for number, card in enumerate([arguments["network"], *content.get("shadows", {}).values()]):
        folder = root / Path(card.get("card", "x/y")).parent
        if "card" not in card or folder.exists():
            continue
        rows = keys.where(partitions=arguments["members"])
        if number:  # a shadow, of half of both sides
            rows = keys.where(partitions=["members", "externals"])[(number > 2) :: 2]
        if some := _some(arguments.get("classes")):
            rows = rows[[name in some for name in keys.class_name[rows]]]
        classifier(folder, shards, rows, arguments["members"], seed=number, some=some)


def _some(classes: list[str] | None) -> list[str] | None:
    return None if classes is None else list(dict.fromkeys(SOME.get(name, name) for name in classes if name in SOME))


def command(name: str) -> list[str]:
    """The config with few epochs, one seed and one twin, and what names classes of CIFAR-10 named anew."""
    content = yaml.safe_load((CONF / f"{name}.yaml").read_text())
    words = [(CONF / f"{name}.yaml").read_text().split()[2], "--config", name]
    if words[0] == "fit":
        return [*words, "--trainer.max_epochs", "1", "--trainer.accelerator", "cpu", "--data.workers", "0"]
    arguments = content["data"]["init_args"]
    if some := _some(arguments.get("classes")):
        words += ["--data.classes", json.dumps(some)]
    if "architecture" in arguments["network"]:
        words += ["--data.network.arguments", '{"classes": 4}']
    rows = content.get("rows") or []
    for row in rows:
        row.pop("seeds", None)
        if "groups" in row.get("arguments", {}):
            row["arguments"]["groups"] = [0, 0, 1, 1]
    words += ["--rows", json.dumps(rows), "--seeds", "1", "--twins", "1", "--accelerator", "cpu"]
    words += ["--data.batch_size", "8"]
    return [*words, "--recipe", '{"epochs": 1}', "--data.workers", "0", "--register", "false", "--store", "store"]


@pytest.fixture
def here(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(workspace)
    return workspace


@pytest.mark.parametrize("name", [name for name in CONFIGS if name != "objects_vanilla"])
def test_every_config_says_what_it_would_take(here: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command(name), "--dry-run"]) == 0
    assert f"{name}, not run:" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["objects_by_class", "objects_two_classes", "objects_resnet20"])
def test_some_are_run(here: Path, name: str) -> None:
    assert main([*command(name), "--pixels", "false"]) == 0
    evidence = json.loads((here / f"mlruns/tables/{name}/table.json").read_text())["evidence"]
    content = yaml.safe_load((CONF / f"{name}.yaml").read_text())
    assert len(evidence["rows"]) == len(content["rows"])
    if name == "objects_by_class":
        assert [row["name"] for row in evidence["rows"]][2:4] == ["By superclass layer7", "By class layer7"]


def test_one_head_is_fitted(here: Path) -> None:
    assert main(command("objects_vanilla")) == 0
    assert (here / "mlruns/auditors/objects_vanilla/auditor.json").is_file()
