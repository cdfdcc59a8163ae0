"""FDDB (Jain and Learned-Miller, 2010): photos with an ellipse around each face."""

import math
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from mint_lightning.errors import UserError
from mint_lightning.shards.sources.lines import numbers, text_of
from mint_lightning.shards.sources.names import inside
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.pieces import Broken
from mint_lightning.shards.sources.tree import Entry, TreeSource

_LIST: Final = re.compile(r"FDDB-fold-\d+-ellipseList\.txt", re.IGNORECASE)


class FddbSource(TreeSource):
    """A photo for each face of FDDB-fold-NN-ellipseList.txt, its box that of the ellipse. See `TreeSource`.

    Images, 2002/08/11/big/img_591.jpg, lie in any folder of `path`. Nobody is named: an identity is a photo with all
    faces on it, so that they stay in one split. Boxes are used where faces are detected: pack with a detector.

    Raises:
        UserError: on listing, if there are no such lists, or one cannot be read.
    """

    kind = "fddb"

    def found(self, photos: Sequence[Entry], others: Sequence[Entry]) -> tuple[Sequence[Photo], Collection[str]]:
        """A photo for each ellipse."""
        lists = [entry for entry in others if _LIST.fullmatch(entry.file)]
        if not lists:
            raise UserError(f"{self.path} has no FDDB-fold-01-ellipseList.txt: put the folds beside the images.")
        places = {_place(entry.path): entry for entry in photos}
        used = {entry.path for entry in lists}
        found: list[Photo] = []
        for each in lists:
            for image, number, box in _faces(each):
                entry = places.get(_place(f"{image}.jpg"))
                reader = Broken("its image is not there") if entry is None else entry.reader
                if entry is not None:
                    used.add(entry.path)
                found.append(Photo(self.name, image, f"{inside(image)[0]}#{number}", reader, box))
        return found, used


def ellipse_box(major: float, minor: float, angle: float, x: float, y: float) -> tuple[float, float, float, float]:
    """x0, y0, x1, y1 of the box around an ellipse: its radii, the major one's angle in radians, its centre."""
    wide = math.hypot(major * math.cos(angle), minor * math.sin(angle))
    high = math.hypot(major * math.sin(angle), minor * math.cos(angle))
    return x - wide, y - high, x + wide, y + high


def _faces(entry: Entry) -> Iterator[tuple[str, int, tuple[float, float, float, float]]]:
    """Image, number and box of each face."""
    lines = iter(enumerate(text_of(entry).splitlines(), start=1))
    for line, image in lines:
        if not image.strip():
            continue
        number, count = next(lines, (line, ""))
        if not count.strip().isdecimal() or len(count.strip()) > 6:
            raise UserError(f"Line {number} of {entry.path} must be the number of faces in {image.strip()}.")
        for face in range(1, int(count) + 1):
            number, text = next(lines, (number, ""))
            values = numbers(text.split())
            if values is None or len(values) < 5 or not all(map(math.isfinite, values)):
                raise UserError(f"Line {number} of {entry.path} must be an ellipse: two radii, an angle, a centre.")
            yield image.strip(), face, ellipse_box(*values[:5])


def _place(path: str) -> str:
    return "/".join(path.split("/")[-5:])
