"""A table of a classifier: heads by class, scores with labels, and those beside networks that left photos out."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from mint_lightning.audited import NetworkSource
from mint_lightning.cli import main
from mint_lightning.evidence import auc
from mint_lightning.evidence.label_scores import loss_score
from mint_lightning.evidence.reference_scores import References, calibrated_loss, likelihood_ratio, lira, rmia
from mint_lightning.shards import EvalLoader, KeyList, Manifest
from mint_lightning.tracking.fetch import find_auditor
from tests.object_networks import classifier
from tests.object_table import object_config, object_table

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with shards, the audited network and four shadows, and the table's config."""
    root = tmp_path_factory.mktemp("objects")
    return root, object_config(root)


@pytest.fixture(scope="module")
def table(made: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    _, config = made
    return object_table(tmp_path_factory.mktemp("work"), config)


def scores(table: Path, row: str, network: str = "audited") -> dict[str, float]:
    import pyarrow.parquet as pq

    found = pq.read_table(table / "scores.parquet").to_pylist()
    return {each["key"]: each["score"] for each in found if each["row"] == row and each["network"] == network}


def logits(root: Path, name: str, rows: np.ndarray) -> np.ndarray:
    manifest = Manifest.load(root / "shards")
    keys = KeyList.load(root / "shards", manifest)
    network = NetworkSource(card=str(root / name / "card.json")).load()
    found = np.zeros((len(keys), len(manifest.classes)))
    with torch.no_grad():
        for batch in EvalLoader(root / "shards", keys, rows, batch_size=64):
            found[batch["row"].numpy()] = network(batch["images"], ["outcome"])["original"]["outcome"].double().numpy()
    return found[rows]


def test_every_row_has_a_score_for_every_photo(table: Path) -> None:
    document = json.loads((table / "table.json").read_text())
    names = [row["name"] for row in document["evidence"]["rows"]]
    assert names == [
        "Vanilla layer7", "Vanilla layer7 + class", "By class layer7", "By class layer6",
        "Loss", "Margin", "Calibrated loss", "LiRA", "RMIA",
    ]  # fmt: skip
    found = [scores(table, name) for name in names]
    assert all(own.keys() == found[0].keys() for own in found)
    assert all(np.isfinite(list(own.values())).all() for own in found)
    auditors = {path.name for path in (table / "auditors").iterdir()}
    assert auditors == {"vanilla_layer7"}, "the others need the photo's class, which nobody knows of a new photo"


def test_scores_are_those_of_the_functions(made: tuple[Path, dict[str, Any]], table: Path) -> None:
    root, _ = made
    manifest = Manifest.load(root / "shards")
    keys = KeyList.load(root / "shards", manifest)
    got = scores(table, "Calibrated loss")
    rows = keys.rows_of(sorted(got))
    strangers = keys.where(partitions=["externals"], splits=["fit"])
    label = keys.class_numbers(manifest.classes)

    def beside(own: np.ndarray) -> tuple[np.ndarray, np.ndarray, References]:
        import pyarrow.parquet as pq

        halves = [f"half{number}" for number in range(4)]
        listed = [pq.read_table(root / name / "members.parquet")["key"].to_pylist() for name in halves]
        saw = np.array([np.isin(keys.key[own], each) for each in listed])
        references = References(np.array([logits(root, name, own) for name in halves]), saw)
        return logits(root, "audited", own), label[own], references

    mine, theirs = beside(rows), beside(strangers)
    expected = {
        "Loss": loss_score(*mine[:2]),
        "Calibrated loss": calibrated_loss(*mine),
        "LiRA": lira(*mine),
        "RMIA": rmia(likelihood_ratio(*mine), likelihood_ratio(*theirs)),
    }
    for name, values in expected.items():
        found = scores(table, name)
        np.testing.assert_allclose([found[key] for key in keys.key[rows]], values, atol=2e-3)


def test_a_head_that_reads_the_class_learns_from_it(made: tuple[Path, dict[str, Any]], tmp_path, monkeypatch) -> None:
    """Members of one class, externals of the others: the tap "class" alone tells them apart."""
    root, config = made
    manifest = Manifest.load(root / "shards")
    keys = KeyList.load(root / "shards", manifest)
    discs = np.flatnonzero(keys.class_name[:] == "disc")
    classifier(tmp_path / "discs", root / "shards", discs, ["members", "externals"], seed=9)
    monkeypatch.chdir(tmp_path)
    arguments = config["data"]["init_args"] | {"network": {"card": str(tmp_path / "discs/card.json")}}
    for name in ("members", "externals"):
        arguments.pop(name)
    asked = config | {
        "data": {"class_path": "datamodules.Objects", "init_args": arguments},
        "rows": [{"head": "vanilla", "taps": ["class"], "recipe": {"epochs": 12, "patience": 12, "rate": 0.01}}],
        "pixels": False,
        "shadows": {},
    }
    Path("discs.yaml").write_text(yaml.safe_dump(asked))
    assert main(["table", "--config", "discs.yaml", "--store", "none"]) == 0
    found = scores(tmp_path / "mlruns/tables/table", "Vanilla class")
    rows = keys.rows_of(sorted(found))
    assert auc([found[key] for key in keys.key[rows]], keys.class_name[rows] == "disc") == 1.0


def test_fit_reads_classes_and_keeps_to_some(made: tuple[Path, dict[str, Any]], tmp_path, monkeypatch, capsys) -> None:
    root, _ = made
    monkeypatch.chdir(tmp_path)
    data = ["--data", "datamodules.Objects", "--data.shards", str(root / "shards")]
    data += ["--data.network.card", str(root / "audited/card.json"), "--data.workers", "0", "--data.batch_size", "8"]
    data += ["--data.members", "[members]", "--data.externals", "[externals]"]
    model = ["--model", "VanillaMINT", "--model.taps", "[layer7, class]", "--trainer.max_epochs", "2"]
    assert main(["fit", *model, *data, "--trainer.accelerator", "cpu", "--name", "classed"]) == 0
    model[3] = "[layer7]"
    assert main(["fit", *model, *data, "--data.classes", "[disc, wedge]", "--trainer.accelerator", "cpu"]) == 0
    import pyarrow.parquet as pq

    kept = pq.read_table("mlruns/auditors/head/scores.parquet").to_pylist()
    keys = KeyList.load(root / "shards", Manifest.load(root / "shards"))
    assert set(keys.class_name[keys.rows_of([each["key"] for each in kept])]) == {"disc", "wedge"}
    assert main(["fit", *model, *data, "--data.classes", "[disk]"]) == 2
    assert "There is no class 'disk' in the shard set; it has disc, frame, stripe, wedge." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shadows": {}}, r"The row 'Calibrated loss' compares with reference networks: name them in shadows"),
        ({"shadows": {"one": "half0"}}, r"Every shadow was trained on \d+ of \d+ photos of this audit"),
        ({"shadows": {"one": "audited"}}, r"The shadow 'one' is the audited network itself"),
        ({"shadows": {"audited": "half0", "b": "half1", "c": "half2"}}, r"Two networks are called 'audited'"),
    ],
)
def test_shadows_that_cannot_serve_are_refused(
    made: tuple[Path, dict[str, Any]], tmp_path, monkeypatch, capsys, changes: dict[str, Any], message: str
) -> None:
    import re

    root, config = made
    monkeypatch.chdir(tmp_path)
    named = {name: {"card": str(root / folder / "card.json")} for name, folder in changes["shadows"].items()}
    Path("t.yaml").write_text(yaml.safe_dump(config | {"shadows": named}))
    assert main(["table", "--config", "t.yaml", "--store", "none"]) == 2
    assert re.search(message, " ".join(capsys.readouterr().err.split()))


def test_networks_trained_on_neither_say_how_hard_a_photo_is(made: tuple[Path, dict[str, Any]], tmp_path, monkeypatch):
    """One reference serves the audited network and its twin; it is no control of such a row, for beside what?"""
    root, config = made
    keys = KeyList.load(root / "shards", Manifest.load(root / "shards"))
    classifier(tmp_path / "clean", root / "shards", keys.where(partitions=["objects_test"]), ["objects_test"], seed=7)
    monkeypatch.chdir(tmp_path)
    asked = {
        "rows": [{"head": "loss"}, {"head": "calibrated_loss"}],
        "references": {"clean": {"card": str(tmp_path / "clean/card.json")}},
        "shadows": {},
        "pixels": False,
    }
    Path("t.yaml").write_text(yaml.safe_dump(config | asked))
    assert main(["table", "--config", "t.yaml", "--store", "none"]) == 0
    evidence = json.loads(Path("mlruns/tables/table/table.json").read_text())["evidence"]
    controls = [[each["kind"] for each in row["controls"]] for row in evidence["rows"]]
    assert ["reference" in kinds for kinds in controls] == [True, False]
    found, loss = (
        scores(tmp_path / "mlruns/tables/table", "Calibrated loss"),
        scores(tmp_path / "mlruns/tables/table", "Loss"),
    )
    clean = scores(tmp_path / "mlruns/tables/table", "Loss", "clean")
    assert all(found[key] == pytest.approx(loss[key] - clean[key], abs=1e-5) for key in found)


def test_a_table_audits_with_the_best_row_that_can_judge_a_photo(table: Path, tmp_path: Path) -> None:
    document = json.loads((table / "table.json").read_text())
    document["evidence"]["claim"]["row"] = "LiRA"
    copy = tmp_path / "table"
    shutil.copytree(table, copy)
    (copy / "table.json").write_text(json.dumps(document))
    with pytest.warns(UserWarning, match="'LiRA', of which the verdict .* can judge no photo by itself"):
        found = find_auditor(str(copy), tmp_path / "into")
    names = {json.loads(path.read_text())["name"] for path in (copy / "auditors").glob("*/auditor.json")}
    best = max(
        (row for row in document["evidence"]["rows"] if row["name"] in names), key=lambda row: row["validate_auc"]
    )
    assert json.loads((found.auditor / "auditor.json").read_text())["name"] == best["name"]
