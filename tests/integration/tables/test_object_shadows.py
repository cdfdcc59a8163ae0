"""Networks beside an audited classifier that do not belong there, and auditors of some of its classes."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from mint_lightning.cli import main
from mint_lightning.files import sha256_file
from tests.object_table import object_config

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with shards, the audited network and four shadows, and the table's config."""
    root = tmp_path_factory.mktemp("shadows")
    return root, object_config(root)


def test_shadows_of_other_classes_or_of_another_set_are_refused(
    made: tuple[Path, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, config = made
    monkeypatch.chdir(tmp_path)
    card = json.loads((root / "half0/card.json").read_text())
    turned, elsewhere = root / "turned", root / "elsewhere"
    for folder in (turned, elsewhere):
        shutil.copytree(root / "half0", folder, dirs_exist_ok=True)
    other = {**card["config"], "classes": card["config"]["classes"][::-1]}
    (turned / "card.json").write_text(json.dumps({**card, "config": other}))
    members = pq.read_table(root / "half0/members.parquet").to_pandas()
    members["key"] = "elsewhere/" + members.key
    pq.write_table(pa.Table.from_pandas(members, preserve_index=False), elsewhere / "members.parquet")
    listed = {**card["members"], "sha256": sha256_file(elsewhere / "members.parquet"), "partition_hash": "another"}
    (elsewhere / "card.json").write_text(json.dumps({**card, "members": listed}))
    for name, sentence in (("turned", "stand for other classes"), ("elsewhere", "trained on another shard set")):
        shadows = {**config["shadows"], "half0": {"card": str(root / name / "card.json")}}
        Path("config.yaml").write_text(yaml.safe_dump({**config, "shadows": shadows}))
        assert main(["table", "--config", "config.yaml", "--dry-run"]) == 2
        assert sentence in capsys.readouterr().err
        rows = [{"head": "loss"}]  # asks no shadow, so none is loaded
        Path("config.yaml").write_text(yaml.safe_dump({**config, "shadows": shadows, "rows": rows}))
        assert main(["table", "--config", "config.yaml", "--dry-run"]) == 0
        assert ", 3 networks:" in capsys.readouterr().out


def test_an_auditor_of_some_classes_says_so(
    made: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, config = made
    monkeypatch.chdir(tmp_path)
    data = {
        **config["data"],
        "init_args": {**config["data"]["init_args"], "classes": ["disc", "frame"], "batch_size": 8},
    }
    rows = [{"head": "vanilla", "taps": ["layer7"]}]
    Path("config.yaml").write_text(yaml.safe_dump({**config, "data": data, "rows": rows, "name": "some"}))
    assert main(["table", "--config", "config.yaml"]) == 0
    card = json.loads(Path("mlruns/tables/some/auditors/vanilla_layer7/auditor.json").read_text())
    assert "Valid only for photos of objects of the class or classes disc, frame." in card["limits"]
