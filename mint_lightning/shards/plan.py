"""What goes where: key, label, partition and split of every photo, known before any photo is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.shards.keys import key_hashes
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.splits import SPLITS, UNSEEN_SUFFIX, check_partitions, partition_of, split_of, uniform


@dataclass(frozen=True)
class HoldOut:
    """Photos kept apart from training, so that "this photo" and "this person" can be told apart.

    `photos` photos of each identity that has at least `minimum`, in the partitions named, go to the partition
    "NAME_unseen". Which ones is drawn by hash, so it does not depend on the order of files.
    """

    photos: int
    minimum: int
    partitions: tuple[str, ...]

    def check(self, partitions: Mapping[str, float]) -> None:
        """Raise `UserError` unless it can be applied to these partitions."""
        unknown = [name for name in self.partitions if name not in partitions]
        if unknown or not self.partitions:
            raise UserError(
                f"Photos are to be held out of {', '.join(map(repr, unknown)) or 'no partition'}: "
                f"name some of {', '.join(sorted(partitions))}."
            )
        if self.photos < 1 or self.minimum <= self.photos:
            raise UserError(
                f"Holding out {self.photos} photos of each identity with {self.minimum} or more cannot be done: take "
                "at least 1, and leave each identity at least 1."
            )

    def rules(self) -> dict[str, Any]:
        """Manifest entries of the partitions it makes: name -> rule."""
        rule = {"photos": self.photos, "minimum": self.minimum}
        return {name + UNSEEN_SUFFIX: {"held_out_from": name, **rule} for name in sorted(set(self.partitions))}


@dataclass(frozen=True)
class Plan:
    """Where each photo goes.

    Attributes (arrays over the n listed photos, in the order listed):
        keys: text, unique. label: int64, index among the sorted (source, identity) pairs.
        group: int64, index into `groups`, the sorted (partition, split) pairs that have photos.
        order: int64, photos in the order of packing: by group, within it by the hash of the key.
    """

    keys: NDArray[np.str_]
    label: NDArray[np.int64]
    group: NDArray[np.int64]
    groups: tuple[tuple[str, str], ...]
    order: NDArray[np.int64]


def make_plan(
    photos: Sequence[Photo],
    *,
    partitions: Mapping[str, float],
    hold_out: HoldOut | None,
    seed: int,
    by_database: bool = False,
) -> Plan:
    """Assign every photo; `by_database` makes each source a partition of that name, whatever `partitions`.

    Raises:
        UserError: there are no photos, fewer identities in a partition than there are splits, or a photo listed twice.
    """
    if not photos:
        raise UserError("The source lists no photos: there is nothing to pack.")
    if by_database:
        partitions = _of_databases(photos)
    check_partitions(partitions)
    people = sorted({(photo.source, photo.identity) for photo in photos})
    numbers = {person: number for number, person in enumerate(people)}
    label = np.array([numbers[photo.source, photo.identity] for photo in photos], dtype=np.int64)
    partition = np.array(
        [person[0] if by_database else partition_of(*person, partitions, seed=seed) for person in people]
    )
    split = np.array([split_of(*person, seed=seed) for person in people])[label]
    _check_enough(people, partition, partitions)

    keys = np.array([photo.key for photo in photos])
    _check_unique(keys, photos)
    partition = partition[label]
    if hold_out is not None:
        hold_out.check(partitions)
        unseen = _held_out(keys, label, np.isin(partition, hold_out.partitions), hold_out, seed)
        partition = np.where(unseen, np.char.add(partition, UNSEEN_SUFFIX), partition)

    partition_names, partition_index = np.unique(partition, return_inverse=True)
    split_names, split_index = np.unique(split, return_inverse=True)
    pairs, group = np.unique(partition_index * len(split_names) + split_index, return_inverse=True)
    groups = tuple(
        (str(partition_names[p]), str(split_names[s])) for p, s in (divmod(q, len(split_names)) for q in pairs)
    )
    order = np.lexsort((keys, key_hashes(keys), group))
    return Plan(keys, label, group.astype(np.int64), groups, order.astype(np.int64))


def _of_databases(photos: Sequence[Photo]) -> dict[str, float]:
    sources = {photo.source for photo in photos}
    return {name: 1 / len(sources) for name in sources}


def _held_out(
    keys: NDArray[np.str_], label: NDArray[np.int64], eligible: NDArray[np.bool_], rule: HoldOut, seed: int
) -> NDArray[np.bool_]:
    drawn = np.array([uniform("hold_out", str(key), seed=seed) for key in keys])
    order = np.lexsort((keys, drawn, label))
    counts = np.bincount(label)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rank = np.empty(len(label), dtype=np.int64)
    rank[order] = np.arange(len(label)) - starts[label[order]]
    return eligible & (counts[label] >= rule.minimum) & (rank < rule.photos)


def _check_enough(people: list[tuple[str, str]], partition: NDArray[np.str_], partitions: Mapping[str, float]) -> None:
    for name in sorted(partitions):
        count = int((partition == name).sum())
        if count >= len(SPLITS):
            continue
        where = f"Partition {name!r} gets {count} of the source's {len(people)} identities"
        if len(people) == 1:
            where = f"All photos are of one identity, {people[0][1]!r}"
        elif len(partitions) == 1:
            where = f"The source has photos of {len(people)} identities only"
        raise UserError(
            f"{where}: each of the splits {', '.join(SPLITS)} needs identities of its own, so at least {len(SPLITS)}, "
            "and a few hundred for results that mean something."
        )


def _check_unique(keys: NDArray[np.str_], photos: Sequence[Photo]) -> None:
    unique, counts = np.unique(keys, return_counts=True)
    if len(unique) < len(keys):
        photo = photos[int(np.flatnonzero(keys == unique[counts > 1][0])[0])]
        raise UserError(
            f"{int((counts > 1).sum())} photos are listed more than once, {photo.origin!r} of identity "
            f"{photo.identity!r} among them: each photo of an identity needs a name of its own."
        )
