"""Lightning callbacks of the measured fits: one ends its own process, one clocks epochs."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback

from mint_lightning.files import write_json


def end(sent: str, delay: float) -> None:
    """Send a signal to this process, now or `delay` seconds later, wherever it is by then."""
    if not delay:
        os.kill(os.getpid(), signal.Signals[sent])
        return
    timer = threading.Timer(delay, os.kill, (os.getpid(), signal.Signals[sent]))
    timer.daemon = True
    timer.start()


class KillAt(Callback):
    """Send `sent` to this process `delay` seconds after `step` batches are trained on, or the next begins."""

    def __init__(self, step: int, sent: str = "SIGKILL", before: bool = False, delay: float = 0.0) -> None:
        self.step, self.sent, self.before, self.delay = step, sent, before, delay

    def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
        if self.before and trainer.global_step == self.step:
            end(self.sent, self.delay)

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        if not self.before and trainer.global_step == self.step:
            end(self.sent, self.delay)


class EpochClock(Callback):
    """Write seconds of each epoch, its validation included, and images of one over all processes, to a JSON file."""

    def __init__(self, path: str) -> None:
        self.path, self.starts = path, list[float]()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.starts.append(time.perf_counter())

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        ends = [*self.starts[1:], time.perf_counter()]
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        images = int(trainer.num_training_batches) * data.batch_size + len(data.rows("validate"))
        if trainer.is_global_zero:
            seconds = [after - before for before, after in zip(self.starts, ends, strict=True)]
            write_json(Path(self.path), {"images": images, "epochs": seconds})
