"""What the instructions of a pickle make, without calling anything: places of bytes, and what functions would make."""

import mmap
from dataclasses import dataclass
from typing import Any, Final

NUMPY: Final = {
    f"{module}.{function}"
    for core in ("numpy.core", "numpy._core")
    for module, function in (
        (f"{core}.multiarray", "_reconstruct"),
        (f"{core}.multiarray", "scalar"),
        (f"{core}.numeric", "_frombuffer"),
    )
} | {"numpy.ndarray", "numpy.dtype"}
ENCODE: Final = "_codecs.encode"
"""By which Python 3 writes bytes where the pickle is to be read by Python 2: as a text of as many letters."""

Content = mmap.mmap | bytes


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes at a place of the file."""

    start: int
    size: int


@dataclass(frozen=True, slots=True)
class LongText:
    """A text of over a hundred bytes at a place of the file, in UTF-8."""

    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Name:
    """A function that the pickle names."""

    name: str


@dataclass(slots=True)
class Made:
    """What such a function would make of its arguments, to which a state may come."""

    name: str
    arguments: Any
    state: Any = None


class Refused(Exception):
    """Why a pickle is not read, in a few words."""


FAULTS: Final = (Refused, IndexError, KeyError, TypeError, ValueError, AttributeError)


def kind_of(made: Any, data: Content) -> str:
    """The kind of an array, such as "u1", of what would make its dtype. Raises `Refused` where it is no dtype."""
    if type(made) is not Made or made.name != "dtype":
        raise Refused("damaged")
    kind = made.arguments[0]
    return data[kind.start : kind.start + min(kind.size, 10)].decode() if type(kind) is Piece else str(kind)
