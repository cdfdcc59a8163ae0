"""A batch of CIFAR, read from its pickle without unpickling: nothing in it is executed.

Krizhevsky's files were written by Python 2 (protocol 2): a dictionary of one array, lists of numbers and one of names.
What Python 3 writes of the same, by any protocol from 2 on, is read alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mint_lightning.shards.sources.instructions import Reader
from mint_lightning.shards.sources.pickledvalues import (
    ENCODE,
    FAULTS,
    NUMPY,
    Content,
    LongText,
    Made,
    Piece,
    Refused,
    kind_of,
)
from mint_lightning.shards.sources.planar import PLANES

_LONGEST_NAME: Final = 1_000


class NoBatch(Exception):
    """Why a file is no such pickle, and at which byte that was seen, in a few words."""


@dataclass(frozen=True, slots=True)
class PickledBatch:
    """The dictionary of a batch.

    Attributes:
        start: the first byte of the images, n x 3,072.
        size: how many bytes they take in the file.
        text: whether they are a text in UTF-8, a letter for each byte.
        by_column: whether the first bytes of all images come first, then all second ones (Fortran's order).
        labels: name of a list in the dictionary -> n numbers.
        filenames: n names, where there are any.
    """

    start: int
    size: int
    text: bool
    by_column: bool
    labels: Mapping[str, Sequence[int]]
    filenames: Sequence[str] | None


def read_batch(data: Content, labels: Sequence[str]) -> PickledBatch:
    """The batch that a pickle holds, with the lists of labels of these names.

    Raises:
        NoBatch: it is no pickle, is cut short, holds anything else, or would run something.
    """
    value, at = _dictionary(data)
    try:
        (count, width), place, by_column = _array(value.get("data"), data)
        if width != PLANES or count < 1:
            raise Refused(f"images of {width} bytes, not {PLANES:,}")
        if type(place) is Piece and place.size != count * PLANES:
            raise Refused(f"{count:,} images in {place.size:,} bytes")
        numbers = {name: _numbers(value.get(name), name, count) for name in labels}
        names = _texts(value["filenames"], data) if "filenames" in value else None
        if names is not None and len(names) != count:
            raise Refused(f"{len(names):,} names of {count:,} images")
        return PickledBatch(place.start, place.size, type(place) is LongText, by_column, numbers, names)
    except FAULTS as error:
        raise _no_batch(error, at) from error


def read_names(data: Content, keys: Sequence[str]) -> Sequence[Sequence[str]]:
    """The lists of names, such as "label_names", that a pickled dictionary holds. Raises `NoBatch` as `read_batch`."""
    value, at = _dictionary(data)
    try:
        if missing := [key for key in keys if key not in value]:
            raise Refused(f"it has no list {missing[0]}")
        return [_texts(value[key], data) for key in keys]
    except FAULTS as error:
        raise _no_batch(error, at) from error


def _no_batch(error: Exception, at: int) -> NoBatch:
    return NoBatch(f"byte {at:,}: {str(error) if isinstance(error, Refused) else 'damaged'}")


def _dictionary(data: Content) -> tuple[dict[str, Any], int]:
    reader = Reader(data, {*NUMPY, ENCODE}, dictionaries=True)
    try:
        value = reader.run()
        if type(value) is not dict:
            raise Refused("it is no dictionary")
        return value, reader.at
    except FAULTS as error:
        raise _no_batch(error, reader.at) from error


def _array(made: Any, data: Content) -> tuple[Sequence[int], Piece | LongText, bool]:
    """Shape and place of a matrix of bytes, and whether it lies by columns."""
    if type(made) is not Made or made.name not in ("_reconstruct", "_frombuffer"):
        raise Refused("it has no array called data")
    if made.name == "_reconstruct":
        _, shape, kind, by_column, raw = made.state
    else:
        raw, kind, shape, order = made.arguments
        by_column = order == "F"
    if type(raw) is Made and raw.name == "encode":
        raw = raw.arguments[0]
    fits = type(raw) in (Piece, LongText) and type(shape) is tuple and [type(side) for side in shape] == [int, int]
    if not fits or kind_of(kind, data) != "u1":
        raise Refused("its data are no matrix of bytes")
    return shape, raw, by_column is True


def _numbers(values: Any, name: str, count: int) -> Sequence[int]:
    if type(values) is not list or any(type(value) is not int for value in values):
        raise Refused(f"it has no list of numbers called {name}")
    if len(values) != count:
        raise Refused(f"{len(values):,} {name} of {count:,} images")
    return values


def _texts(values: Any, data: Content) -> Sequence[str]:
    if type(values) is not list:
        raise Refused("its names are no list")
    return [_text(value, data) for value in values]


def _text(value: Any, data: Content) -> str:
    if type(value) is Made and value.name == "encode":
        value = value.arguments[0]
    if type(value) is str:
        return value
    if type(value) not in (Piece, LongText) or value.size > _LONGEST_NAME:
        raise Refused("a name that is no text")
    return data[value.start : value.start + value.size].decode("utf-8", "backslashreplace")
