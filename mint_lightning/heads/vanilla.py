"""Vanilla MINT: a small fully connected network on channel maxima."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from mint_lightning.errors import UserError
from mint_lightning.heads.base import Draw, Head, HeadOutput, Masks, SeededDropout

L1Reading = Literal["activations_mean", "activations_sum", "weights_mean", "weights_sum"]


class VanillaHead(Head):
    """Vanilla MINT as published: maxima of the activation maps -> three fully connected layers (input size, 64, 1),
    dropout 0.3 and L1 0.1 between the layers (arXiv 2402.09225, 2503.08332).

    Args:
        shapes: shape of one sample at each tap, (C,) each; several taps are concatenated (the papers' "all conv").
        widths: hidden layers; None is the reading d -> d -> 64 -> 1, because "three layers (input size, 64, 1)" counts
            the layer of input size as one of the three. (64,) is the other reading, d -> 64 -> 1.
        dropout: rate after each hidden layer.
        l1: weight of the L1 term.
        l1_on: what the term sums. The papers say "between layers", so it is on the activations between them
            (keras' activity_regularizer). The sum over units drives every unit to zero at 0.1 before anything is
            learnt; the mean over units trains, so that is the default. docs/method.md shows the comparison.
    """

    def __init__(
        self,
        shapes: Sequence[Sequence[int]],
        widths: Sequence[int] | None = None,
        dropout: float = 0.3,
        l1: float = 0.1,
        l1_on: L1Reading = "activations_mean",
    ) -> None:
        super().__init__(shapes)
        if l1 < 0:
            raise UserError(f"l1 is {l1}; it must not be negative.")
        size = sum(shape[0] for shape in self.shapes)
        hidden = list(widths) if widths is not None else [size, 64]
        self.l1 = l1
        self.l1_on = l1_on
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip([size, *hidden], [*hidden, 1], strict=True))
        self.dropouts = nn.ModuleList(SeededDropout(dropout, layer) for layer in range(len(hidden)))

    def logits(self, inputs: Sequence[Tensor], draw: Masks | None) -> HeadOutput:
        """Standardised (B, C) of each tap -> logits (B,)."""
        x = torch.cat(list(inputs), dim=1)
        activations = []
        for layer, dropout in zip(list(self.layers)[:-1], self.dropouts, strict=True):
            x = layer(x).relu()
            activations.append(x)
            x = dropout(x, draw)
        return HeadOutput(self.layers[-1](x).squeeze(1), self._penalty(activations))

    def masks(self, draw: Draw) -> list[Tensor]:
        """The masks of one training step by layer, bool (B, width) each, for a whole batch of `draw.total`."""
        sizes = [layer.out_features for layer in self.layers if isinstance(layer, nn.Linear)]
        return [
            draw.kept(dropout.layer, dropout.rate, (draw.total, size))
            for dropout, size in zip(self.dropouts, sizes[:-1], strict=True)
            if isinstance(dropout, SeededDropout)
        ]

    def _penalty(self, activations: list[Tensor]) -> Tensor:
        on, how = self.l1_on.split("_")
        if on == "activations":  # mean over the batch, as keras divides its activity term by the batch size
            terms = [(h.abs().mean(0).mean() if how == "mean" else h.abs().mean(0).sum()) for h in activations]
        else:
            weights = [parameter for name, parameter in self.layers.named_parameters() if name.endswith("weight")]
            terms = [(w.abs().mean() if how == "mean" else w.abs().sum()) for w in weights]
        return self.l1 * torch.stack(terms).sum()
