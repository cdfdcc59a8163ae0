"""Synthetic aligned faces with known identities: planted truth for the demonstration and the tests."""

from mint_lightning.shards.synthetic.faces import draw, draw_photo
from mint_lightning.shards.synthetic.parameters import DIFFICULTIES, Conditions, Identity, parse_difficulty
from mint_lightning.shards.synthetic.source import SyntheticSource

__all__ = [
    "DIFFICULTIES",
    "Conditions",
    "Identity",
    "SyntheticSource",
    "draw",
    "draw_photo",
    "parse_difficulty",
]
