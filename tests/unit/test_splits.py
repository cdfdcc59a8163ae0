import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mint_lightning.errors import UserError
from mint_lightning.shards.splits import FRACTIONS, SPLITS, check_partitions, partition_of, split_of, uniform

pytestmark = pytest.mark.unit

names = st.text(min_size=1, max_size=12)


@given(st.lists(names, min_size=1, max_size=4), st.integers(0, 2**31))
def test_uniform_is_in_the_unit_interval_and_repeats(parts, seed):
    value = uniform(*parts, seed=seed)
    assert 0 <= value < 1
    assert uniform(*parts, seed=seed) == value


def test_uniform_is_the_documented_hash():
    digest = hashlib.sha256(b'[7,"split","lfw","Ann"]').digest()
    assert uniform("split", "lfw", "Ann", seed=7) == (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def test_uniform_depends_on_where_the_parts_end_and_on_the_seed():
    assert uniform("ab", "c", seed=0) != uniform("a", "bc", seed=0)
    assert uniform("ab", "c", seed=0) != uniform("ab", "c", seed=1)


def test_splits_follow_their_fractions():
    drawn = [split_of("s", str(number), seed=3) for number in range(20_000)]
    for name, fraction in zip(SPLITS, FRACTIONS, strict=True):
        # five standard deviations of a binomial share
        assert drawn.count(name) / 20_000 == pytest.approx(
            fraction, abs=5 * (fraction * (1 - fraction) / 20_000) ** 0.5
        )


def test_partition_is_independent_of_the_split():
    halves = {"A": 0.5, "B": 0.5}
    people = [str(number) for number in range(20_000)]
    in_a = [person for person in people if partition_of("s", person, halves, seed=3) == "A"]
    share = sum(split_of("s", person, seed=3) == "fit" for person in in_a) / len(in_a)
    assert share == pytest.approx(0.5, abs=5 * 0.5 / len(in_a) ** 0.5)


def test_partitions_follow_their_fractions_in_whatever_order_they_are_named():
    people = [str(number) for number in range(4_000)]
    drawn = [partition_of("s", person, {"B": 0.75, "A": 0.25}, seed=1) for person in people]
    assert drawn.count("A") / 4_000 == pytest.approx(0.25, abs=0.035)
    assert drawn == [partition_of("s", person, {"A": 0.25, "B": 0.75}, seed=1) for person in people]


@pytest.mark.parametrize(
    ("partitions", "message"),
    [
        ({}, "No partition"),
        ({"A": 0.5, "B": 0.4}, "add up to 0.9"),
        ({"A": 1.2, "B": -0.2}, "fraction of partition 'A'"),
        ({"A": True}, "fraction of partition 'A'"),
        ({"A": 1.0, "B": float("nan")}, "fraction of partition 'B'"),
        ({"a b": 1.0}, "partition name 'a b'"),
        ({"../x": 1.0}, "partition name"),
        ({"A_unseen": 1.0}, "_unseen"),
    ],
)
def test_partitions_that_cannot_be_used(partitions, message):
    with pytest.raises(UserError, match=message):
        check_partitions(partitions)


def test_thirds_add_up():
    check_partitions({"A": 1 / 3, "B": 1 / 3, "C": 1 / 3})
