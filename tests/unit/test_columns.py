"""Columns of a key list: small, and read like arrays."""

import hashlib
import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mint_lightning.shards.columns import Digests, Distinct, Repeated

pytestmark = pytest.mark.unit

# An array of NumPy's drops a NUL at the end of a text, and surrogates have no UTF-8.
texts = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6), max_size=30)


def arrow(values):
    """As a column of a file arrives: a slice of something longer."""
    return pa.array(["before", *values, "after"], pa.string())[1:-1]


def digests(count):
    return [hashlib.sha256(bytes([number])).hexdigest() for number in range(count)]


@pytest.mark.parametrize("kind", [Repeated, Distinct])
@given(texts)
def test_text_reads_as_an_array_of_it_does(kind, values):
    expected = np.array(values, dtype=np.str_)
    rows = np.arange(len(values))[::-2]
    for column in (kind.of(values), kind.of(expected), kind.of_arrow(arrow(values))):
        assert len(column) == len(values)
        assert column.dtype.kind == "U"
        assert list(column) == column.tolist() == values
        assert np.array_equal(np.asarray(column), expected)
        assert np.array_equal(column[rows], expected[rows])
        assert np.array_equal(column[expected == ""], expected[expected == ""])
        assert column[: len(values) // 2].tolist() == values[: len(values) // 2]
        assert (column == "a").tolist() == [value == "a" for value in values]
        assert (column != expected).tolist() == [False] * len(values)
        assert all(column[row] == value and type(column[row]) is str for row, value in enumerate(values))


@pytest.mark.parametrize("column", [Repeated.of(["x", "y", "x", "z"]), Distinct.of(["x", "y", "x", "z"])])
def test_rows_in_any_shape(column):
    batches = np.array([[0, 1], [2, 3]])
    assert column[batches].tolist() == [["x", "y"], ["x", "z"]]
    assert column[-1] == column[np.int64(3)] == "z"
    assert column[[]].tolist() == []
    with pytest.raises(IndexError):
        column[4]


def test_a_copy_can_be_written_to():
    column = Repeated.of(["x", "y"])
    copy = column.copy()
    copy[0] = "z"
    assert column.tolist() == ["x", "y"]


@given(texts)
def test_repeated_texts_know_what_there_is(values):
    column = Repeated.of_arrow(arrow(values))
    assert column.distinct().tolist() == sorted(set(values))
    assert column.isin(["a", "b", "nowhere"]).tolist() == [value in ("a", "b") for value in values]


@pytest.mark.parametrize("people", [1, 255, 256, 257, 70_000])
def test_codes_hold_any_number_of_names(people):
    values = [f"p{number}" for number in range(people)] * 2
    assert Repeated.of_arrow(pa.array(values)).tolist() == values


def test_hashes_read_hexadecimal():
    values = [digest.encode() for digest in digests(5)]
    for column in (Digests.of(values), Digests.of(digests(5)), Digests.of_arrow(arrow(digests(5)))):
        assert column.tolist() == values
        assert column[3] == values[3]
        assert column[[4, 0]].tolist() == [values[4], values[0]]
        assert column.dtype == "S64"
    assert Digests.of_arrow(pa.array([], pa.string())).tolist() == Digests.of([]).tolist() == []


@pytest.mark.parametrize("value", ["ab", "g" * 64, "a" * 65])
def test_what_is_no_hash_is_refused(value):
    with pytest.raises(ValueError, match=r".+"):
        Digests.of_arrow(pa.array([value]))


def test_one_long_text_widens_no_other():
    short = Distinct.of(["x"] * 1000, object)
    long = Distinct.of(["x"] * 999 + ["x" * 1000], object)
    assert long.dtype == object
    assert len(pickle.dumps(long)) < len(pickle.dumps(short)) + 3000
    assert pickle.loads(pickle.dumps(long)).tolist() == long.tolist()
