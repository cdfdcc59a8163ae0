"""A face that was found in a photo, and what finds faces."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Face:
    """A found face, in pixels of its photo.

    box (4,) float64: x0, y0, x1, y1; score in [0, 1]: how sure the detector is; points (5, 2) float64, x and y of the
    left eye, right eye, nose tip, left and right corner of the mouth, left and right as one sees them in the photo.
    """

    box: NDArray[np.float64]
    score: float
    points: NDArray[np.float64]

    @property
    def area(self) -> float:
        """Of the box, in square pixels."""
        return float(max(self.box[2] - self.box[0], 0.0) * max(self.box[3] - self.box[1], 0.0))

    def moved(self, across: float, down: float) -> "Face":
        """The same face in a photo whose corner lies elsewhere."""
        by = np.array([across, down], np.float64)
        return Face(self.box + np.tile(by, 2), self.score, self.points + by)


class Detector(Protocol):
    """What finds faces. name and fingerprint (sha256 of its file) say which one, for whoever must repeat it."""

    fingerprint: str
    least_score: float

    @property
    def name(self) -> str: ...

    def detect(self, photos: Sequence[Pixels]) -> Sequence[list[Face]]:
        """Faces of each photo, uint8 (H, W, 3) RGB, the largest first; the same however photos come together."""
        ...


def largest_first(faces: Sequence[Face]) -> list[Face]:
    """By area; equals stay in their order."""
    return sorted(faces, key=lambda face: -face.area)


def central_first(faces: Sequence[Face], shape: tuple[int, int]) -> list[Face]:
    """By area less twice the squared distance from the middle of a photo of height and width `shape`: of LFW's photos,
    say, whom a photo is of stands in the middle. (InsightFace's alignment of its evaluation sets weighs them so.)
    """
    middle = np.array(shape[::-1]) / 2

    def worth(face: Face) -> float:
        centre = (face.box[:2] + face.box[2:]) / 2
        return face.area - 2.0 * float(((centre - middle) ** 2).sum())

    return sorted(faces, key=lambda face: -worth(face))


def apart(faces: Sequence[Face], most: float) -> list[Face]:
    """Of faces whose boxes overlap by more than `most` (intersection over union) only the surest."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda each: -each.score):
        if all(overlap(face, other) <= most for other in kept):
            kept.append(face)
    return kept


def overlap(one: Face, other: Face) -> float:
    """Intersection over union of two boxes."""
    low, high = np.maximum(one.box[:2], other.box[:2]), np.minimum(one.box[2:], other.box[2:])
    both = float(np.prod(np.maximum(high - low, 0.0)))
    total = one.area + other.area - both
    return both / total if total > 0.0 else 0.0
