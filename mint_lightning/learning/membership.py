"""Who is a member: a property of a pair of network and photo, so it is worked out here and stored in no shard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.learning.members import TrainedOn
from mint_lightning.shards import KeyList, Manifest, uniform

Rows = NDArray[np.int64]

_GROUPS = ("members", "externals", "unseen")
MIXED = "the photos of its shard sets came to pixels by different pipelines, which a head can tell apart"
BY_PHOTO = "the splits are by photo, so people whom a head learnt are in test and it may only know them again"
BY_PHOTO_OF_OBJECTS = BY_PHOTO.replace("people whom", "objects that")


@dataclass(frozen=True)
class Membership:
    """Rows of the key list by group, for one audited network.

    `random_partition` is True where members and externals are random identity partitions of one shard set and the
    network's card bears the partition's hash: the only case in which one table may claim membership on its own.
    `no_claim` says why nothing may be claimed whatever the figures, where that is so.
    """

    members: Rows
    externals: Rows
    unseen: Rows
    random_partition: bool
    how: str
    no_claim: str | None = None

    def flags(self, size: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(member, unseen) flags for every row of a key list of `size`."""
        member, unseen = np.zeros(size, bool), np.zeros(size, bool)
        member[self.members], unseen[self.unseen] = True, True
        return member, unseen

    @property
    def used(self) -> Rows:
        """All rows of the three groups, ascending."""
        return np.sort(np.concatenate([self.members, self.externals, self.unseen]))


def membership(
    keys: KeyList,
    manifest: Manifest,
    trained_on: TrainedOn | None,
    *,
    members: Sequence[str] | None = None,
    externals: Sequence[str] | None = None,
    unseen: Sequence[str] | None = None,
    null_seed: int | None = None,
    classes: Sequence[str] | None = None,
) -> Membership:
    """Work out the three groups.

    From the network's card, where it lists the members (`trained_on`): members are the listed photos, unseen photos
    the other photos of the listed identities, externals the photos of everybody else. From the names of partitions
    otherwise (`members` and `externals`, and `unseen` where there is one). With `null_seed` the externals alone are
    divided by identity into pretended members and pretended externals: the network saw neither, so nothing may be
    found. Of photos of objects those of `classes` alone count, where they are given.
    """
    if members is not None or externals is not None:
        groups = _of_classes(keys, _from_partitions(keys, manifest, trained_on, members, externals, unseen), classes)
        groups = _by_card(keys, manifest, groups, trained_on, members or [])
    elif trained_on is not None:
        groups = _of_classes(keys, _from_card(keys, manifest, trained_on), classes)
    elif by_role := _roles(manifest):
        groups = _of_classes(keys, _from_partitions(keys, manifest, None, *by_role, unseen), classes)
    else:
        raise UserError(
            "Nothing says who the members are: the network's card lists none, and no sets with both roles are given "
            "(pack --role), so name partitions of the shard set "
            f"({', '.join(sorted(manifest.partitions))}) in data.members and data.externals."
        )
    if manifest.mixed:
        groups = replace(groups, no_claim=MIXED)
    if null_seed is not None:
        groups = _null(keys, groups, null_seed)
    for name, rows in (("members", groups.members), ("externals", groups.externals)):
        if len(rows) == 0:
            raise UserError(f"No image of the shard set is among the {name} ({groups.how}); a head needs both classes.")
    _check_identities(keys, groups)
    return groups


def _of_classes(keys: KeyList, groups: Membership, classes: Sequence[str] | None) -> Membership:
    if classes is None:
        return groups
    there = keys.class_name.isin(classes)
    kept = {name: rows[there[rows]] for name in _GROUPS for rows in [getattr(groups, name)]}
    return replace(groups, **kept, how=f"{groups.how}, of the classes {', '.join(sorted(set(classes)))}")


def _from_card(keys: KeyList, manifest: Manifest, trained_on: TrainedOn) -> Membership:
    trained = _listed(keys, trained_on)
    of_member = np.isin(keys.label, np.unique(keys.label[trained]))
    # Photos held out of an external partition are left out: members lost theirs too, so both sides are thinned alike.
    external = ~of_member & ~keys.partition.isin(_held_out(manifest))
    return Membership(
        members=np.flatnonzero(trained),
        externals=np.flatnonzero(external),
        unseen=np.flatnonzero(of_member & ~trained),
        random_partition=trained_on.partition_hash == manifest.partition_hash
        and _drawn(manifest, trained_on.partitions)
        and _drawn(manifest, np.unique(keys.partition[external]).tolist()),
        how="the list of members in the network's card",
    )


def _from_partitions(
    keys: KeyList,
    manifest: Manifest,
    trained_on: TrainedOn | None,
    members: Sequence[str] | None,
    externals: Sequence[str] | None,
    unseen: Sequence[str] | None,
) -> Membership:
    if not members or not externals:
        raise UserError("data.members and data.externals go together: each names at least one partition.")
    known = set(keys.partition.distinct().tolist())
    for name in [*members, *externals, *(unseen or [])]:
        if name not in known:
            raise UserError(f"There is no partition {name!r} in the shard set; it has {', '.join(sorted(known))}.")
    return Membership(
        members=keys.where(partitions=members),
        externals=keys.where(partitions=externals),
        unseen=keys.where(partitions=unseen) if unseen else np.empty(0, np.int64),
        random_partition=(
            trained_on is not None
            and trained_on.partition_hash == manifest.partition_hash
            and set(trained_on.partitions) == set(members)
            and _drawn(manifest, [*members, *externals])
        ),
        how=f"partitions {', '.join(members)} against {', '.join(externals)}",
    )


def _roles(manifest: Manifest) -> tuple[list[str], list[str]] | None:
    """The partitions of the sets that were packed as members and as externals, where there are both."""
    found: dict[str, list[str]] = {"members": [], "externals": []}
    for name, rule in manifest.partitions.items():
        role = rule.get("role") if isinstance(rule, Mapping) else None
        if role:
            found[role].append(name)
    return (found["members"], found["externals"]) if all(found.values()) else None


def _held_out(manifest: Manifest) -> set[str]:
    return {name for name, rule in manifest.partitions.items() if isinstance(rule, Mapping) and "held_out_from" in rule}


def _drawn(manifest: Manifest, partitions: Sequence[str]) -> bool:
    """Whether all of them were drawn at random, none held out of another or a database by itself."""
    return not any(isinstance(manifest.partitions.get(name), Mapping) for name in partitions)


def _by_card(
    keys: KeyList, manifest: Manifest, groups: Membership, trained_on: TrainedOn | None, members: Sequence[str]
) -> Membership:
    """The groups as far as the card agrees: photos of the members' partitions that it does not list are left aside.

    A network that was trained for an epoch has not seen what was left of it after the last whole batch, which the order
    drew. That is so only where the partitions `members` are those that the card says it was trained on.
    """
    if trained_on is None:
        return groups
    trained = _listed(keys, trained_on)
    people = keys.label[groups.externals]
    known = np.isin(people, np.unique(keys.label[trained]))
    if known.any():
        raise UserError(
            f"data.externals hold photos of {len(np.unique(people[known]))} "
            f"{'objects' if keys.has_classes else 'people whom'} the network was trained on, by its own card: name "
            f"partitions of {'objects' if keys.has_classes else 'people'} it never saw."
        )
    seen = trained[groups.members]
    same = trained_on.partition_hash == manifest.partition_hash and set(trained_on.partitions) == set(members)
    if not seen.all() and not same:
        raise UserError(
            f"data.members hold {int((~seen).sum())} photos that are not in the list of the "
            "network's card: leave data.members and data.externals out, and the card decides."
        )
    if seen.all():
        return groups
    how = f"{groups.how}, {int((~seen).sum())} photos left aside that its card does not list"
    return replace(groups, members=groups.members[seen], how=how)


def _null(keys: KeyList, groups: Membership, seed: int) -> Membership:
    _, first, inverse = np.unique(keys.label[groups.externals], return_index=True, return_inverse=True)
    names = [_person(keys, row) for row in groups.externals[first]]
    drawn = np.array([uniform("null", name, seed=seed) < 0.5 for name in names], bool)[inverse]
    return Membership(
        members=groups.externals[drawn],
        externals=groups.externals[~drawn],
        unseen=np.empty(0, np.int64),
        random_partition=True,
        how=f"labels drawn by identity with seed {seed} among images that the network never saw",
    )


def _listed(keys: KeyList, trained_on: TrainedOn) -> NDArray[np.bool_]:
    # One by one: np.isin sorts both lists as arrays of wide text, 100 MB for 200,000 photos.
    listed = set(trained_on.keys.tolist())
    return np.fromiter((key in listed for key in keys.key), dtype=bool, count=len(keys))


def _person(keys: KeyList, row: np.int64) -> str:
    return f"{keys.source[row]}/{keys.identity[row]}"


def _check_identities(keys: KeyList, groups: Membership) -> None:
    people = keys.label  # a number for each pair of source and identity: names of all rows would be 16 MB for 200,000
    inside = np.concatenate([groups.members, groups.unseen])
    _, first, _ = np.intersect1d(people[inside], people[groups.externals], return_indices=True)
    if len(first):
        raise UserError(
            f"{len(first)} identities are on both sides, {_person(keys, inside[first[0]])} among them: externals must "
            f"be {'objects of which' if keys.has_classes else 'people of whom'} the network saw no photo; give their "
            "other photos as data.unseen."
        )
