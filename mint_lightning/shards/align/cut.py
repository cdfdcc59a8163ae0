"""The one way from a photo as people have it to faces as networks take them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike

from mint_lightning.errors import UserError
from mint_lightning.shards.align.centerface import CenterFace
from mint_lightning.shards.align.face import Detector, Face, Pixels, central_first, largest_first, overlap
from mint_lightning.shards.align.scrfd import SCRFD
from mint_lightning.shards.align.settings import CutSettings
from mint_lightning.shards.align.similarity import BORDERS, TEMPLATE, TEMPLATE_SIZE, align
from mint_lightning.shards.image import BrokenImage, decode

How = Literal["detected", "given points", "template points"]
ROOM = 0.5
"""Of a given box's sides, looked at on each side of it: boxes of databases cut faces at different places."""
SAME_FACE = 0.2
"""Intersection over union with a given box above which a found face is the one that the box is of."""


@dataclass(frozen=True, eq=False)
class CutFace:
    """A face brought to its size: uint8 (size, size, 3) RGB, how sure the detector was (NaN: none ran), and how its
    points were known."""

    pixels: Pixels
    score: float
    how: How


@dataclass(frozen=True, eq=False)
class Asked:
    """A photo, uint8 (H, W, 3) RGB; box: (4,) x0, y0, x1, y1 of the one face that is wanted; points: (5, 2) of it,
    which are then taken as they are."""

    photo: Pixels
    box: ArrayLike | None = None
    points: ArrayLike | None = None


class FaceCut:
    """Finds the faces of a photo and brings each to one size. The detector is loaded when it is first needed.

    Args:
        settings: how.
        detector: what finds faces, in place of the one that the settings name.
    """

    def __init__(self, settings: CutSettings, detector: Detector | None = None) -> None:
        self.settings = settings
        if detector is not None:
            self.detector = detector

    @cached_property
    def detector(self) -> Detector:
        """What finds faces."""
        return detector_named(self.settings.detector, least_score=self.settings.least_score)

    def __call__(self, content: bytes) -> list[tuple[Pixels, float]]:
        """(uint8 (size, size, 3) RGB, the detector's score) of each face in an encoded photo; see `faces`."""
        return [(face.pixels, face.score) for face in self.faces(np.asarray(decode(content)))]

    def faces(self, photo: Pixels, box: ArrayLike | None = None, points: ArrayLike | None = None) -> list[CutFace]:
        """The faces of a photo; see `of_many`.

        Raises:
            BrokenImage: none of the faces that were found can be used, or none lies in the box.
        """
        (found,) = self.of_many([Asked(photo, box, points)])
        if isinstance(found, BrokenImage):
            raise found
        return found

    def of_many(self, asked: Sequence[Asked]) -> list[list[CutFace] | BrokenImage]:
        """Of each photo its faces: the large and central one, or all, the largest first; or why there is none.

        A photo without a face gives an empty list; a face whose points cannot be right is passed over.
        """
        results: list[list[CutFace] | BrokenImage] = [[] for _ in asked]
        views: dict[int, tuple[Pixels, tuple[int, int]]] = {}
        for place, each in enumerate(asked):
            try:
                if each.points is not None:
                    pixels = self._align(each.photo, each.points)
                    results[place] = [CutFace(pixels, float("nan"), "given points")]
                else:
                    views[place] = self._view(each)
            except BrokenImage as error:
                results[place] = error
        detected = self.detector.detect([pixels for pixels, _ in views.values()]) if views else []
        for (place, (_, shift)), found in zip(views.items(), detected, strict=True):
            try:
                results[place] = self._cut(asked[place], [face.moved(*shift) for face in found])
            except BrokenImage as error:
                results[place] = error
        return results

    def _cut(self, asked: Asked, found: list[Face]) -> list[CutFace]:
        photo = asked.photo
        if asked.box is not None:
            return self._usable(photo, [_in_box(found, np.asarray(asked.box, np.float64))])
        if not found and self.settings.realign:
            return [CutFace(self._align(photo, _template_points(photo)), float("nan"), "template points")]
        if self.settings.faces == "all":
            return self._usable(photo, largest_first(found))
        return self._usable(photo, central_first(found, (photo.shape[0], photo.shape[1])))

    def _usable(self, photo: Pixels, found: Sequence[Face]) -> list[CutFace]:
        cut: list[CutFace] = []
        why: BrokenImage | None = None
        for face in found:
            try:
                cut.append(CutFace(self._align(photo, face.points), face.score, "detected"))
            except BrokenImage as error:
                why = error
                continue
            if self.settings.faces == "largest":
                break
        if not cut and why is not None:
            raise why
        return cut

    def _view(self, asked: Asked) -> tuple[Pixels, tuple[int, int]]:
        """What the detector looks at, the photo with room around or the box with room, and where its corner lies."""
        photo = asked.photo
        if asked.box is None:
            pad = round(self.settings.padding * max(photo.shape[:2]))
            if pad:
                photo = cv2.copyMakeBorder(photo, pad, pad, pad, pad, BORDERS[self.settings.border])
            return photo, (-pad, -pad)
        box = np.asarray(asked.box, np.float64)
        if box.shape != (4,) or not np.isfinite(box).all() or not (box[2:] > box[:2]).all():
            raise BrokenImage(f"its box {box.tolist()} is none: x0, y0, x1, y1 are needed")
        room = ROOM * (box[2:] - box[:2])
        low = np.maximum(box[:2] - room, 0).astype(int)
        high = np.minimum(box[2:] + room, photo.shape[1::-1]).astype(int)
        if not (high - low > 1).all():
            raise BrokenImage(f"its box {box.tolist()} lies outside the photo, {photo.shape[1]} x {photo.shape[0]}")
        return np.ascontiguousarray(photo[low[1] : high[1], low[0] : high[0]]), (int(low[0]), int(low[1]))

    def _align(self, photo: Pixels, points: ArrayLike) -> Pixels:
        settings = self.settings
        return align(photo, points, settings.size, border=settings.border, least_face=settings.least_face)


@lru_cache(maxsize=4)
def cut_of(settings: CutSettings) -> FaceCut:
    """The cut with these settings, one for each process: a detector is loaded once, and cannot be sent to others."""
    return FaceCut(settings)


def detector_named(name: str, *, least_score: float = 0.5) -> Detector:
    """ "centerface" or the path of an SCRFD's .onnx; `UserError` for anything else."""
    if name == CenterFace.name:
        return CenterFace(least_score=least_score)
    if name.lower().endswith(".onnx"):
        return SCRFD(Path(name), least_score=least_score)
    raise UserError(f"There is no detector {name!r}: take centerface, or the file of an SCRFD network (.onnx).")


def _in_box(found: Sequence[Face], box: np.ndarray) -> Face:
    wanted = Face(box, 1.0, TEMPLATE)
    best = max(found, key=lambda face: overlap(face, wanted), default=None)
    if best is None or overlap(best, wanted) < SAME_FACE:
        raise BrokenImage("no face was found in its box")
    return best


def _template_points(crop: Pixels) -> np.ndarray:
    """Where the five points lie in a crop that was aligned by the template: of 112x96, say, its middle columns."""
    scale = crop.shape[0] / TEMPLATE_SIZE
    return TEMPLATE * scale + np.array([(crop.shape[1] - crop.shape[0]) / 2, 0.0])
