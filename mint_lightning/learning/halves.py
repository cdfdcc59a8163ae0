"""Random halves of the identities, so that each of several networks is trained on another half."""

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.learning.augmentation import mixed
from mint_lightning.shards import KeyList, uniform


def half_of(keys: KeyList, rows: NDArray[np.int64], number: int, halves: int, *, seed: int) -> NDArray[np.int64]:
    """Those of `rows` (int64, in their order) that are in half `number` of `halves`.

    Each identity is in exactly half of them, which ones is a function of its name, `halves` and `seed`: each choice of
    halves / 2 is equally likely. So each photo is in the halves of halves / 2 of that many networks and was not seen by
    the others, as reference networks of the likelihood ratio attack need it (Carlini et al., 2112.03570, section VI).

    Raises:
        UserError: `halves` is odd or below 2, or there is no such half.
    """
    if halves < 2 or halves % 2 or halves > 2**12:
        raise UserError(f"halves={halves} must be an even number from 2 to 4096: each identity is in half of them.")
    if not 0 <= number < halves:
        raise UserError(f"half={number} must be a number from 0 to {halves - 1}, of {halves} halves.")
    people, first, place = np.unique(keys.label[rows], return_index=True, return_inverse=True)
    named = zip(keys.source[rows[first]].tolist(), keys.identity[rows[first]].tolist(), strict=True)
    drawn = np.fromiter((uniform("half", *name, seed=seed) * 2**53 for name in named), np.float64, len(people))
    inside = np.empty(len(people), bool)
    for start in range(0, len(people), 4096):  # 4,096 halves of 100,000 identities at once were gigabytes
        part = drawn[start : start + 4096].astype(np.uint64)[:, None]
        ranks = mixed(mixed(part) ^ np.arange(halves, dtype=np.uint64)).argsort(1, kind="stable").argsort(1)
        inside[start : start + 4096] = ranks[:, number] < halves // 2
    return rows[inside[place]]
