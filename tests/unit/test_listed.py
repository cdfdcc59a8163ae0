"""A long list of photos gives back what it was given."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mint_lightning.shards.columns import Digests, Distinct, Repeated, tied
from mint_lightning.shards.sources.listed import ListedPhotos
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.pieces import Broken, ReadPiece
from mint_lightning.shards.sources.walk import ReadFile

names = st.text(max_size=6)
numbers = st.integers(0, 2**40)


def _drawn(number: int) -> bytes:
    return b"%d" % number


readers: st.SearchStrategy[Callable[[], bytes]] = st.one_of(
    st.builds(ReadFile, names),
    st.builds(ReadPiece, names, numbers, numbers),
    st.builds(Broken, names),
    st.just(partial(_drawn, 3)),
)
photos = st.builds(
    Photo,
    names,
    names,
    names,
    readers,
    st.none() | st.just((0.5, 1.0, 2.0, 3.0)),
    st.none() | st.just(((1.0, 2.0),) * 5),
    st.none() | st.just({"camera": "a"}),
)


@settings(deadline=None)
@given(st.lists(photos, max_size=6))
def test_photos_come_back_as_they_were(given: list[Photo]) -> None:
    given += [replace(photo, reader=ReadFile(f"root/{photo.origin}")) for photo in given]
    listed = ListedPhotos.of(given)
    assert list(listed) == given
    assert listed[1:] == given[1:]
    assert [listed[-1 - place] for place in range(len(given))] == given[::-1]
    assert [photo.key for photo in listed] == [photo.key for photo in given]


@settings(deadline=None)  # pyarrow is loaded in the first
@given(st.lists(names, min_size=1), st.data())
def test_columns_of_some_rows(texts: list[str], data: st.DataObject) -> None:
    rows = np.array(data.draw(st.lists(st.integers(0, len(texts) - 1))), np.int64)
    wanted = [texts[row] for row in rows]
    assert Distinct.of(texts).take(rows).tolist() == wanted
    repeated = Repeated.of(texts).take(rows)
    assert repeated.tolist() == wanted
    assert repeated.distinct().tolist() == sorted(set(wanted))
    by_text = Distinct.of(texts).argsort()
    assert by_text.tolist() == sorted(range(len(texts)), key=lambda row: (texts[row], row))


@given(st.lists(st.integers(0, 5)))
def test_rows_that_tie(values: list[int]) -> None:
    wanted = [row for row, value in enumerate(values) if values.count(value) > 1]
    assert tied(np.array(values, np.int64)).tolist() == wanted


def test_digests_of_two_lists() -> None:
    one, other = Digests.of(["ab" * 32]), Digests.of(["cd" * 32, "01" * 32])
    both = one + other
    assert both.tolist() == [*one.tolist(), *other.tolist()]
    assert both.take(np.array([2, 0])).tolist() == [b"01" * 32, b"ab" * 32]
