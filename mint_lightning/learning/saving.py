"""Checkpoints that a fit can be gone on with from any batch, whole or absent."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities.exceptions import SIGTERMException

from mint_lightning.errors import UserError
from mint_lightning.files import atomic_path

RESUME = "resume.ckpt"
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class AtomicCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint beside its place and renames it: Lightning's own moves it there from the folder for temporary
    files, which copies where that is another disk, so that a kill leaves half a checkpoint in place of a good one."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Save it; a full disk is a `UserError`, and what stood there stands."""
        with atomic_path(Path(path)) as temporary:
            torch.save(checkpoint, temporary)


class Saving(Callback):
    """Keep a checkpoint of the last batch that was trained on, to go on from after a kill or a time limit.

    Going on from it is exact: weights, optimizer, order of photos, early stopping and logged figures are those of a run
    that was never stopped. It is removed when the work is done. On SIGTERM, which schedulers send before they kill, it
    is written after the batch under way; on SIGUSR1, which SLURM can be told to send before a time limit, likewise, and
    the job is then queued again.

    Args:
        minutes: between two of them.
        steps: a checkpoint after every so many batches, whatever the time; null goes by minutes alone.
        keep: how many of the last are kept: resume.ckpt, and before it resume-1.ckpt and so on.
        path: of the checkpoint; resume.ckpt beside the others by default.
    """

    def __init__(self, minutes: float = 5.0, steps: int | None = None, keep: int = 1, path: str | None = None) -> None:
        if not minutes > 0 or (steps is not None and steps < 1) or keep < 1:
            raise UserError(
                f"saving.minutes is {minutes}, saving.steps {steps}, saving.keep {keep}: all must be above 0."
            )
        self.minutes, self.steps, self.keep, self.path = minutes, steps, keep, path
        self._last = time.monotonic()
        self._asked: signal.Signals | None = None

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock, and listen to signals: Lightning's own answer to them talks to the other processes at once,
        in the middle of whatever these do."""
        self._last = time.monotonic()
        if self.path is not None and threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                signal.signal(number, self._note)  # Lightning puts back what was there when the fit ends

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        """Save, where it is time or one of the processes was told to end; in the latter case, end.

        Gone on with from an epoch's last batch, Lightning would leave out what comes at the end of the epoch: there the
        next batch is waited for. Of epochs of one batch only their ends are kept, as Lightning does.
        """
        one_batch = trainer.num_training_batches == 1
        if self.path is None or getattr(trainer, "fast_dev_run", False) or (trainer.is_last_batch and not one_batch):
            return
        if not _any(trainer, self._asked is not None or self._late(trainer)):
            return  # the one word that the processes exchange for nearly every batch
        asked = _any(trainer, self._asked is not None)
        if not one_batch:
            if trainer.is_global_zero:
                self._set_aside()
            trainer.save_checkpoint(self.path)
            self._last = time.monotonic()
        if asked:
            if _any(trainer, self._asked is signal.SIGUSR1) and trainer.is_global_zero:
                queue_again()
            raise SIGTERMException

    def remove(self) -> None:
        """Remove them, once all that the fit was for is done: nothing is left to go on with."""
        if self.path is not None:
            for path in self._paths():
                path.unlink(missing_ok=True)

    def _note(self, number: int, frame: object) -> None:
        self._asked = signal.Signals(number)

    def _late(self, trainer: L.Trainer) -> bool:
        by_steps = self.steps is not None and trainer.global_step % self.steps == 0
        return by_steps or time.monotonic() - self._last > 60.0 * self.minutes

    def _paths(self) -> list[Path]:
        """Where the last ones lie, the newest first."""
        path = Path(str(self.path))
        return [path, *(path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(1, self.keep))]

    def _set_aside(self) -> None:
        """Give each the next one's name; the newest keeps its own, too, until it is replaced."""
        newest, *older = self._paths()
        if not older or not newest.is_file() or (older[0].is_file() and newest.samefile(older[0])):
            return  # nothing to set aside, or it was before a kill
        for place in range(len(older) - 1, 0, -1):
            if older[place - 1].is_file():
                older[place - 1].replace(older[place])
        with atomic_path(older[0]) as temporary:
            try:
                os.link(newest, temporary)
            except OSError:  # a file system without links
                shutil.copyfile(newest, temporary)


def queue_again() -> None:
    """Tell SLURM to start this job once more; where it is none, or that fails, say so."""
    number, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    job = f"{number}_{task}" if number and task else os.environ.get("SLURM_JOB_ID", "")
    if not re.fullmatch(r"[0-9]+(_[0-9]+)?", job):
        return
    try:
        done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, check=False, timeout=60)
        why = "" if done.returncode == 0 else done.stderr.strip() or f"it ended with {done.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        why = str(error)
    print(f"Job {job} was not queued again: {why}" if why else f"Job {job} is queued again.", file=sys.stderr)


def _any(trainer: L.Trainer, here: bool) -> bool:
    """Whether it is so in any of the processes."""
    if trainer.world_size == 1:
        return here
    return bool(trainer.strategy.reduce_boolean_decision(here, all=False))
