"""A long list of photos, of which each takes the bytes of its name and a few more, and is made when it is asked for."""

import marshal
from array import array
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Self

from mint_lightning.shards.sources.photo import LazyPhotos, Photo, Reader


class ListedPhotos(LazyPhotos):
    """Photos as a source lists them. As objects each would take 500 bytes; so it is about 80 for a file in a folder.

    A reader is kept as its fields where it is a dataclass of plain values, as those of all our sources are; where a
    text among them ends with the photo's origin, as a path does, that end is not kept again.
    """

    def __init__(self) -> None:
        self._people: dict[tuple[str, str], int] = {}
        self._person = array("I")
        self._data = bytearray()
        self._bounds = array("Q", [0])
        self._names: list[tuple[str, str]] = []
        self._number_of: dict[str, int] = {}
        self._texts: list[str] = []
        self._others: dict[int, Reader] = {}

    @classmethod
    def of(cls, photos: Iterable[Photo]) -> Self:
        """The list of these."""
        listed = cls()
        for photo in photos:
            listed.append(photo)
        return listed

    def append(self, photo: Photo) -> None:
        """Add one at the end."""
        person = photo.source, photo.identity
        number = self._people.setdefault(person, len(self._names))
        if number == len(self._names):
            self._names.append(person)
        self._person.append(number)
        kept = photo.origin, *self._kept(photo), photo.box, photo.points, dict(photo.attributes or {}) or None
        self._data += marshal.dumps(_trimmed(kept))
        self._bounds.append(len(self._data))

    def __len__(self) -> int:
        return len(self._person)

    def photo(self, row: int) -> Photo:
        """The one at `row`."""
        origin, kind, values, *rest = marshal.loads(self._data[self._bounds[row] : self._bounds[row + 1]])
        reader = self._others[row] if kind is None else _KINDS[kind](*(self._value(each, origin) for each in values))
        return Photo(*self._names[self._person[row]], origin, reader, *rest)

    def _kept(self, photo: Photo) -> tuple[int | None, tuple[Any, ...] | None]:
        kind = type(photo.reader)
        values = [getattr(photo.reader, name) for name in _fields(kind)] if is_dataclass(kind) else [None]
        if not all(type(value) in (str, int, bool) for value in values):
            self._others[len(self._person) - 1] = photo.reader
            return None, None
        return _number(kind), tuple(
            self._text(value, photo.origin) if isinstance(value, str) else value for value in values
        )

    def _text(self, value: str, origin: str) -> tuple[int, bool]:
        """The number of a text that others share, and whether the origin follows it."""
        follows = value.endswith(origin)
        head = value.removesuffix(origin)
        number = self._number_of.setdefault(head, len(self._texts))
        if number == len(self._texts):
            self._texts.append(head)
        return number, follows

    def _value(self, value: Any, origin: str) -> Any:
        if not isinstance(value, tuple):
            return value
        number, follows = value
        return self._texts[number] + (origin if follows else "")


_KINDS: list[Any] = []


def _number(kind: Any) -> int:
    if kind not in _KINDS:
        _KINDS.append(kind)
    return _KINDS.index(kind)


@cache
def _fields(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _trimmed(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Without what is None at the end; the first three stay."""
    while len(values) > 3 and values[-1] is None:
        values = values[:-1]
    return values
