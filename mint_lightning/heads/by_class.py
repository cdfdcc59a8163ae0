"""Class-specific auditing: a head for each class, or for each group of classes, as one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mint_lightning.errors import UserError
from mint_lightning.heads.base import Head, HeadOutput, Masks
from mint_lightning.heads.cnn import CNNHead
from mint_lightning.heads.vanilla import VanillaHead

OF: Mapping[str, type[Head]] = {"vanilla": VanillaHead, "cnn": CNNHead}


class ByClassHead(Head):
    """The class-specific auditors of arXiv 2601.12929 as one head: each photo goes through that of its class.

    Every head sees the photos of its own classes alone, with its own weights and its own standardisation; all learn
    from the batches that one head for all classes would learn from, so both are compared at equal samples, and what
    is kept is the epoch in which they are best together.

    Args:
        shapes: shape of one sample at each tap; the last is the tap "class", (classes,).
        of: what each head is, "vanilla" or "cnn".
        groups: number of the group of each class, such as those of superclasses: 0, 0, 1, 1, 2; None is a head for
            each class.
        arguments: of each head.
    """

    def __init__(
        self,
        shapes: Sequence[Sequence[int]],
        of: str = "vanilla",
        groups: Sequence[int] | None = None,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        nn.Module.__init__(self)  # no standardisation of its own: each head has its own
        self.shapes = tuple(tuple(int(n) for n in shape) for shape in shapes)
        if len(self.shapes) < 2 or len(self.shapes[-1]) != 1:
            raise UserError('Heads by class need a tap to read and, last, the tap "class": taps: [layer7, class].')
        if of not in OF:
            raise UserError(f"of is {of!r}; heads by class are {' or '.join(OF)}.")
        classes = self.shapes[-1][0]
        group = list(range(classes)) if groups is None else list(groups)
        if not all(type(number) is int for number in group):
            raise UserError(f"groups must be whole numbers, one for each class: {group}.")
        if len(group) != classes or sorted(set(group)) != list(range(max(group) + 1)):
            raise UserError(
                f"groups must give each of the {classes} classes a number from 0 on without a gap: {group}."
            )
        try:
            self.heads = nn.ModuleList(OF[of](self.shapes[:-1], **dict(arguments or {})) for _ in set(group))
        except TypeError as error:
            raise UserError(f"The {of} heads by class cannot be made of {dict(arguments or {})}: {error}.") from error
        self.register_buffer("group", torch.tensor(group), persistent=False)

    @torch.no_grad()
    def fit_standardisation(self, inputs: Sequence[Tensor]) -> None:
        """Each head by the photos of its classes; one that has none among the first keeps values as they are."""
        for head, rows in self._routed(inputs[-1]):
            if len(rows):
                head.fit_standardisation([aad[rows] for aad in inputs[:-1]])

    @property
    def standardise(self) -> list[nn.Module]:  # type: ignore[override]
        """Those of all heads."""
        return [module for head in self.heads for module in head.standardise]  # type: ignore[union-attr]

    def forward(self, inputs: Sequence[Tensor], draw: Masks | None = None) -> HeadOutput:
        """AAD of each tap, the class last (B, classes), to logits (B,) and the mean penalty by photo.

        A photo of no known class has the logit 0: nobody says anything of it.
        """
        own, photos = inputs[:-1], len(inputs[-1])
        first = next(self.heads.parameters())
        logit, penalty = first.new_zeros(photos), first.new_zeros(())
        for head, rows in self._routed(inputs[-1]):
            if len(rows):
                out = head([aad[rows] for aad in own], None if draw is None else _Part(draw, rows.cpu(), photos))
                logit = logit.index_put((rows,), out.logit)
                penalty = penalty + out.penalty * (len(rows) / photos)
        return HeadOutput(logit, penalty)

    def _routed(self, one_hot: Tensor) -> list[tuple[Head, Tensor]]:
        """Each head and the places of its photos."""
        known = one_hot.sum(1) > 0
        group = torch.where(known, self.group[one_hot.argmax(1)], -1)  # type: ignore[index]
        return [(head, (group == number).nonzero()[:, 0]) for number, head in enumerate(self.heads)]  # type: ignore[misc]


@dataclass(frozen=True)
class _Part:
    """The masks of some photos of a batch: those that they would have in the whole of it."""

    draw: Masks
    rows: Tensor
    photos: int

    def kept(self, layer: int, rate: float, shape: Sequence[int]) -> Tensor:
        return self.draw.kept(layer, rate, (self.photos, *shape[1:]))[self.rows]
