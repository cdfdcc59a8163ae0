"""The one way from a photo as people have it to faces as networks take them."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mint_lightning.errors import UserError
from mint_lightning.shards.align.centerface import CenterFace
from mint_lightning.shards.align.face import Detector, Pixels
from mint_lightning.shards.align.scrfd import SCRFD
from mint_lightning.shards.align.similarity import BORDER, TEMPLATE_SIZE, align
from mint_lightning.shards.image import BrokenImage, decode

TEMPLATE_NAME = "arcface five points"


@dataclass(frozen=True)
class Alignment:
    """How faces were cut: enough to do the same again, or to see that it was done otherwise."""

    detector: str
    fingerprint: str
    least_score: float
    template: str
    size: int
    border: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True)
class FaceCut:
    """Finds the faces of a photo and brings each to one size: the largest, or every one."""

    detector: Detector
    size: int = TEMPLATE_SIZE
    every: bool = False

    @classmethod
    def of(cls, detector: str, size: int = TEMPLATE_SIZE, *, every: bool = False) -> "FaceCut":
        """By the detector's name: "centerface", or the file of an SCRFD network."""
        return cls(detector_named(detector), size, every)

    @property
    def alignment(self) -> Alignment:
        """What it does, for the record."""
        found = self.detector
        return Alignment(found.name, found.fingerprint, found.least_score, TEMPLATE_NAME, self.size, BORDER)

    def __call__(self, content: bytes) -> list[tuple[Pixels, float]]:
        """(uint8 (size, size, 3) RGB, the detector's score) of each face in an encoded photo, the largest first.

        A photo without a face gives none; a face whose points cannot be right is passed over.

        Raises:
            BrokenImage: the photo cannot be decoded, or none of its faces can be used.
        """
        photo = np.asarray(decode(content))
        found: list[tuple[Pixels, float]] = []
        why: BrokenImage | None = None
        for face in self.detector.detect(photo):
            try:
                found.append((align(photo, face.points, self.size), face.score))
            except BrokenImage as error:
                why = error
                continue
            if not self.every:
                break
        if not found and why is not None:
            raise why
        return found


def detector_named(name: str) -> Detector:
    """ "centerface" or the path of an SCRFD's .onnx; `UserError` for anything else."""
    if name == CenterFace.name:
        return CenterFace()
    if name.lower().endswith(".onnx"):
        return SCRFD(Path(name))
    raise UserError(f"There is no detector {name!r}: take centerface, or the file of an SCRFD network (.onnx).")
