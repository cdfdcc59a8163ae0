"""Several heads of one form as one: the mean of their logits."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mint_lightning.errors import UserError
from mint_lightning.heads.base import Head, HeadOutput, Masks
from mint_lightning.heads.by_class import ByClassHead
from mint_lightning.heads.cnn import CNNHead
from mint_lightning.heads.invariant import InvariantHead
from mint_lightning.heads.person import PersonHead
from mint_lightning.heads.vanilla import VanillaHead

HEADS: dict[str, type[Head]] = {
    "vanilla": VanillaHead,
    "cnn": CNNHead,
    "by_class": ByClassHead,
    "invariant": InvariantHead,
    "person": PersonHead,
}


class MeanHead(Head):
    """Heads that differ by their seed alone, as one head: where a head starts is luck, and the mean has less of it.

    They are trained each for itself; this one is only read.
    """

    def __init__(self, heads: Sequence[Head]) -> None:
        nn.Module.__init__(self)  # no standardisation of its own: each head has its own
        if not heads:
            raise UserError("A mean needs at least one head.")
        self.shapes = heads[0].shapes
        self.heads = nn.ModuleList(heads)

    def forward(self, inputs: Sequence[Tensor], draw: Masks | None = None) -> HeadOutput:
        """AAD of each tap to the mean logit (B,); the penalty is 0."""
        logits = torch.stack([head(inputs, draw).logit for head in self.heads])
        return HeadOutput(logits.mean(0), logits.new_zeros(()))


def build_head(
    kind: str, shapes: Sequence[Sequence[int]], taps: Sequence[str], arguments: dict[str, Any], count: int = 1
) -> Head:
    """An untrained head of a kind that `HEADS` names, or the mean of `count` such heads."""
    heads = [HEADS[kind].of(shapes, taps, arguments) for _ in range(count)]
    return heads[0] if count == 1 else MeanHead(heads)
