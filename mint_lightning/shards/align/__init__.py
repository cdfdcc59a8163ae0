"""Photos as people have them to faces of one size: detect, align, one border for all."""

from mint_lightning.shards.align.centerface import CenterFace
from mint_lightning.shards.align.cut import Asked, CutFace, FaceCut, cut_of, detector_named
from mint_lightning.shards.align.face import Detector, Face
from mint_lightning.shards.align.scrfd import SCRFD
from mint_lightning.shards.align.settings import CutSettings, Which
from mint_lightning.shards.align.sight import FaceSight
from mint_lightning.shards.align.similarity import BORDER, BORDERS, TEMPLATE, align, similarity

__all__ = [
    "BORDER",
    "BORDERS",
    "SCRFD",
    "TEMPLATE",
    "Asked",
    "CenterFace",
    "CutFace",
    "CutSettings",
    "Detector",
    "Face",
    "FaceCut",
    "FaceSight",
    "Which",
    "align",
    "cut_of",
    "detector_named",
    "similarity",
]
