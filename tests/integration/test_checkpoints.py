"""Checkpoints of a fit through the front door: whole or absent, as many as asked for, and gone on with as it began."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from sqlalchemy.exc import OperationalError

from mint_lightning.cli import main
from mint_lightning.shards import KeyList, Manifest
from mint_lightning.tracking import open_store
from tests.integration.conftest import CONF, FAST
from tests.launching import MODULE, alone, environment, second_process
from tests.unit.test_stream_faults import rewrite

pytestmark = pytest.mark.integration

FIT = ["fit", "--config", str(CONF / "faces_vanilla.yaml"), *FAST, "--trainer.enable_progress_bar", "false"]
FIT += ["--data.batch_size", "64", "--data.workers", "0", "--saving.steps", "1"]
LONG = ["--trainer.max_epochs", "500", "--early_stopping.patience", "500"]


def folder(name: str) -> Path:
    return Path("mlruns/checkpoints") / name


def step(path: Path) -> int:
    return int(torch.load(path, weights_only=True)["global_step"])


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("Error: ")
    return lines[-1]


def killed_at(name: str, at: int, *words: str) -> None:
    callback = f'[{{"class_path": "tests.killer.KillAt", "init_args": {{"step": {at}}}}}]'
    command = [sys.executable, *MODULE, *FIT, *words, "--name", name, "--trainer.callbacks", callback]
    assert subprocess.run(command, env=environment(), capture_output=True, check=False).returncode == -9


@pytest.fixture(scope="module")
def stopped(demo_workspace: Path) -> Path:
    """The last batch kept by a fit that was killed, with three checkpoints."""
    here = Path.cwd()
    os.chdir(demo_workspace)
    try:
        killed_at("three_kept", 5, "--saving.keep", "3")
    finally:
        os.chdir(here)
    return demo_workspace / folder("three_kept")


def test_the_last_ones_are_kept_in_turn(stopped: Path) -> None:
    kept = [step(stopped / name) for name in ("resume-2.ckpt", "resume-1.ckpt", "resume.ckpt")]
    assert kept == sorted(set(kept))
    assert kept[0] >= 1, "after the last batch of an epoch nothing is saved, so one may be left out between them"


def test_a_kill_between_setting_aside_and_saving_costs_nothing(stopped: Path, workspace: Path) -> None:
    shutil.copytree(stopped, folder("aside"))
    (folder("aside") / "resume-1.ckpt").unlink()
    os.link(folder("aside") / "resume.ckpt", folder("aside") / "resume-1.ckpt")
    assert main([*FIT, "--name", "aside", "--saving.keep", "3", "--ckpt_path", "resume"]) == 0
    assert sorted(path.name for path in folder("aside").iterdir()) == ["best.ckpt", "last.ckpt"]


@pytest.mark.parametrize("which", [1, 4])
def test_a_kill_while_one_is_written_leaves_the_one_before(which: int, workspace: Path) -> None:
    name = f"half{which}"
    command = [sys.executable, "-m", "tests.dying", str(which), *FIT, "--name", name, "--ckpt_path", "resume"]
    assert subprocess.run(command, env=environment(), capture_output=True, check=False).returncode == -9
    kept = [path for path in folder(name).glob("*.ckpt") if not path.name.startswith(".")]
    assert bool(kept) is (which > 1)
    assert all(step(path) > 0 for path in kept)
    assert main([*FIT, "--name", name, "--ckpt_path", "resume"]) == 0
    assert not list(folder(name).glob(".*"))


def test_a_full_disk_is_one_sentence_that_names_the_checkpoint(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save, written = torch.save, []

    def full(content: Any, place: Any, *rest: Any, **more: Any) -> None:
        written.append(Path(place).name)
        if len(written) == 4:
            Path(place).write_bytes(b"half")
            raise OSError(28, "No space left on device")
        save(content, place, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        assert main([*FIT, "--name", "brimful"]) == 2
    said = error_of(capsys)
    assert "No space left" in said
    assert ".ckpt" in said
    assert all(name.startswith(".") for name in written), "each beside its place, to be renamed"
    assert step(folder("brimful") / "resume.ckpt") > 0
    assert not list(folder("brimful").glob(".*partial"))


def test_a_disk_that_is_full_for_the_tracking_store(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The store says so, and what would wait for it has no room either: the fit goes on, and says what is lost."""

    def full(*_: object, **__: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    def no_room(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "mlruns/unsent/x")

    monkeypatch.setattr("mlflow.store.tracking.sqlalchemy_store.SqlAlchemyStore.log_batch", full)
    monkeypatch.setattr("mint_lightning.tracking.unsent.Unsent.append", no_room)
    assert main([*FIT, "--name", "unlogged"]) == 0
    said = capsys.readouterr().err
    assert "mlruns/unsent cannot be written (No space left on device)" in said
    assert "are lost until it can" in said
    assert (folder("unlogged") / "best.ckpt").is_file()


def test_epochs_of_one_batch_go_on_from_the_last_epoch(workspace: Path) -> None:
    rows = ["--data.samples", "64", "--trainer.max_epochs", "4"]
    assert main([*FIT, *rows, "--name", "short_whole"]) == 0
    assert step(folder("short_whole") / "last.ckpt") == 4
    killed_at("short", 2, *rows)
    assert not (folder("short") / "resume.ckpt").exists()
    assert main([*FIT, *rows, "--name", "short", "--ckpt_path", "resume"]) == 0
    one, other = (torch.load(folder(name) / "last.ckpt", weights_only=True) for name in ("short_whole", "short"))
    assert one["global_step"] == other["global_step"] == 4
    assert all(torch.equal(one["state_dict"][key], other["state_dict"][key]) for key in one["state_dict"])
    client = open_store().client
    experiments = [each.experiment_id for each in client.search_experiments()]
    assert len(client.search_runs(experiments, "attributes.run_name = 'short'")) == 1


def test_the_end_of_an_epoch_is_gone_on_from_exactly(workspace: Path) -> None:
    """Where no last batch was kept yet: the photos of the next epoch come, not those of the first again."""
    rows = ["--trainer.max_epochs", "3", "--saving.steps", "null"]
    assert main([*FIT, *rows, "--name", "ends_whole"]) == 0
    steps = step(folder("ends_whole") / "last.ckpt") // 3
    killed_at("ends", 2 * steps + 1, *rows)
    assert not (folder("ends") / "resume.ckpt").exists()
    assert main([*FIT, *rows, "--name", "ends", "--ckpt_path", "resume"]) == 0
    one, other = (torch.load(folder(name) / "last.ckpt", weights_only=True) for name in ("ends_whole", "ends"))
    assert one["global_step"] == other["global_step"] == 3 * steps
    assert all(torch.equal(one["state_dict"][key], other["state_dict"][key]) for key in one["state_dict"])


def test_a_kill_before_the_auditor_is_written(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(cli: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mint_lightning.commands.lightning.after_fit", killed)
        assert main([*FIT, "--name", "unaudited"]) == 130
    assert (folder("unaudited") / "resume.ckpt").is_file()
    assert main([*FIT, "--name", "unaudited", "--ckpt_path", "resume"]) == 0
    assert main([*FIT, "--name", "audited_at_once"]) == 0
    one, other = (load_file(f"mlruns/auditors/{name}/head.safetensors") for name in ("unaudited", "audited_at_once"))
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert not (folder("unaudited") / "resume.ckpt").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--model.rate", "0.05"], "model.rate 0.001, here it is 0.05"),
        (["--model.dropout", "0.6"], "model.dropout 0.3, here it is 0.6"),
        (["--model.seed", "7"], "model.seed 0, here it is 7"),
        (["--trainer.precision", "bf16-mixed"], "trainer.precision '32-true', here it is 'bf16-mixed'"),
        (["--trainer.accumulate_grad_batches", "2"], "trainer.accumulate_grad_batches 1, here it is 2"),
        (["--model.taps", "[conv4]"], "The checkpoint's taps is"),
        (["--data.null_seed", "1"], "The checkpoint's members known by is"),
    ],
)
def test_a_fit_goes_on_only_as_it_began(
    words: list[str], sentence: str, stopped: Path, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(stopped, folder("other"), dirs_exist_ok=True)
    assert main([*FIT, "--name", "other", "--ckpt_path", "resume", *words]) == 2
    assert sentence in error_of(capsys)


def test_what_is_no_whole_checkpoint_is_refused(
    stopped: Path, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = torch.load(stopped / "resume.ckpt", weights_only=True)
    place = folder("odd") / "resume.ckpt"
    place.parent.mkdir(parents=True)
    for wrong, sentence in (
        ({**whole, "optimizer_states": []}, "holds weights alone"),
        ({**whole, "losses": ["x", 1.0, 2.0]}, "is damaged: its losses are"),
    ):
        torch.save(wrong, place)
        assert main([*FIT, "--name", "odd", "--ckpt_path", "resume"]) == 2
        assert sentence in error_of(capsys)
    data = bytearray((stopped / "resume.ckpt").read_bytes())
    middle = max(range(0, len(data) - 400, 100), key=lambda at: len(set(data[at : at + 400])))  # within the weights
    data[middle + 200] ^= 255
    place.write_bytes(bytes(data))
    assert main([*FIT, "--name", "odd", "--ckpt_path", "resume"]) == 2
    assert "is damaged" in error_of(capsys)


def test_more_broken_images_than_allowed_stop_the_fit(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree("shards/demo", "shards/holed", dirs_exist_ok=True)
    manifest = Manifest.load(Path("shards/holed"))
    keys = KeyList.load(Path("shards/holed"), manifest)
    rows = keys.where(splits=["fit"])[:12]
    for row in rows:
        tar = Path("shards/holed") / manifest.shards[keys.shard[row]].name
        rewrite(tar, f"{keys.key[row]}.jpg", lambda image: image[:60] + bytes([image[60] ^ 1]) + image[61:])
    words = [*FIT, "--data.shards", "shards/holed", "--name", "holed"]
    assert main([*words, "--data.max_broken", "0.001"]) == 2
    assert "images cannot be decoded" in error_of(capsys)
    assert main([*words, "--data.max_broken", "0.05"]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("sent", ["SIGKILL", "SIGUSR1", "SIGTERM"])
def test_nobody_is_left_when_the_launcher_is_told_to_end(sent: str, workspace: Path) -> None:
    name = f"led_{sent.lower()}"
    two = ["--trainer.strategy", "ddp", "--trainer.devices", "2", "--data.workers", "1", "--name", name]
    (running,) = alone([*FIT, *LONG, *two])
    while not (folder(name) / "resume.ckpt").is_file() and running.poll() is None:
        time.sleep(0.05)
    other = second_process()
    running.send_signal(signal.Signals[sent])
    running.communicate(timeout=60)
    assert running.returncode == {"SIGKILL": -9}.get(sent, 143)
    end = time.monotonic() + 60
    while Path(f"/proc/{other}").exists() and time.monotonic() < end:
        time.sleep(0.2)
    assert not Path(f"/proc/{other}").exists()
    assert step(folder(name) / "resume.ckpt") > 0
