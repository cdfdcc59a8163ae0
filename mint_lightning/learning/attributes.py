"""What else is known of each photo (its class, an attribute), from a CSV file, for figures by part."""

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from mint_lightning.errors import UserError
from mint_lightning.shards import KeyList

PHOTO, KEY = "photo", "key"
UNKNOWN = "not said"


def read_attributes(file: Path | str, keys: KeyList) -> dict[str, Mapping[str, str]]:
    """Attribute name -> image key -> value.

    Args:
        file: CSV with a header. A column `photo` (the photo's name in its source, as in keys.parquet's `origin`) or
            `key` (its name in the tars) says whose line it is; every other column is an attribute.
        keys: of the shard set. Photos that no line names, and empty values, have the value "not said".

    Raises:
        UserError: no such file, no column that names photos or none beside it, a photo named twice, a name of several
            photos, a line too short or too long, or none of the photos in the shard set.
    """
    path = Path(file)
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            header, *rows = list(csv.reader(lines)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"The attributes {path} cannot be read as a CSV file: {error}.") from error
    names = [name.strip() for name in header]
    by = next((name for name in (KEY, PHOTO) if name in names), None)
    attributes = [name for name in names if name and name != by]
    if by is None or not attributes or len(set(names)) < len(names):
        raise UserError(
            f"The attributes {path} need a header with a column {PHOTO!r} or {KEY!r} and one for each attribute, "
            f"all different; it has {', '.join(names) or 'none'}."
        )
    place, lines_of = names.index(by), {}
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        if len(row) != len(names):
            raise UserError(f"Line {number} of the attributes {path} has {len(row)} values; the header {len(names)}.")
        if row[place] in lines_of:
            raise UserError(f"Line {number} of the attributes {path} names {row[place]!r}, which stands above already.")
        lines_of[row[place]] = row
    own = [str(key) for key in keys.key[:]]
    called = own if by == KEY else [str(origin) for origin in keys.origin[:]]
    if lines_of and not any(name in lines_of for name in called):
        raise UserError(
            f"None of the photos that the attributes {path} name is in the shard set, whose {by}s look like "
            f"{called[0]!r}."
        )
    if shared := next((name for name, count in Counter(called).items() if count > 1 and name in lines_of), None):
        raise UserError(f"Several photos of the shard set are called {shared!r}: name photos in {path} by {KEY!r}.")
    columns = {name: names.index(name) for name in attributes}
    blank = [""] * len(names)
    return {
        name: {key: lines_of.get(line, blank)[at].strip() or UNKNOWN for key, line in zip(own, called, strict=True)}
        for name, at in columns.items()
    }
