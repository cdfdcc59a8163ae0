"""Where the time of a `fit` goes: a stopwatch over its parts, and the callback that reads it."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, RichProgressBar
from lightning.pytorch.strategies import Strategy

from benchmarks.common.stopwatch import Parts, Stopwatch
from benchmarks.common.stopwatch import watched as timed
from mint_lightning.audited import taps
from mint_lightning.audited.network import AuditedNetwork
from mint_lightning.learning.mint import MINT
from mint_lightning.shards.workers import StreamLoader
from mint_lightning.tracking.logger import MintLogger

PARTS: Parts = (
    ("waiting for the loader, joining its parts", StreamLoader, ("_parts", "_batch")),
    ("uint8 to float", AuditedNetwork, ("_prepare",)),
    ("network", AuditedNetwork, ("_read",)),
    ("reduction of taps", taps, ("reduce",)),
    ("head, forward and its logging", MINT, ("training_step", "validation_step", "on_validation_epoch_end")),
    ("head, backward and optimizer", Strategy, ("backward", "optimizer_step")),
    ("run logger (MLflow)", MintLogger, ("log_metrics", "save", "after_save_checkpoint")),
    ("checkpoints", ModelCheckpoint, ("on_validation_end", "on_train_epoch_end")),
    (
        "progress bar",
        RichProgressBar,
        ("on_train_epoch_start", "on_train_batch_end", "on_train_epoch_end", "on_validation_batch_start",
         "on_validation_batch_end", "on_validation_end", "on_validation_epoch_start"),
    ),
)  # fmt: skip
REST = "Lightning's loops and all else"


@contextmanager
def watched(stopwatch: Stopwatch) -> Iterator[None]:
    """While this is open the stopwatch times `PARTS` wherever they run in this process."""
    with timed(stopwatch, PARTS):
        yield


RECORDS: list[dict[str, Any]] = []
"""What each `fit` of this process took, as `Clock` found it."""
STOPWATCH = Stopwatch()


class Clock(Callback):
    """Times a `fit` that is asked for it in its config: the whole of it, and its last epoch with its validation.

    The epoch runs from its start to the end of training, so that logging and checkpoints after it count as well.
    """

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """The beginning of `trainer.fit`."""
        if stage == "fit":
            self.start, self.processor = time.perf_counter(), _children()

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Standardised, checked, about to learn."""
        self.learning = time.perf_counter()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Forget what earlier epochs took."""
        self.epoch = time.perf_counter()
        STOPWATCH.seconds.clear()

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """The last epoch is over."""
        now = time.perf_counter()
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        parts = {name: STOPWATCH.seconds.get(name, 0.0) for name, *_ in PARTS}
        parts[REST] = now - self.epoch - sum(parts.values())
        self.record = {
            "epoch": now - self.epoch,
            "before": self.learning - self.start,
            "epochs": trainer.current_epoch,
            "fit_images": data.order().steps * data.batch_size,
            "validate_images": len(data.rows("validate")),
            "parts": parts,
        }

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """The end of `trainer.fit`; the workers have gone."""
        if stage == "fit":
            self.record["whole"] = time.perf_counter() - self.start
            self.record["workers"] = _children() - self.processor
            RECORDS.append(self.record)


def _children() -> float:
    """Processor time of the worker processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
