"""Photos as people have them to faces of one size: detect, align, one border for all."""

from mint_lightning.shards.align.centerface import CenterFace
from mint_lightning.shards.align.cut import Alignment, FaceCut, detector_named
from mint_lightning.shards.align.face import Detector, Face
from mint_lightning.shards.align.scrfd import SCRFD
from mint_lightning.shards.align.similarity import BORDER, TEMPLATE, align, similarity

__all__ = [
    "BORDER",
    "SCRFD",
    "TEMPLATE",
    "Alignment",
    "CenterFace",
    "Detector",
    "Face",
    "FaceCut",
    "align",
    "detector_named",
    "similarity",
]
