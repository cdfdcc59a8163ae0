"""fit, validate, test and predict by several processes, however they were started: what one process gives."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from mint_lightning.cli import main
from mint_lightning.tracking import open_store
from tests.integration.conftest import CONF
from tests.launching import alone, finished, second_process, slurm, torchrun

pytestmark = [pytest.mark.integration, pytest.mark.ddp]

EPOCHS = 3
COMMON = ["--config", str(CONF / "faces_vanilla.yaml"), "--trainer.accelerator", "cpu", "--data.batch_size", "64"]
COMMON += ["--trainer.max_epochs", str(EPOCHS), "--trainer.enable_progress_bar", "false", "--data.workers", "1"]


def by(count: int, nodes: int = 1) -> list[str]:
    return ["--trainer.devices", str(count), "--trainer.strategy", "ddp", "--trainer.num_nodes", str(nodes)]


@pytest.fixture(scope="module")
def one(demo_workspace: Path) -> Path:
    """The workspace, where one process has learnt, validated, tested and predicted."""
    here = Path.cwd()
    os.chdir(demo_workspace)
    try:
        assert main(["fit", *COMMON, "--name", "alone"]) == 0
        for command in ("validate", "test", "predict"):
            assert main([command, *COMMON, "--name", "alone", "--ckpt_path", best("alone")]) == 0
    finally:
        os.chdir(here)
    return demo_workspace


@pytest.fixture(autouse=True)
def there(one: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(one)


def best(name: str) -> str:
    return f"mlruns/checkpoints/{name}/best.ckpt"


def logged(name: str) -> dict[str, list[tuple[int, float]]]:
    client = open_store().client
    experiments = [each.experiment_id for each in client.search_experiments()]
    found: dict[str, list[tuple[int, float]]] = {}
    runs = client.search_runs(experiments, f"attributes.run_name = '{name}'")
    assert len(runs) == 1  # one process alone writes
    for key in runs[0].data.metrics:
        found[key] = sorted((each.step, each.value) for each in client.get_metric_history(runs[0].info.run_id, key))
    return found


def assert_alike(name: str) -> None:
    """Head and curves are those of one process, to float tolerance."""
    head, other = (load_file(f"mlruns/auditors/{run}/head.safetensors") for run in ("alone", name))
    for key, value in head.items():
        torch.testing.assert_close(other[key], value, atol=1e-5, rtol=1e-4)
    first, second = logged("alone"), logged(name)
    for key in ("fit/loss", "validate/loss", "validate/auc"):
        assert [step for step, _ in first[key]] == [step for step, _ in second[key]]
        np.testing.assert_allclose(
            [value for _, value in second[key]], [value for _, value in first[key]], atol=1e-5, rtol=1e-4
        )


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("two", lambda words: alone([*words, *by(2)])),
        pytest.param("four", lambda words: alone([*words, *by(4)]), marks=pytest.mark.slow),
        pytest.param("by_torchrun", lambda words: torchrun([*words, *by(2)]), marks=pytest.mark.slow),
        pytest.param(
            "on_two_nodes", lambda words: torchrun([*words, *by(1, 2)], nodes=2, each=1), marks=pytest.mark.slow
        ),
        pytest.param("by_slurm", lambda words: slurm([*words, *by(2)]), marks=pytest.mark.slow),
    ],
)
def test_the_same_head_however_it_is_started(name: str, start: Callable[[list[str]], Any]) -> None:
    finished(start(["fit", *COMMON, "--name", name]))
    assert_alike(name)


@pytest.mark.parametrize("count", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_figures_and_scores_are_exact_on_unequal_ranks(count: int) -> None:
    for command in ("validate", "test", "predict"):
        name = f"{command}_{count}"
        of = ["--ckpt_path", best("alone"), "--checkpoint.dirpath", "mlruns/checkpoints/alone"]
        finished(alone([command, *COMMON, *by(count), "--name", name, *of]))
    one, several = (pq.read_table(f"mlruns/predictions/{name}.parquet") for name in ("alone", f"predict_{count}"))
    assert one["key"].to_pylist() == several["key"].to_pylist()
    np.testing.assert_allclose(several["score"].to_numpy(), one["score"].to_numpy(), atol=1e-5)
    one, several = (json.loads(Path(f"mlruns/scores/{name}.json").read_text()) for name in ("alone", f"test_{count}"))
    assert _close(several, one)


def _close(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_close(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_close, one, other))
    return bool(one == pytest.approx(other, abs=1e-4, nan_ok=True)) if isinstance(one, float) else bool(one == other)


@pytest.mark.slow
def test_a_process_that_is_killed_ends_all_and_the_fit_goes_on() -> None:
    words = ["fit", *COMMON, *by(2), "--name", "killed_rank", "--saving.steps", "1", "--ckpt_path", "resume"]
    resume = Path("mlruns/checkpoints/killed_rank/resume.ckpt")
    (running,) = alone(words)
    while not resume.is_file() and running.poll() is None:
        time.sleep(0.01)
    os.kill(second_process(), signal.SIGKILL)
    said = running.communicate(timeout=60)[0]
    assert running.returncode == 2, said
    assert "Error: Process 1 of 2 failed (killed by signal 9); what is done is kept" in said
    finished(alone(["fit", *COMMON, "--name", "killed_rank", "--ckpt_path", "resume"]))  # by one, from where two were
    assert_alike("killed_rank")


def test_preempted_by_slurm_it_is_queued_again_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "scontrol").write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n')
    (tmp_path / "scontrol").chmod(0o755)
    words = ["fit", *COMMON, *by(2), "--name", "preempted", "--saving.steps", "1", "--saving.keep", "3"]
    words += ["--ckpt_path", "resume"]
    resume = Path("mlruns/checkpoints/preempted/resume.ckpt")
    tasks = slurm(words, PATH=f"{tmp_path}:{os.environ['PATH']}")
    while not resume.is_file() and all(task.poll() is None for task in tasks):
        time.sleep(0.01)
    tasks[1].send_signal(signal.SIGUSR1)  # any of them may be told
    said = [task.communicate(timeout=120)[0] for task in tasks]
    assert [task.returncode for task in tasks] == [143, 143], said
    assert (tmp_path / "asked").read_text().startswith("requeue ")
    assert "is queued again" in said[0]
    assert len(list(resume.parent.glob("resume*.ckpt"))) > 1
    finished(slurm(words))
    assert not list(resume.parent.glob("resume*.ckpt"))
    assert_alike("preempted")
