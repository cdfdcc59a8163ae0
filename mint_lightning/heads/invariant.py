"""A head on what does not depend on the order of channels: lengths, spreads, agreement between views."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import torch
from torch import Tensor, nn

from mint_lightning.errors import UserError
from mint_lightning.heads.base import BATCHNORM, CLASS, HeadOutput, Masks, Request, requests_of
from mint_lightning.heads.invariants import (
    class_figures,
    disagreement,
    lengths,
    log_distances,
    shape_figures,
    sorted_magnitudes,
)
from mint_lightning.heads.vanilla import VanillaHead
from mint_lightning.heads.weighed import WeighedHead

DEFAULT_VIEWS: Final = ("flip", "blur", "shift", "crop", "jitter")
FIGURES: Final = ("length", "agreement", "shape", "magnitudes")


class InvariantHead(WeighedHead):
    """Figures of each photo at every tap, on it and on label-free views of it, weighed by a small network.

    Each figure is the same whatever the order of the channels (see `invariants`): log lengths of all views and log
    disagreement of each pair of them (agreement under augmentation: EncoderMI, Liu et al., CCS 2021), how the channels
    share the length; at the last tap the sorted magnitudes; of the tap "batchnorm" the distance of the photo from each
    layer's statistics (Huang et al., arXiv 2401.13719); with the tap "class" the odds of the photo's own class in each
    view. They are standardised by the first fit images, so a head can be carried to another network of the same form.

    Args:
        shapes: shape of one sample at each tap, (C,) each.
        taps: their names, for "batchnorm" and "class", which are read of the photo as it is alone.
        views: label-free variants that are read beside the photo; each costs a forward.
        figures: which are read of the taps, of "length", "agreement", "shape" and "magnitudes".
        widths: hidden layers; none is a logistic regression.
        dropout: rate after each hidden layer.
        published: whether Vanilla MINT (arXiv 2402.09225) on the same taps has its say too: logits are added.
    """

    def __init__(
        self,
        shapes: Sequence[Sequence[int]],
        taps: Sequence[str] = (),
        views: Sequence[str] = DEFAULT_VIEWS,
        figures: Sequence[str] = FIGURES,
        widths: Sequence[int] = (),
        dropout: float = 0.0,
        published: bool = False,
    ) -> None:
        nn.Module.__init__(self)
        self.shapes = tuple(tuple(int(n) for n in shape) for shape in shapes)
        self.taps = tuple(taps) or tuple(f"tap {place + 1}" for place in range(len(self.shapes)))
        self.views = _checked(views)
        if flat := [tap for tap, shape in zip(self.taps, self.shapes, strict=True) if len(shape) != 1]:
            raise UserError(f'An invariant head reads vectors, not maps: write the tap as "{flat[0].split(":")[0]}".')
        sizes = {tap: shape[0] for tap, shape in zip(self.taps, self.shapes, strict=True)}
        self.viewed = [tap for tap in self.taps if tap not in (BATCHNORM, CLASS)]
        if not self.viewed:
            raise UserError("An invariant head needs a tap of the network beside batchnorm and class.")
        if unknown := [name for name in figures if name not in FIGURES]:
            raise UserError(f"There are no figures {unknown[0]!r}; known are {', '.join(FIGURES)}.")
        self.kinds = frozenset(figures)
        if CLASS in sizes and sizes[self.viewed[-1]] != sizes[CLASS]:
            raise UserError(
                f"With the tap class the last other tap must be the class logits: {self.viewed[-1]} has "
                f"{sizes[self.viewed[-1]]} values and there are {sizes[CLASS]} classes."
            )
        count = self.figures([torch.zeros(1, *shape) for shape in self.input_shapes]).shape[1]
        if not count:
            raise UserError("An invariant head needs figures: it was given none, or agreement alone and no views.")
        self._weigh(count, widths, dropout)
        self.published: VanillaHead | None = None
        if published:
            self.published = VanillaHead([(sizes[tap],) for tap in self.viewed])

    @classmethod
    def reads(cls, taps: Sequence[str], arguments: Mapping[str, Any]) -> list[Request]:
        """Every tap of the photo as it is, then of each view those that depend on it."""
        return requests_of(["original", *_checked(arguments.get("views", DEFAULT_VIEWS))], taps)

    @classmethod
    def of(cls, shapes: Sequence[Sequence[int]], taps: Sequence[str], arguments: Mapping[str, Any]) -> Self:
        """A head that knows its taps by name."""
        return cls(shapes, taps, **arguments)

    @property
    def input_shapes(self) -> list[tuple[int, ...]]:
        """Of one sample of all that `reads` names, in its order."""
        shapes = dict(zip(self.taps, self.shapes, strict=True))
        return [shapes[tap] for _, tap in self.reads(self.taps, {"views": self.views})]

    def figures(self, inputs: Sequence[Tensor]) -> Tensor:
        """(B, F) of AAD in the order of `reads`, (B, C) each."""
        given = dict(zip(self.reads(self.taps, {"views": self.views}), inputs, strict=True))
        parts = [inputs[0].new_zeros(len(inputs[0]), 0)]
        for tap in self.viewed:
            views = [given[view, tap] for view in ("original", *self.views)]
            made = {"length": lengths, "agreement": disagreement, "shape": lambda own: shape_figures(own[0])}
            parts += [of(views) for kind, of in made.items() if kind in self.kinds]
        last = [given[view, self.viewed[-1]] for view in ("original", *self.views)]
        if "magnitudes" in self.kinds:
            parts.append(sorted_magnitudes(last[0]))
        if BATCHNORM in self.taps:
            parts.append(log_distances(given["original", BATCHNORM]))
        if CLASS in self.taps:
            parts.append(class_figures(last, given["original", CLASS]))
        return torch.cat(parts, dim=1)

    @torch.no_grad()
    def fit_standardisation(self, inputs: Sequence[Tensor]) -> None:
        """Of the figures, and of channels where Vanilla MINT has its say, by AAD of the first fit images."""
        super().fit_standardisation(inputs)
        if self.published is not None:
            self.published.fit_standardisation(self._channels(inputs))

    def forward(self, inputs: Sequence[Tensor], draw: Masks | None = None) -> HeadOutput:
        """AAD in the order of `reads`, (B, C) each, to logits (B,) and penalty."""
        own = super().forward(inputs, draw)
        if self.published is None:
            return own
        other = self.published(self._channels(inputs), draw)
        return HeadOutput(own.logit + other.logit, other.penalty)

    def _channels(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        return [aad for tap, aad in zip(self.taps, inputs, strict=False) if tap not in (BATCHNORM, CLASS)]


def _checked(views: Sequence[str]) -> tuple[str, ...]:
    named = tuple(views)
    if "original" in named or len(set(named)) < len(named):
        raise UserError(f"views of an invariant head are {list(named)}: name each variant once, the original apart.")
    return named
