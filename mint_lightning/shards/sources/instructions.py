"""The few instructions of a pickle that make plain values, followed without unpickling: nothing in it is executed.

A pickle is a program. This understands those of its instructions that make lists, tuples, dictionaries, bytes, numbers
and truth values, and recognises by their names the functions with which NumPy pickles arrays and scalars; it calls none
of them. Bytes stay where they are: what is kept of them is their place.
"""

import pickletools
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from mint_lightning.shards.sources.pickledvalues import NUMPY, Content, LongText, Made, Name, Piece, Refused

_LONGEST_TEXT: Final = 100
_MOST: Final = 10_000_000


class _Mark:
    pass


class Reader:
    """Follows a pickle's instructions to its end.

    Args:
        data: the pickle.
        names: functions that it may name; see `Made`.
        dictionaries: whether it may make dictionaries; their keys become texts.
    """

    def __init__(self, data: Content, names: Collection[str] = NUMPY, *, dictionaries: bool = False) -> None:
        self.data, self.at, self.names = data, 0, names
        self.does: Mapping[bytes, Callable[[Reader], Any]] = _DOES | _OF_DICTIONARIES if dictionaries else _DOES
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        """The value, of lists, tuples, dictionaries, `Piece`, `LongText`, `Made`, int, str, bool and None.

        Raises:
            Refused: it has another instruction, names another function, is cut short or too long. What else it raises
                on a damaged pickle is one of `FAULTS`.
        """
        for _ in range(_MOST):
            code = self.take(1)
            if code == b".":
                (value,) = self.stack
                return value
            if code not in self.does:
                known = [op.name for op in pickletools.opcodes if op.code == code.decode("latin1")]
                raise Refused(f"the instruction {known[0]}" if known else "no pickle")
            self.does[code](self)
        raise Refused(f"over {_MOST:,} instructions")

    def take(self, size: int) -> bytes:
        found = self.data[self.at : self.at + size]
        if len(found) < size:
            raise Refused("it is cut short")
        self.at += size
        return found

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def line(self) -> str:
        end = self.data.find(b"\n", self.at, self.at + _LONGEST_TEXT)
        if end < 0:
            raise Refused("it is cut short")
        return self.take(end + 1 - self.at)[:-1].decode()

    def piece(self, digits: int) -> None:
        size = self.number(digits)
        self.stack.append(Piece(self.at, size))
        self.skip(size)

    def skip(self, size: int) -> None:
        if self.at + size > len(self.data):
            raise Refused("it is cut short")
        self.at += size

    def text(self, digits: int) -> None:
        size = self.number(digits)
        if size <= _LONGEST_TEXT:
            self.stack.append(self.take(size).decode())
            return
        self.stack.append(LongText(self.at, size))
        self.skip(size)

    def long(self) -> None:
        size = self.number(1)
        if size > 8:
            raise Refused("a number of over 8 bytes")
        self.stack.append(int.from_bytes(self.take(size), "little", signed=True))

    def since_mark(self) -> list[Any]:
        found: list[Any] = []
        while type(value := self.stack.pop()) is not _Mark:
            found.append(value)
        return found[::-1]

    def tuple(self, size: int) -> None:
        if len(self.stack) < size:
            raise Refused("damaged")
        self.stack[len(self.stack) - size :] = [tuple(self.stack[len(self.stack) - size :])]

    def extend(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise Refused("damaged")
        target.extend(values)

    def name(self, module: str, name: str) -> None:
        if f"{module}.{name}" not in self.names:
            raise Refused(f"it asks for {module}.{name}"[:200])
        self.stack.append(Name(f"{module}.{name}"))

    def made(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if type(function) is not Name or type(arguments) is not tuple:
            raise Refused("damaged")
        self.stack.append(Made(function.name.rpartition(".")[2], arguments))

    def items(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict or len(values) % 2:
            raise Refused("damaged")
        for key, value in zip(values[::2], values[1::2], strict=True):
            target[self.key(key)] = value

    def key(self, value: Any) -> str:
        if type(value) is Made and value.name == "encode":
            value = value.arguments[0]
        if type(value) is Piece and value.size <= _LONGEST_TEXT:
            return self.data[value.start : value.start + value.size].decode()
        if type(value) is not str:
            raise Refused("a dictionary with other keys than texts")
        return value

    def build(self) -> None:
        state = self.stack.pop()
        if type(self.stack[-1]) is not Made:
            raise Refused("damaged")
        self.stack[-1].state = state


def _stacked_name(reader: Reader) -> None:
    name, module = reader.stack.pop(), reader.stack.pop()
    reader.name(module, name)


_DOES: Final[dict[bytes, Callable[[Reader], Any]]] = {
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
    b"\x8a": lambda r: r.long(),
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
_OF_DICTIONARIES: Final[dict[bytes, Callable[[Reader], Any]]] = {
    b"}": lambda r: r.stack.append({}),
    b"s": lambda r: r.items([r.stack.pop(), r.stack.pop()][::-1]),
    b"u": lambda r: r.items(r.since_mark()),
}
