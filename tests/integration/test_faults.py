"""Faults in the middle of a command: one sentence, the right exit code, nothing half-written."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mint_lightning import cli
from mint_lightning.cli import main
from mint_lightning.files import held
from tests.integration.conftest import CONF, FAST
from tests.launching import MODULE, environment

pytestmark = pytest.mark.integration

FIT = ["fit", "--config", str(CONF / "faces_vanilla.yaml"), *FAST, "--data.batch_size", "64"]


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("Error: ")
    return lines[-1]


def test_two_runs_of_one_name(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with held(Path("mlruns/checkpoints/twice/.running"), "The fit 'twice'"):
        assert main([*FIT, "--name", "twice"]) == 2
    assert "The fit 'twice' is under way in another process" in error_of(capsys)
    assert main([*FIT, "--name", "twice"]) == 0


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried ..."),
        MemoryError(),
    ],
)
def test_memory_that_runs_out(
    error: Exception, workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr("mint_lightning.learning.mint.MINT.training_step", full)
    assert main([*FIT, "--name", "full"]) == 2
    assert "Memory ran out: take half the batch size (--data.batch_size" in error_of(capsys)


def test_a_loss_that_is_no_number(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FIT, "--name", "diverges", "--model.rate", "1e30"]) == 2
    assert "lower model.rate" in error_of(capsys)


def test_no_member_for_a_batch(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FIT, "--name", "none", "--data.samples", "0"]) == 2
    assert "samples is 0" in error_of(capsys)


def test_ctrl_c_twice_ends_soon_and_leaves_nothing_half_written(workspace: Path) -> None:
    words = [
        "--name",
        "impatient",
        "--trainer.max_epochs",
        "500",
        "--saving.steps",
        "1",
        "--early_stopping.patience",
        "500",
    ]
    run = subprocess.Popen(
        [sys.executable, *MODULE, *FIT, *words], env=environment(), stderr=subprocess.PIPE, text=True
    )
    while run.poll() is None and not Path("mlruns/checkpoints/impatient/resume.ckpt").is_file():
        time.sleep(0.05)
    for _ in range(2):
        os.kill(run.pid, signal.SIGINT)
        time.sleep(0.02)
    said = run.communicate(timeout=60)[1]
    assert run.returncode == 130, said
    assert "Traceback" not in said
    assert not list(Path("mlruns").rglob("*.partial"))
    assert torch.load("mlruns/checkpoints/impatient/resume.ckpt", weights_only=True)["global_step"] > 0


@pytest.mark.parametrize(("word", "code"), [("--help", 141), ("networks", 1)])  # rich ends tables by itself
def test_a_reader_that_has_seen_enough(word: str, code: int) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        command = [sys.executable, *MODULE, word]
        done = subprocess.run(command, env=environment(), stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, "")


def test_what_is_no_lack_of_memory_stays_an_error() -> None:
    assert not cli.out_of_memory(RuntimeError("shapes do not fit"))
