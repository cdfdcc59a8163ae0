"""Who stands beside a photo where several photos of one person are asked about at once."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.learning.bank import Request, Rows
from mint_lightning.learning.rows import RowSpec
from mint_lightning.shards import EpochOrder
from mint_lightning.shards.keys import hash_order, key_hashes

NOBODY = -1


@dataclass(frozen=True, eq=False)
class Rings:
    """The photos of each person in a circle: those beside a photo are the ones that follow it.

    A circle holds photos of one identity, one split and one side, training photos or externals; its order is that of
    the keys' hashes. An unseen photo of a person in D is in none: beside it stand the person's training photos. So each
    photo stands for one set of its person of every size that the person has photos for.

    Attributes:
        following: rows of all circles, one circle after the other.
        start, size, place: (N,) int64 by row of the key list: where its circle begins in `following`, how many photos
            the circle has, and the photo's place on it; of an unseen photo place is `NOBODY`.
    """

    following: Rows
    start: NDArray[np.int64]
    size: NDArray[np.int64]
    place: NDArray[np.int64]

    @classmethod
    def of(cls, data: Any, readable: Rows) -> Self:
        """The circles of the photos of `data` whose images could be read."""
        keys, used = data.keys, np.intersect1d(data.groups.used, readable)
        _, split = np.unique(keys.split[used], return_inverse=True)
        side = np.stack([keys.label[used], split.reshape(-1), data.member[used] | data.unseen[used]], axis=1)
        _, circle = np.unique(side, axis=0, return_inverse=True)
        circle = circle.reshape(-1)
        inner = np.flatnonzero(~data.unseen[used])
        hashes = key_hashes(keys.key[used[inner]])
        order = inner[hash_order(keys.key, hashes, circle[inner], rows=used[inner])]
        sizes = np.bincount(circle[inner], minlength=circle.max(initial=-1) + 1)
        starts = np.cumsum(sizes) - sizes
        start, size, place = (np.full(len(keys), fill, np.int64) for fill in (0, 0, NOBODY))
        start[used], size[used] = starts[circle], sizes[circle]
        place[used[order]] = np.arange(len(order)) - start[used[order]]
        return cls(used[order], start, size, place)

    @property
    def hash(self) -> str:
        """Of who stands beside whom."""
        digest = hashlib.sha256()
        for column in (self.following, self.start, self.size, self.place):
            digest.update(column.astype("<i8").tobytes())
        return digest.hexdigest()

    def whole(self, rows: Rows, photos: int) -> Rows:
        """Those of `rows` whose person has enough photos for a set of so many, the photo itself among them."""
        beside = self.size[rows] - (self.place[rows] != NOBODY)
        return rows[beside >= photos - 1]

    def order(self, keys: Any, rows: Rows, photos: int, make: Callable[[Rows], EpochOrder]) -> EpochOrder:
        """What `make` makes of those of `rows` that stand for a set of so many photos.

        Raises:
            UserError: too few people have as many.
        """
        rows = self.whole(rows, photos)
        try:
            return make(rows)
        except UserError as error:
            people = len(np.unique(keys.label[rows]))
            raise UserError(f"{people} people have {photos} photos to learn from, too few: {error}") from error

    def one_each(self, rows: Rows, photos: int) -> Rows:
        """Of `rows` one for each circle that is large enough, that which is first on it, and every unseen photo."""
        rows = self.whole(rows, photos)
        if photos == 1:
            return rows
        return rows[(self.place[rows] == 0) | (self.place[rows] == NOBODY)]

    def beside(self, rows: Rows, step: int) -> Rows:
        """(n,) the photo that stands `step` >= 1 places after each of `rows`, which must be of large enough circles."""
        at = (self.place[rows] + step) % self.size[rows]  # of an unseen photo, place -1, the first comes first
        found: Rows = self.following[self.start[rows] + at]
        return found


def rings_of(
    data: Any,
    specs: Sequence[RowSpec],
    readable: Rows,
    recomputed: Collection[tuple[str, Request]] = (),
) -> Rings | None:
    """The circles of `data`, where any of the rows reads several photos of a person.

    Raises:
        UserError: what such a row reads is computed anew in each epoch, in which the photos beside one are not there.
    """
    for spec in specs:
        lacks = {request for _, request in recomputed} & set(spec.requests(data.network.tap_names[-1]))
        if spec.set_size > 1 and lacks:
            names = ", ".join(sorted(tap for _, tap in lacks))
            raise UserError(
                f"The row {spec.title!r} reads several photos at once, so what it reads must be kept, and there is no "
                f"room for {names}: give more memory (--max_memory_gib) or a store on a larger disk."
            )
    return Rings.of(data, readable) if any(spec.set_size > 1 for spec in specs) else None
