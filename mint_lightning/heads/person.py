"""A head on several photos of one person at once."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from mint_lightning.errors import UserError
from mint_lightning.heads.base import Request
from mint_lightning.heads.beside import with_beside
from mint_lightning.heads.invariants import TINY, disagreement, lengths, uncorrelated
from mint_lightning.heads.weighed import WeighedHead

PHOTOS: Final = 4
MOST_PHOTOS: Final = 32


class PersonHead(WeighedHead):
    """How alike a network finds several photos of one person, at every tap in every view, weighed by a small network.

    A network that learnt a person has drawn the person's photos together, on which it was trained; one photo of a
    stranger says much less (docs/heads.md). The figures do not depend on the order of the photos, nor on that of the
    channels: of the log of 1 - correlation between any two photos mean, spread, least and largest, at each tap in each
    view; of the photos' log lengths mean and spread; of their own disagreement between views the mean. With `new` the
    first photo is set against the others: its disagreement with each of them, and theirs with one another.

    Args:
        shapes: shape of one sample at each tap, (C,) each.
        photos: of a set, at least 2 (with `new` at least 3).
        views: label-free variants that are read beside each photo; each costs a forward.
        new: whether the first photo is a new one, and the question whether it was among the person's photos.
        widths: hidden layers; none is a logistic regression.
        dropout: rate after each hidden layer.
    """

    def __init__(
        self,
        shapes: Sequence[Sequence[int]],
        photos: int = PHOTOS,
        views: Sequence[str] = (),
        new: bool = False,
        widths: Sequence[int] = (),
        dropout: float = 0.0,
    ) -> None:
        nn.Module.__init__(self)
        self.shapes = tuple(tuple(int(n) for n in shape) for shape in shapes)
        if not self.shapes or any(len(shape) != 1 for shape in self.shapes):
            raise UserError('A person head reads vectors at one tap or more, not maps: write a tap as "NAME".')
        least = 3 if new else 2
        if not least <= photos <= MOST_PHOTOS:
            raise UserError(f"photos is {photos}; a person head reads {least} to {MOST_PHOTOS} of one person.")
        if "original" in views or len(set(views)) < len(views):
            raise UserError(f"views of a person head are {list(views)}: name each variant once, the original apart.")
        self.photos, self.views, self.new = photos, tuple(views), new
        count = self.figures([torch.zeros(1, *shape) for shape in self.input_shapes]).shape[1]
        self._weigh(count, widths, dropout)

    @classmethod
    def reads(cls, taps: Sequence[str], arguments: Mapping[str, Any]) -> list[Request]:
        """Photo by photo, every view of it, every tap."""
        views = ("original", *arguments.get("views", ()))
        return with_beside([(view, tap) for view in views for tap in taps], int(arguments.get("photos", PHOTOS)))

    @property
    def input_shapes(self) -> list[tuple[int, ...]]:
        """Of one sample of all that `reads` names, in its order."""
        return list(self.shapes) * (self.photos * (1 + len(self.views)))

    def figures(self, inputs: Sequence[Tensor]) -> Tensor:
        """(B, F) of AAD in the order of `reads`, (B, C) each."""
        taps, views = len(self.shapes), 1 + len(self.views)
        parts = []
        for tap in range(taps):
            by_view = [inputs[view * taps + tap :: views * taps] for view in range(views)]  # the photos of each
            for photos in by_view:
                parts += self._alike(photos)
            length = lengths(by_view[0])
            parts += [length.mean(1, keepdim=True), length.std(1, correction=0, keepdim=True)]
            if views > 1:
                parts.append(torch.stack([disagreement(own) for own in zip(*by_view, strict=True)]).mean(0))
        return torch.cat(parts, dim=1)

    def _alike(self, photos: Sequence[Tensor]) -> list[Tensor]:
        if not self.new:
            return [summary(disagreement(photos))]
        first = [uncorrelated(photos[0], other).add(TINY).log() for other in photos[1:]]
        return [summary(torch.stack(first, dim=1)), summary(disagreement(photos[1:]))]


def summary(values: Tensor) -> Tensor:
    """(B, 4) of (B, n): mean, spread, least and largest, whatever their order."""
    spread = values.std(1, correction=0)
    return torch.stack([values.mean(1), spread, values.amin(1), values.amax(1)], dim=1)
