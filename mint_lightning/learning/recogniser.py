"""A face network while it learns: the LightningModule behind `train-audited --task recognition`."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from mint_lightning.audited.preprocessing import Preprocessing
from mint_lightning.learning.augmentation import augmented
from mint_lightning.learning.learner import Learner
from mint_lightning.learning.margin import MarginHead

Rows = NDArray[np.int64]


class Recognition(Learner):
    """A network that learns to tell persons apart by the angle between embeddings, its outputs (B, D).

    Args:
        network, preprocessing, classes, steps, rate, seed, channels_last: As `Learner`.
        embedding: D.
        loss, scale, margin: As `MarginHead`.
        flip: Mirror half of the images, drawn by (seed, step, row).
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
        super().__init__(network, preprocessing, classes, steps, rate=rate, seed=seed, channels_last=channels_last)
        self.head = MarginHead(embedding, int(classes.max()) + 1, loss=loss, scale=scale, margin=margin)
        self.flip = flip

    def changed(self, images: Tensor, rows: Tensor) -> Tensor:
        return augmented(images, rows, "flip" if self.flip else "none", self.seed, self.global_step)

    def judged(self, output: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        loss, cosine = self.head(output, label)
        return loss, cosine


def class_of_rows(labels: Rows, rows: Rows) -> Rows:
    """Classes 0, 1, ... of the persons among `rows`: int64, as long as `labels`, -1 for all other rows."""
    classes = np.full(len(labels), -1, np.int64)
    classes[rows] = np.unique(labels[rows], return_inverse=True)[1]
    return classes
