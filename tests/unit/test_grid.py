"""Grids of rows: every combination, nested sizes, and what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mint_lightning.errors import UserError
from mint_lightning.learning.grid import RowGrid
from mint_lightning.learning.rows import RowSpec, check_names, parse_samples
from mint_lightning.shards import balanced_subsets
from tests.shard_sets import bare_keys

pytestmark = pytest.mark.unit

TAPS: list[Any] = ["conv1", ["conv1", "conv4"], "all_conv"]
SIZES: list[Any] = [512, "1K", 0.5, None]


@given(
    head=st.sampled_from(["vanilla", "cnn"]),
    taps=st.lists(st.sampled_from(TAPS), min_size=1, unique_by=str),
    samples=st.lists(st.sampled_from(SIZES), min_size=1, unique_by=str),
)
def test_every_combination_once(head: Any, taps: list[Any], samples: list[Any]) -> None:
    rows = RowGrid(head, taps, samples, arguments={"dropout": 0.1}, seeds=2).rows()
    ending = ":map" if head == "cnn" else ""
    wanted = [
        ([f"{t}{ending}" for t in ([tap] if isinstance(tap, str) else tap)], size) for tap in taps for size in samples
    ]
    assert [(row.taps, row.samples) for row in rows] == [(tap, parse_samples(size)) for tap, size in wanted]
    assert all(row.head == head and row.seeds == 2 and row.arguments == {"dropout": 0.1} for row in rows)
    check_names([row.on(["conv1", "conv4", "outcome"]) for row in rows])


def test_all_conv_is_every_tap_but_the_last_of_any_network() -> None:
    row = RowGrid("cnn", ["all_conv"], [0.5]).rows()[0].on(["early", "late", "logits"])
    assert row.taps == ["early:map", "late:map"]
    assert (row.title, row.where) == ("CNN all conv, 50 % of the images", "all conv")


@given(
    few=st.integers(1, 9),
    many=st.integers(1, 9),
    share=st.floats(0.2, 1.0),
)
def test_a_smaller_size_lies_within_a_larger_one(few: int, many: int, share: float) -> None:
    keys = bare_keys(np.array([[10, 12, 11], [15, 10, 13]]))
    groups = [np.flatnonzero(keys.partition == name) for name in ("g0", "g1")]
    small, large = (balanced_subsets(keys, groups, 6 * count) for count in sorted((few, many)))
    for least, most in zip(small, large, strict=True):
        assert set(least) <= set(most)
        assert len({int(n) for n in np.bincount(keys.lane[least], minlength=3)}) == 1
    part = balanced_subsets(keys, groups, share)
    assert [len(rows) for rows in part] == [3 * int(share * 10 + 1e-9)] * 2
    same = balanced_subsets(keys, groups, 6 * int(share * 10 + 1e-9))
    assert all((a == b).all() for a, b in zip(part, same, strict=True))


@pytest.mark.parametrize(
    ("given", "read"),
    [(None, None), (1000, 1000), ("50K", 50_000), ("1.5k", 1500), ("2M", 2_000_000), (0.5, 0.5), ("0.5", 0.5),
     ("1e-1", 0.1), (1.0, 1.0), (1, 1), ("1", 1), (64.0, 64), ("64", 64)],
)  # fmt: skip
def test_what_samples_mean(given: Any, read: Any) -> None:
    assert parse_samples(given) == read
    assert type(parse_samples(given)) is type(read)


@pytest.mark.parametrize(
    "samples", [0, -5, "-5", "abc", "", "K", 2.5, 1.5, "2.5", "0.0001K", 0.0, float("nan"), float("inf"), "inf", True]
)
def test_what_samples_are_refused(samples: Any) -> None:
    with pytest.raises(UserError, match=r"samples is .*: give a number of images"):
        RowSpec("vanilla", ["conv1"], samples)


@pytest.mark.parametrize(("taps", "samples"), [([], [None]), (["conv1"], [])])
def test_an_empty_grid_is_refused(taps: list[Any], samples: list[Any]) -> None:
    with pytest.raises(UserError, match="at least one of taps and one of samples"):
        RowGrid("vanilla", taps, samples)


def test_joining_no_taps_is_refused() -> None:
    with pytest.raises(UserError, match="needs taps"):
        RowGrid("vanilla", [[]]).rows()
