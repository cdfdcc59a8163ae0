"""Evidence and trainings as runs of a real MLflow store."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import lightning.pytorch as pl
import pyarrow.parquet as pq
import pytest
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.demos.boring_classes import BoringModel
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from mint_lightning.errors import UserError
from mint_lightning.evidence import TableEvidence
from mint_lightning.report.scores import write_scores
from mint_lightning.tracking import MintLogger, log_table, open_store
from tests.evidence_fixture import context, row_scores, table_evidence

pytestmark = pytest.mark.integration

FIRST_USE = """
import sys
from mint_lightning.tracking.store import open_store
store = open_store(sys.argv[1])
experiment = store.experiment("parallel")
for number in range(5):
    run = store.client.create_run(experiment, run_name=f"{sys.argv[2]}-{number}")
    store.client.log_metric(run.info.run_id, "auc", 0.5)
print(experiment)
"""


class Head(BoringModel):
    """A model with a curve to log."""

    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        self.log("train/loss", loss["loss"])
        return loss


@pytest.fixture(autouse=True)
def _no_uri_from_outside(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("root")
    open_store(folder)
    return folder


@pytest.fixture(scope="module")
def table(root):
    store, folder = open_store(root), root / "finished"
    (folder / "auditors" / "cnn_conv4").mkdir(parents=True)
    (folder / "auditors" / "cnn_conv4" / "auditor.json").write_text("{}")
    for name in ("report.html", "table.md", "anything.new", "table.json", "run.json"):
        (folder / name).write_text(name)
    write_scores(folder / "scores.parquet", row_scores())
    parent = log_table(table_evidence(), context(), store=store, experiment="tables", folder=folder, config="seed: 0\n")
    return store, store.client.get_run(parent)


def trainer(root: Path, logger: MintLogger) -> pl.Trainer:
    return pl.Trainer(
        default_root_dir=root,
        logger=logger,
        accelerator="cpu",
        max_epochs=1,
        limit_train_batches=2,
        limit_val_batches=1,
        log_every_n_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[ModelCheckpoint()],
    )


def test_each_row_is_a_child_run_to_sort_and_filter_by(table):
    store, parent = table
    experiment = parent.info.experiment_id
    children = store.client.search_runs(
        [experiment],
        f"tags.`mlflow.parentRunId` = '{parent.info.run_id}' and tags.kind = 'row'",
        order_by=["metrics.excess DESC"],
    )
    evidence = table_evidence()
    expected = sorted(evidence.rows, key=lambda row: -row.excess.value)
    assert [run.info.run_name for run in children] == [row.name for row in expected]
    for run, row in zip(children, expected, strict=True):
        assert run.data.metrics["auc"] == pytest.approx(row.auc.value, abs=5e-5)
        assert run.data.params["head"] == row.head
        assert run.data.params["seed"] == "0"
        assert run.info.status == "FINISHED"
    finding = store.client.search_runs([experiment], "tags.finds = 'yes' and params.tap = 'conv4'")
    assert {run.info.run_name for run in finding} == {"CNN conv4", "Vanilla conv4"}


def test_the_parent_says_where_it_comes_from(table):
    _, parent = table
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["outcome"] == "scores like training photos"
    assert parent.data.tags["git_commit"].startswith("0123456789abcdef")
    assert parent.data.tags["fingerprint"] == context().fingerprint
    assert parent.data.tags["mlflow.note.content"].startswith("**Scores like training photos.**")
    assert parent.data.metrics["rows_finding"] == 3
    (shards,) = parent.inputs.dataset_inputs
    assert json.loads(shards.dataset.source)["manifest_sha256"] == "5eed" * 16


def test_the_parent_holds_what_people_read_and_recompute(table, tmp_path):
    store, parent = table
    folder = Path(store.client.download_artifacts(parent.info.run_id, "", str(tmp_path)))
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {"report.html", "table.md", "evidence.json", "context.json", "scores.parquet", "config.yaml"} <= names
    assert {"anything.new", "auditors/cnn_conv4/auditor.json"} <= names  # whatever the finished folder has
    assert not {"table.json", "run.json"} & names
    assert {"pictures/roc.png", "pictures/comparison.png", "pictures/scores_03_cnn_conv4.png"} <= names
    assert TableEvidence.from_json(json.loads((folder / "evidence.json").read_text())) == table_evidence()
    scores = pq.read_table(folder / "scores.parquet").to_pandas()
    row = row_scores()[3]
    mine = scores[(scores["row"] == "CNN conv4") & (scores["role"] == "audited")]
    assert mine["score"].tolist() == row.audited.score.tolist()
    assert mine["key"].tolist() == row.audited.key.tolist()
    assert mine["member"].tolist() == row.audited.member.tolist()
    assert set(scores["role"]) == {"audited", "twin"}
    assert (store.artifacts / "tables").is_dir()


def test_two_first_users_at_once_share_one_quiet_store(tmp_path):
    started = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST_USE, str(tmp_path), str(number)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        for number in range(2)
    ]
    answers = [process.communicate(timeout=100) for process in started]
    assert [error for _, error in answers] == ["", ""]
    assert len({out for out, _ in answers}) == 1
    assert [path.name for path in (tmp_path / "mlruns").iterdir()] == ["mlflow.db"]
    store = open_store(tmp_path)
    assert len(store.client.search_runs([store.experiment("parallel")])) == 10


def test_a_training_is_logged_with_its_checkpoint_under_mlruns(root, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    logger = MintLogger("training", run_name="one head", root=str(root), tags={"why": "test"})
    logger.log_config({"model": {"lr": 0.1}})
    logger.log_subject(network="net", fingerprint="f00d", tap="conv4", head="vanilla", seed=3, samples=100)
    logger.log_shards("lfw", "ab" * 32, images=7)
    logger.log_hyperparams({"model": {"lr": 0.1, "long": "x" * 2000}})
    trainer(root, logger).fit(Head())
    run = logger.experiment.get_run(logger.run_id)
    assert run.info.run_name == "one head"
    assert run.info.status == "FINISHED"
    assert run.data.params["model/lr"] == "0.1"
    assert len(run.data.params["model/long"]) == 500
    assert {key: run.data.params[key] for key in ("tap", "head", "seed", "samples")} == {
        "tap": "conv4",
        "head": "vanilla",
        "seed": "3",
        "samples": "100",
    }
    assert run.data.tags["kind"] == "fit"
    assert run.data.tags["why"] == "test"
    assert run.data.tags["fingerprint"] == "f00d"
    assert len(logger.experiment.get_metric_history(logger.run_id, "train/loss")) == 2
    assert run.inputs.dataset_inputs[0].dataset.digest == ("ab" * 32)[:36]
    assert list((root / "mlruns" / "checkpoints" / "training" / logger.run_id / "checkpoints").glob("*.ckpt"))
    assert Path(logger.experiment.download_artifacts(logger.run_id, "config.yaml")).read_text() == "model:\n  lr: 0.1\n"
    assert list(tmp_path.iterdir()) == []


def test_other_parameters_are_another_run(root):
    logger = MintLogger("training", root=str(root))
    logger.log_hyperparams({"lr": 0.1})
    again = MintLogger("training", root=str(root), run_id=logger.run_id)
    again.log_hyperparams({"lr": 0.1})
    with pytest.raises(UserError, match=rf"run {logger.run_id} was made with other parameters"):
        again.log_hyperparams({"lr": 0.2})
    child = MintLogger("training", root=str(root), parent_run=logger.run_id)
    tags = child.experiment.get_run(child.run_id).data.tags
    assert tags["mlflow.parentRunId"] == logger.run_id
    with pytest.raises(UserError, match="There is no run 'nothing'"):
        MintLogger("training", root=str(root), run_id="nothing")


def test_a_logger_does_not_decide_where_the_next_store_lies(root, tmp_path):
    logger = MintLogger("training", root=str(root))
    assert logger.run_id
    assert "MLFLOW_TRACKING_URI" not in os.environ
    shutil.copytree(root, tmp_path / "second")
    assert open_store(tmp_path / "second").home == tmp_path / "second" / "mlruns"


def test_evidence_of_one_head_is_logged_on_its_own_run(root):
    logger = MintLogger("training", root=str(root))
    evidence = table_evidence(3, rows=(("CNN conv4", "cnn", "conv4", 0.9),))
    logger.log_evidence(evidence, context())
    run = logger.experiment.get_run(logger.run_id)
    assert run.data.metrics["auc"] == pytest.approx(evidence.rows[0].auc.value, abs=5e-5)
    assert run.data.tags["finds"] == "yes"
    assert "report.html" in {file.path for file in logger.experiment.list_artifacts(logger.run_id)}


def test_other_ranks_log_nothing_and_fail_at_nothing(root, monkeypatch):
    store = open_store(root)
    before = len(store.client.search_runs([store.experiment("training")]))
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    logger = MintLogger("training", root=str(root))
    logger.log_config("a: 1")
    logger.log_subject(network="net", fingerprint="f00d", tap="conv4", head="vanilla", seed=3)
    logger.log_shards("lfw", "ab" * 32)
    logger.log_hyperparams({"lr": 0.1})
    logger.log_file(root)
    logger.log_evidence(table_evidence(), context())
    logger.finalize("success")
    monkeypatch.setattr(rank_zero_only, "rank", 0)
    assert len(store.client.search_runs([store.experiment("training")])) == before


def test_a_moved_root_goes_on_logging_in_its_new_place(table, root, tmp_path):
    shutil.copytree(root, tmp_path / "new")
    store = open_store(tmp_path / "new")
    parent = log_table(table_evidence(2, controls=False), context(), store=store, experiment="tables")
    assert (tmp_path / "new" / "mlruns" / "artifacts" / "tables" / parent / "artifacts" / "report.html").is_file()
    assert not (root / "mlruns" / "artifacts" / "tables" / parent).exists()


def test_the_epoch_is_logged_once_a_step(root):
    """Lightning sends it with every group of figures; told twice, a run that goes on would not have the same."""
    logger = MintLogger("training", root=str(root))
    for figures in ({"fit/loss": 1.0, "epoch": 0.0}, {"validate/auc": 0.5, "epoch": 0.0}):
        logger.log_metrics(figures, 6)
    logger.log_metrics({"fit/loss": 0.5, "epoch": 1.0}, 13)
    history = logger.experiment.get_metric_history(logger.run_id, "epoch")
    assert [(each.step, each.value) for each in history] == [(6, 0.0), (13, 1.0)]
    found = logger.experiment.get_run(logger.run_id).data.metrics
    assert found == {"fit/loss": 0.5, "validate/auc": 0.5, "epoch": 1.0}
