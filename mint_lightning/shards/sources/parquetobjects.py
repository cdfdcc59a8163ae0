"""Parquet files of objects by class, as Hugging Face has CIFAR-10, CIFAR-100 and many others."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from mint_lightning.errors import UserError
from mint_lightning.shards.sources.names import plain
from mint_lightning.shards.sources.parquet import ParquetSource, class_names, file_rows, schema_of
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.pieces import Broken

_CLASS: Final = ("class", "label", "labels", "fine_label")
_SUPERCLASS: Final = "coarse_label"
_SPLIT: Final = re.compile(r"(train|test|validation)(?=[-_.])")


class ParquetObjectsSource(ParquetSource):
    """Each row is a photo and an identity of its own; the first of class, label, labels, fine_label says what it shows.

    The names of classes are those of the file's Hugging Face description, in its order; without one a class is its text
    or number. A column coarse_label is the attribute "superclass". Photos of a file called train-..., test-... or
    validation-... are of the database NAME_train and so on. See `ParquetSource`.

    Raises:
        UserError: on listing, as `ParquetSource`, or if a file has no such column.
    """

    kind = "objects"

    def describe(self) -> dict[str, Any]:
        """As `ParquetSource`, and the classes."""
        return {**super().describe(), "classes": list(self.classes)}

    @cached_property
    def classes(self) -> Sequence[str]:
        """Names of the classes, in their order where the files have one, else sorted."""
        found = {(photo.attributes or {}).get("class") for photo in self.list()} - {None}
        named = [names for names in map(self._named.get, self._files) if names]
        if named and all(set(each) == set(named[0]) for each in named) and found <= set(named[0]):
            return named[0]
        return sorted(map(str, found), key=lambda name: (not name.isdecimal(), len(name) * name.isdecimal(), name))

    @cached_property
    def _named(self) -> dict[Path, Sequence[str]]:
        return {}

    def rows(self, file: Path, prefix: str) -> Iterator[Photo]:
        """The photos of one file."""
        schema = schema_of(file)
        kind = next((column for column in _CLASS if column in schema.names), None)
        if kind is None:
            raise UserError(f"{file} has no column {', '.join(_CLASS)} (it has {', '.join(schema.names)}).")
        above = _SUPERCLASS if _SUPERCLASS in schema.names else None
        names, over = (tuple(map(plain, map(str, class_names(schema, column)))) for column in (kind, above))
        self._named[file] = names
        split = _SPLIT.match(file.name)
        source = f"{self.name}_{split[1]}" if split else self.name
        for origin, (number, wider), reader in file_rows(file, prefix, (kind, above)):
            facts: Mapping[str, str | None] = {"class": _name(number, names), "superclass": _name(wider, over)}
            known = {name: value for name, value in facts.items() if value is not None}
            if "class" not in known:
                yield Photo(source, origin, origin, Broken(f"its {kind} is {number!r}"[:200]))
            else:
                yield Photo(source, origin, origin, reader, attributes=known)


def _name(value: Any, names: Sequence[str]) -> str | None:
    """A class's name, its text or its number; None where it is none of the names, or neither text nor number."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    if isinstance(value, int) and names:
        return names[value] if 0 <= value < len(names) else None
    return plain(str(value))
