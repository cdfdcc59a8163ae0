"""A tracking server that is down before, in the middle or at the end of a fit: `sync` makes up for it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mint_lightning.cli import main
from mint_lightning.tracking import open_store
from tests.integration.conftest import CONF
from tests.mlflow_server import Gate, MlflowServer, ShutAt, free_port

pytestmark = pytest.mark.integration

COMMON = ["--config", str(CONF / "faces_vanilla.yaml"), "--trainer.accelerator", "cpu", "--data.batch_size", "64"]
COMMON += ["--trainer.max_epochs", "2", "--trainer.enable_progress_bar", "false", "--saving.steps", "1"]
COMMON += ["--data.workers", "0", "--trainer.log_every_n_steps", "1"]
UNSENT = Path("mlruns/unsent")


@pytest.fixture
def server(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[MlflowServer, Gate]]:
    """A server that was not started yet and an open gate before it, which is the address of the store."""
    one = MlflowServer(tmp_path / "server")
    gate = Gate(one.port)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", gate.address)
    yield one, gate
    gate.shut()
    one.kill()


def fit(name: str, *more: str, shut_at: int | None = None) -> int:
    callback = json.dumps([{"class_path": "tests.mlflow_server.ShutAt", "init_args": {"step": shut_at}}])
    return main(["fit", *COMMON, "--name", name, "--trainer.callbacks", callback, *more])


def logged(name: str) -> tuple[dict[str, list[tuple[int, float]]], dict[str, str], list[str], list[str]]:
    """Figures by step, parameters, files and datasets of the only run of that name."""
    client = open_store().client
    experiments = [each.experiment_id for each in client.search_experiments()]
    (run,) = client.search_runs(experiments, f"attributes.run_name = '{name}'")
    assert run.info.status == "FINISHED"
    found = {key: client.get_metric_history(run.info.run_id, key) for key in run.data.metrics}
    figures = {key: sorted((each.step, each.value) for each in own) for key, own in found.items()}
    files = [each.path for folder in (None, "auditor") for each in client.list_artifacts(run.info.run_id, folder)]
    return figures, run.data.params, files, [each.dataset.digest for each in run.inputs.dataset_inputs]


def test_whenever_it_dies_nothing_is_lost(
    server: tuple[MlflowServer, Gate], capsys: pytest.CaptureFixture[str]
) -> None:
    real, gate = server
    assert fit("at_start") == 0
    said = capsys.readouterr().err
    assert said.count("does not answer") == said.count("`mint-lightning sync`") == 1
    assert main(["sync"]) == 2
    assert capsys.readouterr().err.startswith("Error: 1 of 1 were not sent and stay in mlruns/unsent: The tracking")

    real.start()
    gate.open()
    assert fit("whole") == 0
    ShutAt.how[:] = [gate.shut]
    assert fit("in_the_end") == 0
    gate.open()
    ShutAt.how[:] = [real.kill]
    assert fit("in_the_middle", shut_at=3) == 0
    assert capsys.readouterr().err.count("figures are kept in") == 2
    checkpoint = ["--ckpt_path", "mlruns/checkpoints/in_the_middle/best.ckpt"]
    assert main(["test", *COMMON, "--name", "in_the_middle", *checkpoint]) == 0
    before = sorted(path.read_bytes() for path in UNSENT.glob("*/calls.jsonl"))
    assert main(["sync"]) == 2
    assert sorted(path.read_bytes() for path in UNSENT.glob("*/calls.jsonl")) == before

    real.start()
    assert main(["sync"]) == 0
    assert capsys.readouterr().out.count("Sent ") == 3
    assert [path.name for path in UNSENT.iterdir()] == [".lock"]
    assert main(["sync"]) == 0
    assert "Nothing waits" in capsys.readouterr().out
    whole = logged("whole")
    assert len(whole[0]["fit/loss"]) >= 2
    assert logged("at_start") == logged("in_the_end") == whole
    figures, params, files, datasets = logged("in_the_middle")
    assert {key: figures[key] for key in whole[0]} == whole[0]
    assert (params, datasets) == (whole[1], whole[3])
    assert set(whole[2]) < set(files)
    assert "auc" in figures, "the test's figures stand in the run that was fitted"


@pytest.mark.slow
def test_a_fit_that_was_stopped_goes_on_in_the_run_that_is_kept(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    ShutAt.how[:] = [stop]
    with pytest.raises(RuntimeError, match="stopped"):
        fit("stopped", shut_at=4)  # the checkpoint is that of the second batch, before figures of the first epoch
    assert fit("stopped", "--ckpt_path", "mlruns/checkpoints/stopped/resume.ckpt") == 0
    assert capsys.readouterr().err.count("figures are kept in") == 2
    assert len(list(UNSENT.glob("unsent-*"))) == 1
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert main(["sync", "--tracking-uri", "sqlite:///mlruns/mlflow.db"]) == 0
    figures, _, files, datasets = logged("stopped")
    assert "auditor" in files
    assert len(datasets) == 1
    assert fit("never_stopped") == 0
    assert logged("never_stopped")[0] == figures


def stop() -> None:
    raise RuntimeError("stopped")
