"""What an evaluation set of insightface holds, read from its pickle without unpickling: nothing in it is executed.

A pickle is a program. This understands the few of its instructions that make lists, tuples, bytes, numbers and truth
values, and recognises by their names the four functions with which NumPy pickles arrays and scalars; it calls none of
them. Bytes stay in the file: what is kept of them is where they lie.
"""

import mmap
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mint_lightning.errors import UserError

_NAMES: Final = {
    f"{module}.{function}"
    for core in ("numpy.core", "numpy._core")
    for module, function in (
        (f"{core}.multiarray", "_reconstruct"),
        (f"{core}.multiarray", "scalar"),
        (f"{core}.numeric", "_frombuffer"),
    )
} | {"numpy.ndarray", "numpy.dtype"}
_LONGEST_TEXT: Final = 100


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes at a place of the file."""

    start: int
    size: int


@dataclass(frozen=True, slots=True)
class _Name:
    name: str


@dataclass(slots=True)
class _Made:
    """What a function of NumPy would make of its arguments, to which a state may come."""

    name: str
    arguments: Any
    state: Any = None


class _Mark:
    pass


class _Refused(Exception):
    pass


def read_pickled(path: Path) -> tuple[Any, mmap.mmap]:
    """The value that the file's pickle makes, of lists, tuples, `Piece`, int, str, bool and None, and the file mapped.

    Raises:
        UserError: it is no pickle, is cut short, or has an instruction that an evaluation set does not need.
    """
    try:
        with path.open("rb") as stream:
            data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError as error:
        raise UserError(f"There is no evaluation set at {path}.") from error
    except (OSError, ValueError) as error:  # an empty file cannot be mapped
        raise UserError(f"{path} cannot be read as an evaluation set: {error}.") from error
    reader = _Reader(data)
    try:
        return _plain(reader.run(), data), data
    except (_Refused, IndexError, KeyError, TypeError, ValueError, AttributeError) as error:
        why = str(error) if isinstance(error, _Refused) else "damaged"
        raise UserError(
            f"{path} is not an evaluation set of images and pairs (byte {reader.at:,}: {why}): a .bin is a pickle, "
            "which is read without executing anything in it, and so only where it holds bytes and truth values."
        ) from error


class _Reader:
    def __init__(self, data: mmap.mmap) -> None:
        self.data, self.at = data, 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        while True:
            code = self.take(1)
            if code == b".":
                (value,) = self.stack
                return value
            if code not in _DOES:
                known = [op.name for op in pickletools.opcodes if op.code == code.decode("latin1")]
                raise _Refused(f"the instruction {known[0]}" if known else "no pickle")
            _DOES[code](self)

    def take(self, size: int) -> bytes:
        found = self.data[self.at : self.at + size]
        if len(found) < size:
            raise _Refused("it is cut short")
        self.at += size
        return found

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def line(self) -> str:
        end = self.data.find(b"\n", self.at, self.at + _LONGEST_TEXT)
        if end < 0:
            raise _Refused("it is cut short")
        return self.take(end + 1 - self.at)[:-1].decode()

    def piece(self, digits: int) -> None:
        size = self.number(digits)
        if self.at + size > len(self.data):
            raise _Refused("it is cut short")
        self.stack.append(Piece(self.at, size))
        self.at += size

    def text(self, digits: int) -> None:
        size = self.number(digits)
        if size > _LONGEST_TEXT:
            raise _Refused("a long text")
        self.stack.append(self.take(size).decode())

    def since_mark(self) -> list[Any]:
        found: list[Any] = []
        while type(value := self.stack.pop()) is not _Mark:
            found.append(value)
        return found[::-1]

    def tuple(self, size: int) -> None:
        if len(self.stack) < size:
            raise _Refused("damaged")
        self.stack[len(self.stack) - size :] = [tuple(self.stack[len(self.stack) - size :])]

    def extend(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise _Refused("damaged")
        target.extend(values)

    def name(self, module: str, name: str) -> None:
        if f"{module}.{name}" not in _NAMES:
            raise _Refused(f"it asks for {module}.{name}"[:200])
        self.stack.append(_Name(f"{module}.{name}"))

    def made(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if type(function) is not _Name or type(arguments) is not tuple:
            raise _Refused("damaged")
        self.stack.append(_Made(function.name.rpartition(".")[2], arguments))

    def build(self) -> None:
        state = self.stack.pop()
        if type(self.stack[-1]) is not _Made:
            raise _Refused("damaged")
        self.stack[-1].state = state


def _stacked_name(reader: _Reader) -> None:
    name, module = reader.stack.pop(), reader.stack.pop()
    reader.name(module, name)


_DOES: Final[dict[bytes, Callable[[_Reader], Any]]] = {
    b"\x80": lambda r: r.take(1),
    b"\x95": lambda r: r.take(8),
    b"(": lambda r: r.stack.append(_Mark()),
    b"]": lambda r: r.stack.append([]),
    b"l": lambda r: r.stack.append(r.since_mark()),
    b"a": lambda r: r.extend([r.stack.pop()]),
    b"e": lambda r: r.extend(r.since_mark()),
    b")": lambda r: r.stack.append(()),
    b"t": lambda r: r.stack.append(tuple(r.since_mark())),
    b"\x85": lambda r: r.tuple(1),
    b"\x86": lambda r: r.tuple(2),
    b"\x87": lambda r: r.tuple(3),
    b"C": lambda r: r.piece(1),
    b"B": lambda r: r.piece(4),
    b"\x8e": lambda r: r.piece(8),
    b"\x96": lambda r: r.piece(8),
    b"U": lambda r: r.piece(1),
    b"T": lambda r: r.piece(4),
    b"\x8c": lambda r: r.text(1),
    b"X": lambda r: r.text(4),
    b"\x88": lambda r: r.stack.append(True),
    b"\x89": lambda r: r.stack.append(False),
    b"N": lambda r: r.stack.append(None),
    b"K": lambda r: r.stack.append(r.number(1)),
    b"M": lambda r: r.stack.append(r.number(2)),
    b"J": lambda r: r.stack.append(int.from_bytes(r.take(4), "little", signed=True)),
    b"q": lambda r: r.memo.__setitem__(r.number(1), r.stack[-1]),
    b"r": lambda r: r.memo.__setitem__(r.number(4), r.stack[-1]),
    b"\x94": lambda r: r.memo.__setitem__(len(r.memo), r.stack[-1]),
    b"h": lambda r: r.stack.append(r.memo[r.number(1)]),
    b"j": lambda r: r.stack.append(r.memo[r.number(4)]),
    b"c": lambda r: r.name(r.line(), r.line()),
    b"\x93": _stacked_name,
    b"R": lambda r: r.made(),
    b"b": lambda r: r.build(),
}


def _plain(value: Any, data: mmap.mmap) -> Any:
    """(list, list) of the two lists of a set, NumPy's arrays of bytes as pieces and its truth values as such."""
    if not (type(value) in (tuple, list) and len(value) == 2 and all(type(part) is list for part in value)):
        raise _Refused("it is no pair of lists")
    return tuple([_unmade(each, data) if type(each) is _Made else each for each in part] for part in value)


def _unmade(made: _Made, data: mmap.mmap) -> Any:
    if made.name == "scalar":
        kind, piece = made.arguments
        if _kind(kind, data) == "b1" and piece.size == 1:
            return data[piece.start] != 0
        if _kind(kind, data)[:1] == "S":
            return piece
    elif made.name == "_reconstruct":
        _, shape, kind, _, piece = made.state
        if _kind(kind, data) == "u1" and _row(shape, piece):
            return piece
    elif made.name == "_frombuffer":
        piece, kind, shape, _ = made.arguments
        if _kind(kind, data) == "u1" and _row(shape, piece):
            return piece
    raise _Refused("an array that is no row of bytes")


def _kind(made: Any, data: mmap.mmap) -> str:
    if type(made) is not _Made or made.name != "dtype":
        raise _Refused("damaged")
    kind = made.arguments[0]
    return data[kind.start : kind.start + min(kind.size, 10)].decode() if type(kind) is Piece else str(kind)


def _row(shape: Any, piece: Any) -> bool:
    return (
        type(piece) is Piece
        and all(type(side) is int for side in shape)
        and piece.size in shape
        and set(shape) <= {1, piece.size}
    )
