"""A check before an audit: does the network do what it was trained for? Then it is fed as it was in training."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from mint_lightning.audited import AuditedNetwork
from mint_lightning.errors import UserError
from mint_lightning.evidence import clopper_pearson
from mint_lightning.learning.face_accuracy import lfw_verification
from mint_lightning.learning.pairs import Verification
from mint_lightning.progress import track

Order = Literal["RGB", "BGR"]
CIFAR_FILE = Path("cifar10/cifar10_lossless_subset.npz")
_BATCH = 256


@dataclass(frozen=True)
class LabelAccuracy:
    """Share of photos whose class has the largest logit, with a 95 % interval (Clopper-Pearson)."""

    split: str
    accuracy: float
    low: float
    high: float
    photos: int


@dataclass(frozen=True)
class Checked:
    """What a network reached with one order of its input's channels; `own` is its preprocessing's."""

    channels: Order
    own: bool
    pairs: Verification | None = None
    labels: tuple[LabelAccuracy, ...] = ()

    @property
    def worth(self) -> float:
        """What two orders are compared by: accuracy on pairs, or on the split that comes last."""
        return self.pairs.accuracy if self.pairs else self.labels[-1].accuracy


def check_pairs(network: AuditedNetwork) -> list[Checked]:
    """Verification on LFW's 6,000 official pairs (ten folds) with the network's own order of channels and the other.

    Raises:
        UserError: LFW is not under MINT_DATA.
    """
    return [Checked(order, own, pairs=lfw_verification(network)) for order, own in _orders(network)]


def check_labels(network: AuditedNetwork) -> list[Checked]:
    """Accuracy of a classifier on the lossless subset of CIFAR-10, train and test, likewise.

    Raises:
        UserError: the subset is not under MINT_DATA, or the network does not give ten logits.
    """
    sets = {split: _cifar(split) for split in ("train", "test")}
    outcome = network.tap_names[-1]
    if (shape := network.aad_shapes([outcome])[outcome]) != (10,):
        raise UserError(f"CIFAR-10 has ten classes; the outcome of {network.name!r} has the shape {list(shape)}.")
    return [
        Checked(order, own, labels=tuple(_accuracy(network, split, *data) for split, data in sets.items()))
        for order, own in _orders(network)
    ]


def _orders(network: AuditedNetwork) -> Iterator[tuple[Order, bool]]:
    own: Order = network.preprocessing.channels
    for order in (own, "BGR" if own == "RGB" else "RGB"):
        with _fed(network, order):
            yield order, order == own


@contextmanager
def _fed(network: AuditedNetwork, order: Order) -> Iterator[None]:
    kept = network.preprocessing
    network.preprocessing = replace(kept, channels=order)
    try:
        yield
    finally:
        network.preprocessing = kept


def _accuracy(
    network: AuditedNetwork, split: str, images: NDArray[np.uint8], label: NDArray[np.int64]
) -> LabelAccuracy:
    right = 0
    starts = range(0, len(images), _BATCH)
    for start in track(starts, f"{split}, {network.preprocessing.channels}", total=len(starts)):
        piece = torch.from_numpy(np.ascontiguousarray(images[start : start + _BATCH].transpose(0, 3, 1, 2)))
        found = network.embed(piece.to(network.device)).argmax(1).cpu().numpy()
        right += int(np.count_nonzero(found == label[start : start + _BATCH]))
    low, high = clopper_pearson(right, len(images))
    return LabelAccuracy(split, right / len(images), low, high, len(images))


def _cifar(split: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    folder = os.environ.get("MINT_DATA")
    path = Path(folder) / CIFAR_FILE if folder else None
    if path is None or not path.is_file():
        raise UserError(
            f"CIFAR-10 is not here: set MINT_DATA to a folder with {CIFAR_FILE} (x_train, y_train, x_test, y_test)."
        )
    try:
        with np.load(path, allow_pickle=False) as archive:
            return archive[f"x_{split}"], archive[f"y_{split}"].astype(np.int64)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{path} is not the archive of CIFAR-10 that is needed ({error}).") from error
