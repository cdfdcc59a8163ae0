"""AAD -> logit: the auditing heads, plain torch."""

from mint_lightning.heads.base import (
    Draw,
    Drawn,
    Head,
    HeadOutput,
    Masks,
    Request,
    SeededDropout,
    Standardise,
    requests_of,
)
from mint_lightning.heads.beside import beside, of_one, view_and_step, with_beside
from mint_lightning.heads.by_class import ByClassHead
from mint_lightning.heads.cnn import CNNHead
from mint_lightning.heads.invariant import DEFAULT_VIEWS, FIGURES, InvariantHead
from mint_lightning.heads.mean import HEADS, MeanHead, build_head
from mint_lightning.heads.person import MOST_PHOTOS, PHOTOS, PersonHead
from mint_lightning.heads.vanilla import L1Reading, VanillaHead

__all__ = [
    "DEFAULT_VIEWS", "FIGURES", "HEADS", "MOST_PHOTOS", "PHOTOS", "ByClassHead", "CNNHead", "Draw", "Drawn", "Head",
    "HeadOutput", "InvariantHead", "L1Reading", "Masks", "MeanHead", "PersonHead", "Request", "SeededDropout",
    "Standardise", "VanillaHead", "beside", "build_head", "of_one", "requests_of", "view_and_step", "with_beside",
]  # fmt: skip
