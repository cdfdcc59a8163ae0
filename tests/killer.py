"""A Lightning callback that ends its own process at a given batch, as a lost machine or a scheduler would."""

import os
import signal
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback


class KillAt(Callback):
    """Send `sent` to this process once `step` batches are trained on, or when that batch begins."""

    def __init__(self, step: int, sent: str = "SIGKILL", before: bool = False) -> None:
        self.step, self.sent, self.before = step, sent, before

    def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
        if self.before and trainer.global_step == self.step:
            os.kill(os.getpid(), signal.Signals[self.sent])

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        if not self.before and trainer.global_step == self.step:
            os.kill(os.getpid(), signal.Signals[self.sent])
