"""What the demo leaves, and what a second one does with it."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mint_lightning.auditor import load_auditor
from mint_lightning.cli import main
from mint_lightning.evidence import TableEvidence

pytestmark = pytest.mark.integration


def test_demo_leaves_a_table_a_page_and_auditors(workspace: Path) -> None:
    table = json.loads((workspace / "mlruns/tables/demo/table.json").read_text())
    evidence = TableEvidence.from_json(table["evidence"])
    names = [row.name for row in evidence.rows]
    assert names == [
        *(f"Vanilla {tap}" for tap in ("conv1", "conv2", "conv3", "conv4", "outcome")),
        "CNN conv4",
        "Embedding norm",
        "Flip agreement",
    ]
    for row in evidence.rows:
        assert {control.kind for control in row.controls} == {"pixels", "twin", "twins"}
        assert row.excess is not None
    page = (workspace / "mlruns/tables/demo/report.html").read_text()
    assert "Vanilla conv4" in page
    assert load_auditor(workspace / "mlruns/tables/demo/auditors/cnn_conv4").head is not None
    assert load_auditor(workspace / "mlruns/tables/demo/auditors/flip_agreement").card.evidence is not None


def test_a_second_demo_reuses_everything(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = ["shards/demo/manifest.json", "mlruns/networks/demo/network.safetensors", "mlruns/tables/demo/table.json"]
    before = [(workspace / part).stat().st_mtime_ns for part in parts]
    assert main(["demo", "--identities", "240", "--epochs", "1"]) == 0
    assert [(workspace / part).stat().st_mtime_ns for part in parts] == before
    out = capsys.readouterr().out
    assert "Reused" in out
    assert "-m mint_lightning.tracking.ui" in out  # no Makefile here
    assert "--config faces_vanilla" in out


def test_the_scores_of_a_table_give_its_figures_again(workspace: Path) -> None:
    from sklearn.metrics import roc_auc_score

    evidence = TableEvidence.from_json(
        json.loads((workspace / "mlruns/tables/demo/table.json").read_text())["evidence"]
    )
    scores = pq.read_table(workspace / "mlruns/tables/demo/scores.parquet").to_pandas()
    for row in evidence.rows:
        of = scores[
            (scores.row == row.name) & (scores.network == "audited") & (scores.split == "test") & ~scores.unseen
        ]
        assert roc_auc_score(of.member, of.score) == pytest.approx(row.auc.value, abs=1e-12)
        assert len(of) == row.auc.images


def test_null_draws_members_among_photos_never_seen(workspace: Path) -> None:
    assert main(["demo", "--identities", "240", "--epochs", "1", "--null"]) == 0
    scores = pq.read_table("mlruns/tables/demo_null/scores.parquet").to_pandas()
    trained = set(pq.read_table("mlruns/networks/demo/members.parquet")["key"].to_pylist())
    assert not trained & set(scores.key)
    assert scores.member.any()
