"""Some of a source's photos: a few for a first try, or as many of each person as can be had in equal parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.shards.columns import Distinct
from mint_lightning.shards.keys import hash_order, key_hashes
from mint_lightning.shards.sources.listed import ListedPhotos
from mint_lightning.shards.sources.photo import Photo, PhotoSource

How = Literal["limit", "sample"]


@dataclass(frozen=True)
class ChosenPhotos:
    """At most `number` of the photos of `source`, drawn by the hash of their keys; a smaller number is nested in it.

    how: "limit": those with the smallest hashes; "sample": balanced over identities, every identity's first photo by
    hash before any identity's second, and so on.

    Raises:
        UserError: number is below 1.
    """

    source: PhotoSource
    number: int
    how: How

    def __post_init__(self) -> None:
        if self.number < 1:
            raise UserError(f"{self.how} = {self.number} cannot be used: take 1 photo or more.")

    @property
    def name(self) -> str:
        """Name of the database."""
        return self.source.name

    @property
    def skipped(self) -> Sequence[str]:
        """Names of files that are no photos."""
        return getattr(self.source, "skipped", ())

    @property
    def classes(self) -> Sequence[str]:
        """Names of all classes of the source, in their order, whatever is chosen of it; none where it has none."""
        return getattr(self.source, "classes", ())

    def describe(self) -> dict[str, Any]:
        """The source's own description, and what is chosen of it."""
        return {**self.source.describe(), self.how: self.number}

    def list(self) -> Sequence[Photo]:
        """The chosen photos, in the source's order."""
        photos = self.source.list()
        if len(photos) <= self.number:
            return photos
        keys = Distinct.of(photo.key for photo in photos)
        hashes = key_hashes(keys)
        turn = (_turns(photos, keys, hashes),) if self.how == "sample" else ()
        order = hash_order(keys, hashes, *turn)
        return ListedPhotos.of(photos[int(place)] for place in np.sort(order[: self.number]))


def _turns(photos: Sequence[Photo], keys: Distinct, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Of each photo, how many photos of its identity come before it by hash."""
    numbers: dict[tuple[str, str], int] = {}
    persons = (numbers.setdefault((photo.source, photo.identity), len(numbers)) for photo in photos)
    person = np.fromiter(persons, np.int64, len(photos))
    order = hash_order(keys, hashes, person)
    counts = np.bincount(person)
    turn = np.empty(len(photos), np.int64)
    turn[order] = np.arange(len(photos)) - np.repeat(np.cumsum(counts) - counts, counts)
    return turn
