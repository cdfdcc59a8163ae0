"""Heads that weigh figures made of the activations, in place of the activations themselves."""

from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from mint_lightning.heads.base import Head, HeadOutput, Masks, SeededDropout, Standardise


class WeighedHead(Head):
    """Figures (B, F) of the AAD, standardised by the first fit images and weighed by a small network.

    A subclass makes the figures, calls `nn.Module.__init__` and sets `shapes` before `_weigh`.
    """

    @abstractmethod
    def figures(self, inputs: Sequence[Tensor]) -> Tensor:
        """(B, F) of AAD in the order of `reads`, (B, C) each."""

    def _weigh(self, count: int, widths: Sequence[int], dropout: float) -> None:
        """Make the layers for so many figures: hidden ones of `widths`, none being a logistic regression."""
        self.standardise = nn.ModuleList([Standardise(count)])
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise([count, *widths, 1]))
        self.dropouts = nn.ModuleList(SeededDropout(dropout, layer) for layer in range(len(widths)))

    @torch.no_grad()
    def fit_standardisation(self, inputs: Sequence[Tensor]) -> None:
        """Of the figures, by AAD of the first fit images."""
        own = self.standardise[0]
        assert isinstance(own, Standardise)
        own.fit(self.figures(inputs))

    def forward(self, inputs: Sequence[Tensor], draw: Masks | None = None) -> HeadOutput:
        """AAD in the order of `reads`, (B, C) each, to logits (B,)."""
        number = next(self.parameters()).dtype
        x = self.standardise[0](self.figures([each.to(number) for each in inputs]))
        for layer, dropout in zip(list(self.layers)[:-1], self.dropouts, strict=True):
            x = dropout(layer(x).relu(), draw)
        logit = self.layers[-1](x).squeeze(1)
        return HeadOutput(logit, logit.new_zeros(()))
