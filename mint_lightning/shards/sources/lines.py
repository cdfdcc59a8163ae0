"""Tables that come with databases, line by line."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mint_lightning.errors import UserError
from mint_lightning.shards.image import BrokenImage
from mint_lightning.shards.sources.tree import Entry
from mint_lightning.shards.sources.walk import ReadFile


def text_of(entry: Entry) -> str:
    """A file's text. Raises `UserError` where it cannot be read as such."""
    try:
        if isinstance(entry.reader, ReadFile):  # of any size
            return Path(entry.reader.path).read_text(encoding="utf-8-sig")
        return entry.reader().decode("utf-8-sig")
    except (BrokenImage, OSError, ValueError) as error:
        raise UserError(f"{entry.path} cannot be read as a text: {error}.") from error


def rows_of(entry: Entry, needed: Sequence[str], delimiter: str = ",") -> Iterator[tuple[int, Mapping[str, str]]]:
    """Number and values of each line of a table, by the names in its first line in small letters.

    Raises:
        UserError: it cannot be read, a column is not there or there twice, or a line has another number of values.
    """
    try:
        lines = csv.reader(io.StringIO(text_of(entry), newline=""), delimiter=delimiter)
        names = [name.strip().lower() for name in next(lines, [])]
        missing = [name for name in needed if name not in names]
        if missing or len(set(names)) < len(names):
            raise UserError(
                f"{entry.path} needs a first line with the columns {', '.join(needed)}, each once; it has "
                f"{', '.join(names) or 'none'}."
            )
        for row in lines:
            if not row:
                continue
            if len(row) != len(names):
                raise UserError(
                    f"Line {lines.line_num} of {entry.path} has {len(row)} values, its first line {len(names)}."
                )
            yield lines.line_num, dict(zip(names, (value.strip() for value in row), strict=True))
    except csv.Error as error:
        raise UserError(f"{entry.path} cannot be read as a table: {error}.") from error


def numbers(values: Sequence[str]) -> tuple[float, ...] | None:
    """The values as numbers; None where one is none."""
    try:
        return tuple(map(float, values))
    except ValueError:
        return None
