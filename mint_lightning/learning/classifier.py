"""A classifier while it learns: the LightningModule behind `train-audited --task classification`."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from numpy.typing import NDArray
from torch import Tensor, nn

from mint_lightning.audited.preprocessing import Preprocessing
from mint_lightning.learning.augmentation import Augment, augmented, step_seed
from mint_lightning.learning.learner import Learner
from mint_lightning.shards.batch import Batch

Optimizer = Literal["adam", "sgd"]


class Classification(Learner):
    """A network that learns the classes of objects by cross-entropy of its outputs, logits (B, classes).

    Dropout is drawn by (seed, step), so that a training gone on with drops what it would have dropped.

    Args:
        network, preprocessing, classes, steps, rate, seed, channels_last: As `Learner`.
        optimizer: "adam" at a constant rate, or "sgd" as `Learner`.
        augment: As `mint_lightning.learning.augmentation.augmented`.
        label_smoothing: Share of the target that is spread over all classes.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocessing: Preprocessing,
        classes: NDArray[np.int64],
        steps: int,
        *,
        optimizer: Optimizer = "adam",
        rate: float = 1e-3,
        augment: Augment = "none",
        label_smoothing: float = 0.0,
        seed: int = 0,
        channels_last: bool = True,
    ) -> None:
        super().__init__(network, preprocessing, classes, steps, rate=rate, seed=seed, channels_last=channels_last)
        self.augment, self.label_smoothing, self.optimizer = augment, label_smoothing, optimizer
        self.after_epoch: Callable[[], None] | None = None
        """Called at the end of each epoch, its figures being in `history`."""
        self.best: dict[str, Any] = {}
        """Epoch, loss on validation photos and state dict of the network of the best epoch, for its checkpoints."""

    def changed(self, images: Tensor, rows: Tensor) -> Tensor:
        return augmented(images, rows, self.augment, self.seed, self.global_step)

    def judged(self, output: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        logits = output.float()
        return F.cross_entropy(logits, label, label_smoothing=self.label_smoothing), logits

    def training_step(self, batch: Batch, index: int) -> Tensor:
        drawing = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=drawing):
            seed = step_seed(self.seed, self.global_step)
            torch.default_generator.manual_seed(seed)
            if drawing:
                with torch.cuda.device(self.device):
                    torch.cuda.manual_seed(seed)
            return super().training_step(batch, index)

    def on_train_epoch_end(self) -> None:
        epochs = len(self.history)
        super().on_train_epoch_end()
        if self.after_epoch is not None and len(self.history) > epochs:
            self.after_epoch()

    def note_validation(self, loss: float) -> None:
        """The loss on validation photos of the epoch that has just ended: its weights are kept where none was lower."""
        self.history[-1]["validation_loss"] = loss
        if not self.best or loss < self.best["loss"]:
            state = {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}
            self.best = {"epoch": len(self.history), "loss": loss, "state": state}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The best epoch, too."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["training"]["best"] = self.best

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The reverse."""
        super().on_load_checkpoint(checkpoint)
        self.best = checkpoint["training"]["best"]

    def configure_optimizers(self) -> OptimizerLRScheduler:
        if self.optimizer == "adam":
            return torch.optim.Adam(self.parameters(), self.rate)
        return super().configure_optimizers()
