"""Heads on invariants in a table: read from every view, audited with, carried to another network."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from mint_lightning.auditor import load_auditor
from mint_lightning.cli import main
from tests.integration.conftest import CONF, FAST

pytestmark = pytest.mark.integration

ROW = '[{"head": "invariant", "taps": ["conv4", "outcome", "batchnorm"], "arguments": {"views": ["flip", "blur"]}}]'
NAME = "Invariants conv4 + outcome + batchnorm"


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest, demo_workspace: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(demo_workspace)
        config = ["--config", str(CONF / "table_faces.yaml"), "--rows", ROW, "--recipe", '{"epochs": 2}']
        assert main(["table", *config, "--twins", "1", "--seeds", "1", "--name", "invariants"]) == 0
    return demo_workspace / "mlruns/tables/invariants"


def test_a_table_leaves_an_auditor_that_reads_the_views(table: Path) -> None:
    card = load_auditor(table / "auditors/invariants_conv4_outcome_batchnorm").card
    assert card.kind == "invariant"
    assert card.views == ["original", "flip", "blur"]
    assert ("blur", "conv4") in card.requests
    assert ("blur", "batchnorm") not in card.requests
    evidence = json.loads((table / "table.json").read_text())["evidence"]["rows"][0]
    assert evidence["name"] == NAME
    assert {"twins", "pixels"} <= {control["kind"] for control in evidence["controls"]}


def test_audit_gives_the_scores_of_the_table(table: Path, workspace: Path, tmp_path: Path) -> None:
    auditor = str(table / "auditors/invariants_conv4_outcome_batchnorm")
    assert main(["audit", "--auditor", auditor, "shards/demo", "--out", str(tmp_path / "a")]) == 0
    with (tmp_path / "a/audit.csv").open(encoding="utf-8", newline="") as stream:
        said = {row["unit"].rpartition("/")[2]: row["score"] for row in csv.DictReader(stream)}
    scores = pq.read_table(table / "scores.parquet", filters=[("row", "=", NAME), ("role", "=", "audited")]).to_pandas()
    own = {key: said[key.rpartition("/")[2]] for key in scores.key}  # none of photos unlike those of calibrate
    judged = scores[[bool(own[key]) for key in scores.key]]
    assert len(judged) > len(scores) / 2
    assert np.allclose([float(own[key]) for key in judged.key], judged.score, atol=1e-3)


def test_a_dry_run_says_how_often_a_photo_runs(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ["--config", str(CONF / "table_faces.yaml"), "--rows", ROW, "--twins", "1", "--name", "planned"]
    assert main(["table", *config, "--dry-run"]) == 0
    assert "3 views" in capsys.readouterr().out


def test_a_head_of_figures_goes_on_from_another_networks(table: Path, workspace: Path) -> None:
    config = ["--config", str(CONF / "faces_invariant.yaml"), *FAST]
    views = ["--model.taps", "[conv4, outcome, batchnorm]", "--model.views", "[flip, blur]"]
    auditor = str(table / "auditors/invariants_conv4_outcome_batchnorm")
    assert main(["fit", *config, *views, "--model.init_from", auditor, "--name", "carried"]) == 0
    assert load_auditor(Path("mlruns/auditors/carried")).card.views == ["original", "flip", "blur"]
