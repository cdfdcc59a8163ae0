"""Classes of objects as something that a head reads: the tap "class" is the photo's class, one value for each class.

No network gives it; it comes with the photos. Beside the taps of a network it conditions a head on the class, and it is
what `ByClassHead` chooses its heads by.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mint_lightning.audited import NetworkCard
from mint_lightning.errors import UserError
from mint_lightning.learning.bank import Network, Request
from mint_lightning.shards import KeyList, Manifest

CLASS: Final = "class"
CLASS_REQUEST: Final[Request] = ("original", CLASS)


def is_class(tap: str) -> bool:
    """Whether a tap is the photo's class."""
    return tap == CLASS


def classes_of(card: NetworkCard | None, manifest: Manifest) -> tuple[str, ...]:
    """The classes that a network's outputs stand for, in their order: those of its card, else the shard set's."""
    named = card.config.get("classes") if card is not None else None
    return tuple(map(str, named)) if isinstance(named, list) and named else manifest.classes


def kept_classes(manifest: Manifest, classes: Sequence[str] | None) -> tuple[str, ...]:
    """Those of the classes that are asked for, or all, in the shard set's order.

    Raises:
        UserError: one is not there.
    """
    if classes is None:
        return manifest.classes
    if unknown := [name for name in classes if name not in manifest.classes]:
        known = ", ".join(manifest.classes) or "none at all"
        raise UserError(f"There is no class {unknown[0]!r} in the shard set; it has {known}.")
    return tuple(name for name in manifest.classes if name in classes)


def class_numbers(keys: KeyList, classes: Sequence[str]) -> NDArray[np.int64]:
    """(N,) place of each photo's class in `classes`, -1 where it is not known or not among them."""
    number = {name: place for place, name in enumerate(classes)}
    return np.array([number.get(name, -1) for name in keys.class_name.tolist()], np.int64)


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Numbers of classes (B,) int64 -> float32 (B, classes); of a photo whose class is not known, -1, all are 0."""
    return F.one_hot(labels + 1, classes + 1)[:, 1:].float()


def labels_hash(labels: NDArray[np.int64]) -> str:
    """What names a head that reads classes."""
    return hashlib.sha256(labels.astype("<i8").tobytes()).hexdigest()


def shapes_of(network: Network, taps: Sequence[str], classes: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Shape of one photo's AAD at each tap, the class among them, in their order.

    Raises:
        UserError: the network has no such tap, or the class is asked for and the shard set has none.
    """
    own = [tap for tap in taps if not is_class(tap)]
    if len(own) < len(taps) and not classes:
        raise UserError("The tap 'class' reads the photos' classes, and the shard set has none: see pack --help.")
    found = {**(network.aad_shapes(own) if own else {}), CLASS: (len(classes),)}
    return {tap: found[tap] for tap in taps}
