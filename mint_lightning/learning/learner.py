"""A network while it learns classes: what all tasks of `train-audited` share, and its fit on one device."""

import logging
import math
import signal
import sys
import warnings
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import RichProgressBar
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities.exceptions import SIGTERMException
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from numpy.typing import NDArray
from torch import Tensor, nn

from mint_lightning.audited.preprocessing import Preprocessing
from mint_lightning.errors import UserError
from mint_lightning.files import held
from mint_lightning.learning.saving import AtomicCheckpoints, Saving
from mint_lightning.learning.speed import Format
from mint_lightning.shards import TrainLoader
from mint_lightning.shards.batch import Batch

MOMENTUM: Final = 0.9
WEIGHT_DECAY: Final = 5e-4
Rows = NDArray[np.int64]


class Learner(L.LightningModule):
    """A network that learns which class each photo is of. A task says how photos are changed and what the loss is.

    Unless a task says otherwise: SGD with momentum 0.9, weight decay 5e-4 and a one-cycle rate over `steps` steps.
    Batches are those of `mint_lightning.shards.TrainLoader`.

    Args:
        network: Takes float32 (B, 3, H, W), gives (B, D).
        preprocessing: What it expects of its input.
        classes: int64 (n,), the class of each row of the key list, -1 for photos that are not trained on.
        steps: Steps of the whole training.
        rate: Highest learning rate.
        seed: Of whatever changes photos.
        channels_last: Keep images and convolutions in this memory format.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocessing: Preprocessing,
        classes: Rows,
        steps: int,
        *,
        rate: float,
        seed: int = 0,
        channels_last: bool = True,
    ) -> None:
        super().__init__()
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.network = network.to(memory_format=self.format)
        self.preprocessing = preprocessing
        self.register_buffer("classes", torch.from_numpy(classes), persistent=False)
        self.steps, self.rate, self.seed = steps, rate, seed
        self.history: list[dict[str, float]] = []
        """Loss and training accuracy (share of photos whose own class is the likeliest) of each epoch."""
        self._sums: Tensor | None = None
        self.request: dict[str, Any] = {}
        """What is trained, for its checkpoints."""

    @abstractmethod
    def changed(self, images: Tensor, rows: Tensor) -> Tensor:
        """uint8 images (B, 3, H, W) of these rows, int64 (B,), as they are learnt from in this step."""

    @abstractmethod
    def judged(self, output: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """The loss, a scalar, of the network's output (B, D), and the logits (B, classes) that it was taken from."""

    def forward(self, images: Tensor) -> Tensor:
        """The network's output (B, D) for uint8 RGB images (B, 3, H, W)."""
        output: Tensor = self.network(self.preprocessing(images).contiguous(memory_format=self.format))
        return output

    def training_step(self, batch: Batch, index: int) -> Tensor:
        if batch["broken"]:
            raise UserError(
                f"The image {batch['broken'][0]} cannot be read, and the list of members must be exact: "
                "verify the shard set, and pack it again."
            )
        rows = batch["row"]
        label = torch.as_tensor(self.classes)[rows]
        loss, logits = self.judged(self(self.changed(batch["images"], rows)), label)
        self._count(loss, logits, label)
        self.log("loss", loss.detach(), prog_bar=True, batch_size=len(rows))
        return loss

    def _count(self, loss: Tensor, logits: Tensor, label: Tensor) -> None:
        hits = (logits.argmax(1) == label).sum()
        sums = torch.stack([loss.detach().double() * len(label), hits.double(), hits.new_tensor(len(label)).double()])
        self._sums = sums if self._sums is None else self._sums.to(sums.device) + sums

    def on_train_epoch_end(self) -> None:
        if self._sums is None:
            return
        loss, hits, images = self._sums.tolist()
        self._sums = None
        if not math.isfinite(loss):
            raise UserError(f"The training has diverged (loss {loss}): give a rate below {self.rate}.")
        self.history.append({"loss": loss / images, "train_accuracy": hits / images})
        self.log("train_accuracy", hits / images, prog_bar=True)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what the epoch gave so far, and which training this is."""
        checkpoint["training"] = {
            "request": self.request,
            "history": self.history,
            "sums": None if self._sums is None else self._sums.tolist(),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The reverse."""
        kept = checkpoint["training"]
        self.history = kept["history"]
        self._sums = None if kept["sums"] is None else torch.tensor(kept["sums"], dtype=torch.float64)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        optimizer = torch.optim.SGD(self.parameters(), self.rate, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.rate, total_steps=self.steps, cycle_momentum=False)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}


def fit(
    model: Learner,
    loader: TrainLoader,
    epochs: int,
    format: Format,
    accelerator: str,
    progress: bool,
    logger: Logger | None,
    resume: Path,
    minutes: float,
) -> None:
    """Train for `epochs` epochs on one device; the model ends on the CPU.

    The last batch is kept in the file `resume` every so many `minutes`; where that is there, it is gone on with.

    Raises:
        UserError: a broken image, or the loss is no longer finite.
        KeyboardInterrupt: on Ctrl-C, where Lightning itself would leave the program.
    """
    with _quiet_lightning(), held(resume.with_suffix(".running"), f"The training that {resume} is of"):
        trainer = L.Trainer(
            max_epochs=epochs,
            accelerator=accelerator,
            devices=1,
            precision="bf16-mixed" if format.bf16 else "32-true",
            logger=logger or False,
            callbacks=[Saving(minutes, path=str(resume)), *([RichProgressBar()] if progress else [])],
            plugins=[AtomicCheckpoints()],
            enable_progress_bar=progress,
            enable_checkpointing=False,
            enable_model_summary=False,
        )
        handler = signal.getsignal(signal.SIGINT)
        try:
            trainer.fit(model.train(), loader, ckpt_path=resume if resume.is_file() else None, weights_only=True)
        except SIGTERMException as error:
            where = "the same command goes on" if resume.is_file() else "nothing was kept, its epochs have one batch"
            print(f"Stopped by a signal; {where}.", file=sys.stderr)
            raise SystemExit(143) from error
        except SystemExit as error:  # what Lightning makes of Ctrl-C, switching further ones off
            raise KeyboardInterrupt from error
        finally:
            signal.signal(signal.SIGINT, handler)
            loader.close()
    model.cpu()


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Without the lines on devices and missing validation that say nothing about this training."""
    log = logging.getLogger("lightning.pytorch")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            yield
    finally:
        log.setLevel(level)
