"""What goes where: key, label, partition and split of every photo, known before any photo is read."""

from array import array
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.shards.columns import Distinct, Texts
from mint_lightning.shards.keys import hash_order, key_hashes, tied
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
        keys: text, unique. label: int64, index into `people`, the sorted (source, identity) pairs.
        group: index into `groups`, the sorted (partition, split) pairs that have photos.
        order: int64, photos in the order of packing: by group, within it by the hash of the key.
    """

    keys: Distinct
    people: tuple[tuple[str, str], ...]
    label: NDArray[np.int64]
    group: NDArray[np.integer]
    groups: tuple[tuple[str, str], ...]
    order: NDArray[np.int64]

    @property
    def sources(self) -> set[str]:
        """Names of the databases."""
        return {source for source, _ in self.people}


def make_plan(
    photos: Sequence[Photo],
    *,
    partitions: Mapping[str, float],
    hold_out: HoldOut | None,
    seed: int,
    by_database: bool | Collection[str] = False,
) -> Plan:
    """Assign every photo; `by_database` makes each source, or each of those named, a partition of that name, whatever
    `partitions`.

    Raises:
        UserError: there are no photos, fewer identities in a partition than there are splits, or a photo listed twice.
    """
    if not photos:
        raise UserError("The source lists no photos: there is nothing to pack.")
    people, label, keys = _listed(photos)
    own = _own(by_database, {source for source, _ in people})
    drawn = {} if by_database is True else partitions
    check_partitions(drawn or dict.fromkeys(own, 1 / len(own)))
    if shared := own & set(drawn):
        raise UserError(f"{min(shared)!r} is a database with a partition of its own, and a partition that is drawn.")
    partitions = {**drawn, **dict.fromkeys(own, 1.0)}
    if hold_out is not None:
        hold_out.check(partitions)
    partition = [person[0] if person[0] in own else partition_of(*person, drawn, seed=seed) for person in people]
    _check_enough(people, partition, partitions)
    hashes = key_hashes(keys)
    _check_unique(keys, hashes, photos)

    # Numbers instead of names from here on, and a person's before a photo's: there may be many millions of photos.
    pairs = [(name + end, split) for name in partitions for end in ("", UNSEEN_SUFFIX) for split in SPLITS]
    every = {pair: number for number, pair in enumerate(sorted(pairs))}
    small = np.min_scalar_type(len(every))
    split = [split_of(*person, seed=seed) for person in people]
    places = np.array([every[pair] for pair in zip(partition, split, strict=True)], small)
    group = places[label]
    if hold_out is not None:
        unseen = np.array([every[name + UNSEEN_SUFFIX, s] for name, s in zip(partition, split, strict=True)], small)
        eligible = np.isin(partition, hold_out.partitions)[label]
        group = np.where(_held_out(keys, label, eligible, hold_out, seed), unseen[label], group)
    there = np.flatnonzero(np.bincount(group, minlength=len(every)))
    group = np.searchsorted(there, group).astype(small)
    groups = tuple(pair for pair, number in every.items() if number in there)
    return Plan(keys, people, label, group, groups, hash_order(keys, hashes, group))


def _own(by_database: bool | Collection[str], sources: set[str]) -> set[str]:
    """The databases that are partitions of their own."""
    if isinstance(by_database, bool):
        return sources if by_database else set()
    if unknown := sorted(set(by_database) - sources):
        raise UserError(f"by_database names {unknown[0]!r}: the source has the databases {', '.join(sorted(sources))}.")
    return set(by_database)


def _listed(photos: Sequence[Photo]) -> tuple[tuple[tuple[str, str], ...], NDArray[np.int64], Distinct]:
    """Sorted (source, identity) pairs, of each photo the place of its own among them, and its key; in one round."""
    numbers: dict[tuple[str, str], int] = {}
    person = array("q")
    keys = Texts()
    for photo in photos:
        person.append(numbers.setdefault((photo.source, photo.identity), len(numbers)))
        keys.append(photo.key)
    people = tuple(sorted(numbers))
    place = np.empty(len(people), np.int64)
    place[[numbers[each] for each in people]] = np.arange(len(people))
    return people, place[np.frombuffer(person, np.int64)], keys.column()


def _held_out(
    keys: Distinct, label: NDArray[np.int64], eligible: NDArray[np.bool_], rule: HoldOut, seed: int
) -> NDArray[np.bool_]:
    drawn = np.fromiter((uniform("hold_out", key, seed=seed) for key in keys), np.float64, len(keys))
    order = hash_order(keys, drawn, label)
    counts = np.bincount(label)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rank = np.empty(len(label), dtype=np.int64)
    rank[order] = np.arange(len(label)) - starts[label[order]]
    return eligible & (counts[label] >= rule.minimum) & (rank < rule.photos)


def _check_enough(people: Sequence[tuple[str, str]], partition: Sequence[str], partitions: Mapping[str, float]) -> None:
    counted = Counter(partition)
    for name in sorted(partitions):
        count = counted[name]
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


def _check_unique(keys: Distinct, hashes: NDArray[np.uint64], photos: Sequence[Photo]) -> None:
    rows = tied(hashes)  # hardly ever of keys that differ
    first, times = np.unique(keys[rows], return_index=True, return_counts=True)[1:]
    if (times > 1).any():
        photo = photos[int(rows[first[times > 1][0]])]
        raise UserError(
            f"{int((times > 1).sum())} photos are listed more than once, {photo.origin!r} of identity "
            f"{photo.identity!r} among them: each photo of an identity needs a name of its own."
        )
