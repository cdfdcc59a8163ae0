"""A face network while it learns: the LightningModule behind `train_audited`."""

import logging
import math
import signal
import warnings
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
from mint_lightning.learning.margin import MarginHead
from mint_lightning.learning.saving import AtomicCheckpoints, KeptSaving
from mint_lightning.learning.speed import Format
from mint_lightning.shards import TrainLoader
from mint_lightning.shards.batch import Batch

MOMENTUM: Final = 0.9
WEIGHT_DECAY: Final = 5e-4
Rows = NDArray[np.int64]


class Recognition(L.LightningModule):
    """A network that learns to tell persons apart by the angle between embeddings.

    SGD with momentum 0.9, weight decay 5e-4 and a one-cycle rate over `steps` steps. Batches are those of
    `mint_lightning.shards.TrainLoader`.

    Args:
        network: Takes float32 (B, 3, H, W), gives embeddings (B, D).
        preprocessing: What it expects of its input.
        embedding: D.
        classes: int64 (n,), the class of each row of the key list, -1 for photos that are not trained on.
        steps: Steps of the whole training.
        loss, scale, margin: As `MarginHead`.
        rate: Highest learning rate of the cycle.
        flip: Mirror half of the images, drawn by (seed, step, row).
        seed: Of the flips.
        channels_last: Keep images and convolutions in this memory format.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocessing: Preprocessing,
        embedding: int,
        classes: Rows,
        steps: int,
        *,
        loss: str = "cosface",
        scale: float = 32.0,
        margin: float = 0.2,
        rate: float = 0.1,
        flip: bool = True,
        seed: int = 0,
        channels_last: bool = True,
    ) -> None:
        super().__init__()
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.network = network.to(memory_format=self.format)
        self.head = MarginHead(embedding, int(classes.max()) + 1, loss=loss, scale=scale, margin=margin)
        self.preprocessing = preprocessing
        self.register_buffer("classes", torch.from_numpy(classes), persistent=False)
        self.steps, self.rate, self.flip, self.seed = steps, rate, flip, seed
        self.history: list[dict[str, float]] = []
        """Loss and training accuracy (share of photos nearest to their own person's centre) of each epoch."""
        self._sums: Tensor | None = None
        self.request: dict[str, Any] = {}
        """What is trained, for its checkpoints."""

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (B, D) of uint8 RGB images (B, 3, H, W)."""
        embedding: Tensor = self.network(self.preprocessing(images).contiguous(memory_format=self.format))
        return embedding

    def training_step(self, batch: Batch, index: int) -> Tensor:
        if batch["broken"]:
            raise UserError(
                f"The image {batch['broken'][0]} cannot be read, and the list of members must be exact: "
                "verify the shard set, and pack it again."
            )
        images, rows = batch["images"], batch["row"]
        if self.flip:
            mirrored = torch.from_numpy(flips(rows.cpu().numpy(), self.seed, self.global_step)).to(images.device)
            images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
        label = torch.as_tensor(self.classes)[rows]
        loss, cosine = self.head(self(images), label)
        self._count(loss, cosine, label)
        self.log("loss", loss.detach(), prog_bar=True, batch_size=len(rows))
        return loss

    def _count(self, loss: Tensor, cosine: Tensor, label: Tensor) -> None:
        hits = (cosine.argmax(1) == label).sum()
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
    model: Recognition,
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
            callbacks=[KeptSaving(minutes, path=str(resume)), *([RichProgressBar()] if progress else [])],
            plugins=[AtomicCheckpoints()],
            enable_progress_bar=progress,
            enable_checkpointing=False,
            enable_model_summary=False,
        )
        handler = signal.getsignal(signal.SIGINT)
        try:
            trainer.fit(model.train(), loader, ckpt_path=resume if resume.is_file() else None, weights_only=True)
        except SIGTERMException as error:
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


def flips(rows: Rows, seed: int, step: int) -> NDArray[np.bool_]:
    """Which images to mirror: bool (B,), a function of (seed, step, row) alone, whatever process holds the image."""
    state = rows.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for part in (seed, step):
        state = _mixed(state ^ np.uint64(part % 2**64))
    return (_mixed(state) >> np.uint64(63)).astype(bool)


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    # The finaliser of SplitMix64 (Steele, Lea & Flood, 2014).
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def class_of_rows(labels: Rows, rows: Rows) -> Rows:
    """Classes 0, 1, ... of the persons among `rows`: int64, as long as `labels`, -1 for all other rows."""
    classes = np.full(len(labels), -1, np.int64)
    classes[rows] = np.unique(labels[rows], return_inverse=True)[1]
    return classes
