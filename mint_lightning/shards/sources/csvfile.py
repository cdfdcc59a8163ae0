"""Photos that a CSV file names, with who is on each and what else is known."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from mint_lightning.errors import UserError
from mint_lightning.shards.sources.lines import numbers, rows_of
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.pieces import Broken
from mint_lightning.shards.sources.tree import Entry, TreeSource

PLACES: Final = ("lefteye", "righteye", "nose", "leftmouth", "rightmouth")
_PHOTO: Final = "photo"
_WHO: Final = "identity"
_BOX: Final = ("x0", "y0", "x1", "y1")
_POINTS: Final = tuple(f"{name}_{side}" for name in PLACES for side in "xy")


def _is_box(box: tuple[float, ...] | None) -> bool:
    return box is not None and bool(np.isfinite(box).all()) and box[0] < box[2] and box[1] < box[3]


class CsvSource(TreeSource):
    """A photo for each line: column `photo` its path below the CSV's folder, `identity` who is on it.

    x0, y0, x1, y1, where there are such columns, are the face's box in pixels of the upright photo, and lefteye_x,
    lefteye_y, righteye_x ... rightmouth_y (CelebA's names) its five points, empty where none are known; every further
    column is an attribute. A photo may be named on several lines, for several faces. Nothing
    above the folder is read. A line whose file is not there is broken; files that no line names are skipped.

    Args:
        path: the .csv file, with a first line of names.
        name: name of the database; that of the CSV's folder by default.
    """

    kind = "csv"

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        self.file = Path(path).expanduser().absolute()
        if not self.file.is_file():
            raise UserError(f"There is no CSV file at {self.file}.")
        super().__init__(self.file.parent, name)

    def found(self, photos: Sequence[Entry], others: Sequence[Entry]) -> tuple[Sequence[Photo], Collection[str]]:
        """A photo for each line."""
        places = {entry.path: entry for entry in photos}
        table = next(entry for entry in others if entry.path == self.file.name)
        used = {table.path}
        found: list[Photo] = []
        times: dict[tuple[str, str], int] = {}
        for line, row in rows_of(table, (_PHOTO, _WHO)):
            path, who = row[_PHOTO].removeprefix("./"), row[_WHO]
            if not path or not who:
                raise UserError(f"Line {line} of {self.file} must have a photo and an identity.")
            time = times[path, who] = times.get((path, who), 0) + 1
            origin = path if time == 1 else f"{path}#{time}"
            box, points = (numbers([row.get(side, "") for side in sides]) for sides in (_BOX, _POINTS))
            known = {
                name: value for name, value in row.items() if value and name not in (_PHOTO, _WHO, *_BOX, *_POINTS)
            }
            if path not in places:
                found.append(Photo(self.name, who, f"line {line}", Broken("there is no such photo below the CSV file")))
                continue
            used.add(path)
            reader = places[path].reader
            if any(row.get(side) for side in _BOX) and not _is_box(box):
                reader, box = Broken(f"line {line} has a box that is none"), None
            if any(row.get(side) for side in _POINTS) and (points is None or not np.isfinite(points).all()):
                reader, points = Broken(f"line {line} has not all five points"), None
            five = None if points is None else tuple(zip(points[::2], points[1::2], strict=True))
            found.append(Photo(self.name, who, origin, reader, box, five, known or None))  # type: ignore[arg-type]
        return found, used
