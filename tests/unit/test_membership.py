"""Who is a member: from a card, from partitions, and drawn where nothing may be found."""

import numpy as np
import pytest

from mint_lightning.errors import UserError
from mint_lightning.learning.members import TrainedOn
from mint_lightning.learning.membership import membership
from mint_lightning.shards import KeyList, Manifest
from tests.membership_set import partitioned_set

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[KeyList, Manifest]:
    root = partitioned_set(tmp_path_factory.mktemp("set") / "faces")
    manifest = Manifest.load(root)
    return KeyList.load(root, manifest), manifest


def people(keys: KeyList, rows: np.ndarray) -> set[str]:
    return set(keys.identity[rows].tolist())


def test_from_a_card(packed: tuple[KeyList, Manifest]) -> None:
    keys, manifest = packed
    trained = keys.where(partitions=["A"])
    found = membership(keys, manifest, TrainedOn(keys.key[trained], ("A",), manifest.partition_hash))
    assert set(found.members) == set(trained)
    assert set(found.unseen) == set(keys.where(partitions=["A_unseen"]))
    assert set(found.externals) == set(keys.where(partitions=["B"])), "members lost their held-out photos too"
    assert found.random_partition
    assert not people(keys, found.members) & people(keys, found.externals)


def test_a_card_of_another_partition_claims_nothing(packed: tuple[KeyList, Manifest]) -> None:
    keys, manifest = packed
    trained = keys.where(partitions=["A"])
    assert not membership(keys, manifest, TrainedOn(keys.key[trained], ("A",), "other")).random_partition


def test_from_partitions(packed: tuple[KeyList, Manifest]) -> None:
    keys, manifest = packed
    found = membership(keys, manifest, None, members=["B"], externals=["A", "A_unseen"], unseen=["B_unseen"])
    assert set(found.members) == set(keys.where(partitions=["B"]))
    assert set(found.unseen) == set(keys.where(partitions=["B_unseen"]))
    assert not found.random_partition  # nobody's card bears the partition


def test_only_partitions_drawn_at_random_count_as_random(packed: tuple[KeyList, Manifest]) -> None:
    keys, manifest = packed
    few = keys.where(partitions=["A_unseen"])
    card = TrainedOn(keys.key[few], ("A_unseen",), manifest.partition_hash)
    assert not membership(keys, manifest, card).random_partition
    trained = TrainedOn(keys.key[keys.where(partitions=["A"])], ("A",), manifest.partition_hash)
    assert membership(keys, manifest, trained, members=["A"], externals=["B"]).random_partition
    assert not membership(keys, manifest, trained, members=["A"], externals=["B_unseen"]).random_partition


def test_what_the_card_contradicts_is_refused(packed: tuple[KeyList, Manifest]) -> None:
    keys, manifest = packed
    card = TrainedOn(keys.key[keys.where(partitions=["A"])], ("A",), manifest.partition_hash)
    with pytest.raises(UserError, match="by its own card"):
        membership(keys, manifest, card, members=["B"], externals=["A"])
    with pytest.raises(UserError, match="not in the list"):
        membership(keys, manifest, card, members=["A", "A_unseen"], externals=["B"])
    elsewhere = TrainedOn(card.keys[:-3], ("A",), "another")
    with pytest.raises(UserError, match="not in the list"):
        membership(keys, manifest, elsewhere, members=["A"], externals=["B"])


def test_photos_that_a_short_training_had_not_seen_yet_are_left_aside(packed: tuple[KeyList, Manifest]) -> None:
    keys, manifest = packed
    rows = keys.where(partitions=["A"])
    card = TrainedOn(keys.key[rows[:-3]], ("A",), manifest.partition_hash)
    found = membership(keys, manifest, card, members=["A"], externals=["B"])
    assert np.array_equal(np.sort(found.members), np.sort(rows[:-3]))
    assert found.random_partition
    assert "3 photos left aside that its card does not list" in found.how
    assert not np.isin(rows[-3:], np.concatenate([found.externals, found.unseen])).any()


def test_flags_agree_with_the_groups(packed: tuple[KeyList, Manifest]) -> None:
    keys, manifest = packed
    found = membership(keys, manifest, None, members=["A"], externals=["B"], unseen=["A_unseen"])
    member, unseen = found.flags(len(keys))
    assert np.array_equal(np.flatnonzero(member), np.sort(found.members))
    assert np.array_equal(np.flatnonzero(unseen), np.sort(found.unseen))


@pytest.mark.parametrize("seed", range(5))
def test_null_divides_externals_by_identity(packed: tuple[KeyList, Manifest], seed: int) -> None:
    keys, manifest = packed
    trained = keys.where(partitions=["A"])
    card = TrainedOn(keys.key[trained], ("A",), manifest.partition_hash)
    found = membership(keys, manifest, card, null_seed=seed)
    everybody = membership(keys, manifest, card).externals
    assert set(found.members) | set(found.externals) == set(everybody)
    assert not people(keys, found.members) & people(keys, found.externals)
    again = membership(keys, manifest, card, null_seed=seed)
    assert np.array_equal(found.members, again.members)
    assert not np.array_equal(found.members, membership(keys, manifest, card, null_seed=seed + 1).members)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "data.members"),
        ({"members": ["A"]}, "go together"),
        ({"members": ["A"], "externals": ["C"]}, "'C'"),
        ({"members": ["A"], "externals": ["A_unseen"]}, "both sides"),
    ],
)
def test_what_cannot_be_is_said(packed: tuple[KeyList, Manifest], arguments: dict, words: str) -> None:
    keys, manifest = packed
    with pytest.raises(UserError, match=words):
        membership(keys, manifest, None, **arguments)
