"""Bundles of what the demo left: a table, its run, its auditors, and the test of one head."""

import json
import shutil
from pathlib import Path

import pytest

from mint_lightning.auditor import load_auditor
from mint_lightning.cli import main
from tests.integration.conftest import CONF, FAST

pytestmark = pytest.mark.integration


def bundle(of: str, out: Path, *more: str) -> dict[str, object]:
    """bundle.json of what `report` made of something, and `verify-bundle` found whole."""
    assert main(["report", of, "--out", str(out), *more]) == 0
    assert main(["verify-bundle", str(out)]) == 0
    found: dict[str, object] = json.loads((out / "bundle.json").read_text())
    return found


def fingerprint(auditor: str) -> str:
    return load_auditor(Path(auditor)).card.fingerprint


def runs(name: str, experiment: str) -> list[str]:
    from mint_lightning.tracking.store import open_store

    store = open_store()
    found = store.client.search_runs([store.experiment(experiment)])
    return [run.info.run_id for run in found if run.info.run_name == name]


def test_of_a_table_by_folder_by_name_by_run_and_by_auditor(workspace: Path, tmp_path: Path) -> None:
    first = bundle("mlruns/tables/demo", tmp_path / "folder", "--forms", "true")
    assert first["kind"] == "table"
    assert first["hashes"]["network"] == fingerprint("mlruns/tables/demo/auditors/flip_agreement")
    assert "How to check this" in (tmp_path / "folder/report.html").read_text()
    run = json.loads(Path("mlruns/tables/demo/run.json").read_text())["run"]
    for number, of in enumerate(("demo", run, "mlruns/tables/demo/auditors/flip_agreement")):
        again = bundle(of, tmp_path / str(number))
        assert again["hashes"] == first["hashes"], of
    row = runs("Flip agreement", "demo")
    assert row
    assert bundle(row[0], tmp_path / "row")["hashes"] == first["hashes"]


def test_of_an_auditor_alone_nothing_is_claimed(workspace: Path, tmp_path: Path) -> None:
    shutil.copytree("mlruns/tables/demo/auditors/flip_agreement", tmp_path / "auditor")
    found = bundle(str(tmp_path / "auditor"), tmp_path / "bundle")
    assert (found["kind"], found["may_claim"]) == ("auditor", False)
    assert found["stated"]["name"] == "Flip agreement"  # type: ignore[index]
    evidence = json.loads((tmp_path / "bundle/evidence.json").read_text())["rows"][0]
    stated = found["stated"]
    assert evidence["auc"]["value"] == stated["auc"]["value"]  # type: ignore[index]
    assert evidence["excess"] is None
    assert "controls stand in the table" in (tmp_path / "bundle/report.html").read_text()


def test_of_the_test_of_one_head(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ["--config", str(CONF / "faces_vanilla.yaml"), *FAST, "--name", "bundled"]
    assert main(["fit", *config]) == 0
    assert main(["report", "mlruns/auditors/bundled", "--out", str(tmp_path / "early")]) == 2
    assert "scores of calibrate alone" in capsys.readouterr().err
    assert main(["test", *config, "--ckpt_path", "mlruns/checkpoints/bundled/best.ckpt"]) == 0
    (run,) = runs("bundled", "heads")
    found = bundle(run, tmp_path / "bundle")
    assert (found["kind"], found["may_claim"]) == ("head", False)
    assert found["hashes"]["network"] == fingerprint("mlruns/tables/demo/auditors/flip_agreement")


def test_a_table_that_was_changed_by_hand_is_refused(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree("mlruns/tables/demo", tmp_path / "table")
    path = tmp_path / "table/table.json"
    document = json.loads(path.read_text())
    document["evidence"]["rows"][0]["auc"]["value"] = 0.99
    path.write_text(json.dumps(document))
    assert main(["report", str(tmp_path / "table"), "--out", str(tmp_path / "bundle")]) == 2
    assert "do not give its figures again (rows[0].auc.value: 0.99" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()
