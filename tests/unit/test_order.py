"""The training order: who comes when, how often, and that nothing but seed and epoch decides it."""

import hashlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mint_lightning.errors import UserError
from mint_lightning.shards.order import EpochOrder, lane_order
from tests.shard_sets import bare_keys

pytestmark = pytest.mark.unit


def order_of(sizes: list[list[int]], batch_size: int, seed: int = 0) -> EpochOrder:
    keys = bare_keys(np.array(sizes))
    groups = tuple(keys.where(partitions=[f"g{group}"]) for group in range(len(sizes)))
    return EpochOrder(keys, groups, batch_size, seed)


sizes_of_lanes = st.integers(1, 8).flatmap(
    lambda lanes: st.lists(
        st.lists(st.integers(4, 60), min_size=lanes, max_size=lanes),
        min_size=1,
        max_size=2,
    )
)


@settings(max_examples=60, deadline=None)
@given(sizes=sizes_of_lanes, part=st.integers(1, 4), seed=st.integers(0, 9), epochs=st.integers(1, 12))
def test_at_every_moment_all_images_of_a_group_and_lane_were_used_equally_often_but_for_one(
    sizes: list[list[int]], part: int, seed: int, epochs: int
) -> None:
    order = order_of(sizes, part * len(sizes[0]) * len(sizes), seed)
    for lane in range(order.lanes):
        seen: Counter[int] = Counter()
        for epoch in range(epochs):
            rows = order.lane(lane, epoch)
            assert rows.shape == (order.steps, part * len(sizes))
            for group, members in enumerate(order.groups):
                own = members[order.keys.lane[members] == lane]
                given_here = rows[:, group :: len(sizes)].ravel()
                assert np.isin(given_here, own).all()
                assert len(np.unique(given_here)) == order.steps * part
                uses = np.array([seen[row] for row in own])
                for row in given_here.tolist():
                    seen[row] += 1
                    place = np.searchsorted(own, row)
                    uses[place] += 1
                    assert uses[place] - uses.min() <= 1


@settings(max_examples=30, deadline=None)
@given(sizes=sizes_of_lanes, part=st.integers(1, 4))
def test_an_epoch_is_the_smaller_group_once_and_as_many_of_the_other(sizes: list[list[int]], part: int) -> None:
    order = order_of(sizes, part * len(sizes[0]) * len(sizes))
    least = min(min(row) for row in sizes)
    assert order.steps == least // part
    for group in order.groups:
        assert np.isin(order.batches(3), group).sum() == order.steps * part * order.lanes


def test_members_and_externals_alternate_and_lanes_give_equal_parts() -> None:
    order = order_of([[30] * 4, [45] * 4], 16)
    batches = order.batches(0)
    assert batches.shape == (15, 16)
    assert (order.keys.partition[batches] == np.array(["g0", "g1"] * 8)).all()
    assert (order.keys.lane[batches] == np.repeat(np.arange(4), 4)).all()


@pytest.mark.parametrize("world", [1, 2, 4, 8])
def test_processes_together_see_the_global_batches(world: int) -> None:
    order = order_of([[40] * 8, [33] * 8], 32, seed=5)
    share = 8 // world
    for epoch in (0, 7):
        seen = [
            np.concatenate([order.lane(lane, epoch) for lane in range(rank * share, (rank + 1) * share)], axis=1)
            for rank in range(world)
        ]
        assert np.array_equal(np.concatenate(seen, axis=1), order.batches(epoch))


def test_the_order_depends_on_seed_and_epoch_and_not_on_the_order_the_rows_came_in() -> None:
    order = order_of([[40] * 2, [33] * 2], 8)
    turned = EpochOrder(order.keys, tuple(rows[::-1] for rows in order.groups), 8, 0)
    assert np.array_equal(order.batches(4), turned.batches(4))
    assert order.fingerprint == turned.fingerprint
    assert not np.array_equal(order.batches(4), order.batches(5))
    assert not np.array_equal(order.batches(4), EpochOrder(order.keys, order.groups, 8, 1).batches(4))
    fewer = EpochOrder(order.keys, (order.groups[0][:-1], order.groups[1]), 8, 0)
    assert fewer.fingerprint != order.fingerprint


def test_the_order_is_the_same_in_every_release() -> None:
    # A changed order would let old checkpoints go on in other batches than they began with: a new state schema then.
    order = order_of([[400] * 2, [333] * 2], 8, seed=1)
    digest = hashlib.sha256(order.batches(0).astype("<i8").tobytes() + order.batches(9).astype("<i8").tobytes())
    assert digest.hexdigest() == "5979fe72ea7e50cd66043011063bd142b00cc166ed68df9b0f0622c6ba9713ff"


def test_a_small_lane_is_shuffled_evenly() -> None:
    keys = bare_keys(np.array([[12]]), images_a_shard=4)
    rows = np.arange(12)
    places = np.zeros((12, 12))
    for pass_ in range(1200):
        places[np.arange(12), lane_order(keys, rows, seed=3, pass_=pass_, tag="t")] += 1
    # 12 x 12 counts of expectation 100: chi-square with 121 degrees of freedom is below 190 but for one in 10,000.
    assert ((places - 100) ** 2 / 100).sum() < 190


@pytest.mark.parametrize("images", [1100, 1500, 2500, 20_000])
def test_a_large_lane_is_shuffled_with_bounded_reading_ahead(images: int) -> None:
    keys = bare_keys(np.array([[images]]), images_a_shard=700)
    order = lane_order(keys, np.arange(images), seed=0, pass_=1, tag="t", window=1000)
    assert np.array_equal(np.sort(order), np.arange(images))
    first = [keys.shard[order].tolist().index(shard) for shard in range(keys.shard[-1] + 1)]
    as_read = np.concatenate([np.flatnonzero(keys.shard == shard) for shard in np.argsort(first)])
    place_read = np.empty(images, dtype=np.int64)
    place_read[as_read] = np.arange(images)
    held = np.maximum.accumulate(place_read[order]) + 1 - np.arange(1, images + 1)
    assert held.max() <= 1500
    assert np.abs(place_read[order] - np.arange(images)).mean() > 200


def test_shards_change_their_turn_from_pass_to_pass() -> None:
    keys = bare_keys(np.array([[20_000]]), images_a_shard=2000)
    firsts = {
        int(keys.shard[lane_order(keys, np.arange(20_000), seed=0, pass_=p, tag="t", window=50)[0]]) for p in range(20)
    }
    assert len(firsts) > 4


def test_a_batch_size_that_does_not_divide_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"batch_size of 96 or 112"):
        order_of([[90] * 8, [90] * 8], 100)
    with pytest.raises(UserError, match=r"batch_size of 8\."):
        order_of([[90] * 8], 3)
    with pytest.raises(UserError, match=r"batch_size of 16\."):
        order_of([[90] * 8, [90] * 8], 0)


def test_too_few_images_name_the_group_the_lane_and_what_would_do() -> None:
    with pytest.raises(UserError, match=r"externals have only 3 in lane 1: use a batch_size of at most 12"):
        order_of([[90, 90], [90, 3]], 16)
    with pytest.raises(UserError, match="give more images"):
        order_of([[5, 0]], 2)


def test_an_image_in_two_groups_is_refused() -> None:
    keys = bare_keys(np.array([[20, 20]]))
    with pytest.raises(UserError, match="k000019"):
        EpochOrder(keys, (np.arange(20), np.arange(19, 40)), 4, 0)
