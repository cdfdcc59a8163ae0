"""AAD -> logit: the auditing heads, plain torch."""

from mint_lightning.heads.base import Draw, Head, HeadOutput, SeededDropout, Standardise
from mint_lightning.heads.cnn import CNNHead
from mint_lightning.heads.vanilla import L1Reading, VanillaHead

HEADS: dict[str, type[Head]] = {"vanilla": VanillaHead, "cnn": CNNHead}

__all__ = [
    "HEADS", "CNNHead", "Draw", "Head", "HeadOutput", "L1Reading", "SeededDropout", "Standardise", "VanillaHead",
]  # fmt: skip
