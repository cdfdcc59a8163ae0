"""Equal parts of several groups: members and externals in the same number, from every lane alike."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.shards.keys import KeyList, hash_order


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


def nested_subset(keys: KeyList, rows: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """`n` of the given rows (int64, rising): n / lanes from each lane, those whose key has the smallest hash.

    A smaller subset of the same rows is contained in a larger one, and an equal part comes from each lane.

    Raises:
        UserError: n is not a positive multiple of the number of lanes, or a lane has too few rows.
    """
    rows = np.asarray(rows, dtype=np.int64)
    lanes = keys.lanes
    smallest = int(np.bincount(keys.lane[rows], minlength=lanes).min()) if lanes else 0
    if n <= 0 or n % lanes:
        near = [value for value in (n // lanes * lanes, (n // lanes + 1) * lanes) if value > 0]
        raise UserError(
            f"A subset of {n} images cannot be drawn equally from {lanes} lanes: take {' or '.join(map(str, near))}."
        )
    if n > smallest * lanes:
        raise UserError(
            f"A subset of {n} images was asked for, but these {len(rows)} images give at most {smallest * lanes} "
            f"({smallest} from each of {lanes} lanes)."
        )
    hashes = keys.key_hash[rows]
    ordered = rows[hash_order(keys.key, hashes, keys.lane[rows], rows=rows)]
    starts = np.searchsorted(keys.lane[ordered], np.arange(lanes))
    return np.sort(ordered[(starts[:, None] + np.arange(n // lanes)).ravel()])


def _smallest_lane(keys: KeyList, rows: NDArray[np.int64]) -> int:
    return int(np.bincount(keys.lane[rows], minlength=keys.lanes).min())
