"""Checkpoints that a fit can be gone on with from any batch, whole or absent."""

import time
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import Callback

from mint_lightning.errors import UserError
from mint_lightning.files import atomic_path

RESUME = "resume.ckpt"


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
    that was never stopped. It is removed when the fit is done. On SIGTERM, which schedulers send before they kill, it
    is written after the batch under way.

    Args:
        minutes: between two of them.
        steps: a checkpoint after every so many batches, whatever the time; null goes by minutes alone.
        path: of the checkpoint; resume.ckpt beside the others by default.
    """

    def __init__(self, minutes: float = 5.0, steps: int | None = None, path: str | None = None) -> None:
        if not minutes > 0 or (steps is not None and steps < 1):
            raise UserError(f"saving.minutes is {minutes}, saving.steps {steps}: both must be above 0.")
        self.minutes, self.steps, self.path = minutes, steps, path
        self._last = time.monotonic()

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self._last = time.monotonic()

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        """Save, where it is time."""
        if self.path is not None and not getattr(trainer, "fast_dev_run", False) and self._due(trainer):
            trainer.save_checkpoint(self.path)
            self._last = time.monotonic()

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Remove it: nothing is left to go on with."""
        if self.path is not None and trainer.is_global_zero:
            Path(self.path).unlink(missing_ok=True)

    def _due(self, trainer: L.Trainer) -> bool:
        late = self.steps is not None and trainer.global_step % self.steps == 0
        late |= time.monotonic() - self._last > 60.0 * self.minutes
        # Gone on with from an epoch's last batch, Lightning would leave out what comes at the end of the epoch.
        due = trainer.received_sigterm or (late and not trainer.is_last_batch)
        return bool(trainer.strategy.broadcast(due)) if trainer.world_size > 1 else due


class KeptSaving(Saving):
    """As `Saving`, but what it wrote stays until somebody removes it: where the fit is not the end of the work."""

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Keep it."""
