"""Which photos of a shard set with classes a classifier is trained, chosen and measured on."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.learning.halves import half_of
from mint_lightning.learning.labels import class_numbers, kept_classes
from mint_lightning.shards import KeyList, Manifest
from mint_lightning.shards.splits import UNSEEN_SUFFIX

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class ClassPhotos:
    """Rows of a key list.

    Attributes:
        classes: Names of the classes, in the order of the logits.
        numbers: int64 (n,), the class of each row of the key list, -1 where unknown.
        trained: Rows to train on.
        validated: Rows to choose the epoch on, none where nothing is chosen.
        tests: All other rows with a known class, by partition.
    """

    classes: tuple[str, ...]
    numbers: Rows
    trained: Rows
    validated: Rows
    tests: Mapping[str, Rows]


def class_photos(
    keys: KeyList,
    manifest: Manifest,
    partitions: Sequence[str],
    *,
    classes: Sequence[str] | None = None,
    half: int | None = None,
    halves: int = 4,
    validated: bool = False,
) -> ClassPhotos:
    """The photos of `partitions`, or of one random half of their identities, and what is left for choice and test;
    of these `classes` alone, where they are given.

    An epoch is chosen on photos that are not trained on, of the validate split alone and of no partition of held-out
    photos: figures on the test split, an audit's among them, know nothing of the choice.

    Raises:
        UserError: the set has no classes, the photos show fewer than two, or none is left to choose an epoch on.
    """
    if not manifest.classes:
        raise UserError(
            "The shard set has no classes, and a classifier learns nothing else: pack it from a source that knows "
            "them, such as classes:FOLDER (a folder for each class) or an .npz file with labels."
        )
    kept = kept_classes(manifest, classes)
    numbers = class_numbers(keys, kept)
    chosen = keys.where(partitions=partitions)
    if classes is not None:
        chosen = chosen[numbers[chosen] >= 0]
    trained = chosen if half is None else half_of(keys, chosen, half, halves, seed=manifest.seed)
    if unknown := int((numbers[trained] < 0).sum()):
        warnings.warn(f"{unknown} of {len(trained)} photos to train on have no class: they are left out.", stacklevel=3)
        trained = trained[numbers[trained] >= 0]
    shown = np.unique(numbers[trained])
    where = ", ".join(partitions)
    if len(shown) < 2:
        raise UserError(f"The photos to train on ({where}) show {len(shown)} of the classes: at least two are needed.")
    if len(shown) < len(kept):
        missing = [name for number, name in enumerate(kept) if number not in shown]
        more = ", ..." if len(missing) > 5 else ""
        warnings.warn(
            f"No photo to train on shows {len(missing)} of {len(kept)} classes "
            f"({', '.join(missing[:5])}{more}): the network cannot learn them.",
            stacklevel=3,
        )
    free = numbers >= 0
    free[trained] = False
    held_out = np.char.endswith(keys.partition[:], UNSEEN_SUFFIX)
    choice = np.flatnonzero(free & (keys.split == "validate") & ~held_out) if validated else np.zeros(0, np.int64)
    if validated and not len(choice):
        raise UserError(
            f"No photo of the validate split is left to choose an epoch on, all being trained on ({where}): train on "
            "fewer partitions or on a half, or leave validated out."
        )
    free[choice] = False
    tests = {
        str(name): rows
        for name in keys.partition.distinct()
        if len(rows := np.flatnonzero(free & (keys.partition == name)))
    }
    return ClassPhotos(kept, numbers, trained, choice, tests)
