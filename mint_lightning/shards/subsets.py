"""Equal parts of several groups: members and externals in the same number, from every lane alike."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.shards.keys import KeyList, nested_subset


def balanced_subsets(
    keys: KeyList, groups: Sequence[NDArray[np.int64]], samples: int | float
) -> list[NDArray[np.int64]]:
    """`samples` images (int), or this share (float, at most 1) of the most there are, in equal parts of each group.

    A smaller subset of the same groups is contained in a larger one; see `nested_subset`.

    Raises:
        UserError: the number cannot be drawn so.
    """
    unit = keys.lanes * len(groups)
    if isinstance(samples, float):
        least = min(_smallest_lane(keys, rows) for rows in groups)
        count = int(samples * least + 1e-9) * unit
        if not 0 < samples <= 1 or count == 0:
            raise UserError(f"samples is {samples:g}, a share of {least * unit} images: take one that leaves some.")
    else:
        count = samples
        if count < 1 or count % unit:
            near = [value for value in (count // unit * unit, (count // unit + 1) * unit) if value > 0]
            raise UserError(
                f"samples is {count}: equal parts of {len(groups)} groups from each of {keys.lanes} lanes make a "
                f"multiple of {unit}: take {' or '.join(map(str, near))}, or pack with another number of lanes."
            )
        if count > (most := unit * min(_smallest_lane(keys, rows) for rows in groups)):
            sizes = " and ".join(f"{len(rows):,}" for rows in groups)
            raise UserError(
                f"samples is {count:,}, but the {len(groups)} groups have {sizes} images: equal parts of them, from "
                f"each of {keys.lanes} lanes alike, give at most {most:,}."
            )
    return [nested_subset(keys, rows, count // len(groups)) for rows in groups]


def _smallest_lane(keys: KeyList, rows: NDArray[np.int64]) -> int:
    return int(np.bincount(keys.lane[rows], minlength=keys.lanes).min())
