"""CosFace and ArcFace: classification of faces on the sphere, with a margin.

Both take the cosine between a normalised embedding and a normalised centre of each person as logits, and ask the
right person's cosine to win by a margin: CosFace (Wang et al., 1801.09414) lowers the cosine itself, ArcFace (Deng et
al., 1801.07698) widens the angle. The loss is cross-entropy of the logits times a scale.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mint_lightning.errors import UserError


def cosface_logits(cosine: Tensor, label: Tensor, *, scale: float, margin: float) -> Tensor:
    """scale * (cosine - margin at the label): (B, classes) in, (B, classes) out; `label` int64 (B,)."""
    return scale * (cosine - margin * F.one_hot(label, cosine.shape[1]).to(cosine.dtype))


def arcface_logits(cosine: Tensor, label: Tensor, *, scale: float, margin: float) -> Tensor:
    """scale * cosine, at the label scale * cos(angle + margin): (B, classes) in and out; `label` int64 (B,).

    Where angle plus margin pass pi, the cosine would rise again: there the label's logit goes on as scale * (cosine -
    margin * sin(margin)), as in InsightFace without "easy margin", so that it never rises with the angle.
    """
    right = cosine.gather(1, label[:, None]).clamp(-1.0, 1.0)
    # The root's slope is infinite at an angle of 0: stay a rounding error away from it.
    sine = (1.0 - right.square()).clamp_min(1e-9).sqrt()
    widened = right * math.cos(margin) - sine * math.sin(margin)
    widened = torch.where(right > math.cos(math.pi - margin), widened, right - margin * math.sin(margin))
    return scale * cosine.scatter(1, label[:, None], widened)


MarginLogits = Callable[..., Tensor]
MARGINS: Final[Mapping[str, MarginLogits]] = MappingProxyType({"cosface": cosface_logits, "arcface": arcface_logits})


class MarginHead(nn.Module):
    """Centres of all persons, and the loss of embeddings against them.

    Args:
        embedding: Length of the embedding.
        classes: Number of persons.
        loss: "cosface" or "arcface".
        scale: The papers' s, the radius of the sphere.
        margin: The papers' m: a difference of cosines for CosFace, an angle in radians for ArcFace.
    """

    def __init__(
        self, embedding: int, classes: int, *, loss: str = "cosface", scale: float = 32.0, margin: float = 0.2
    ):
        super().__init__()
        if loss not in MARGINS:
            raise UserError(f"loss={loss!r} is not known: give {' or '.join(MARGINS)}.")
        if not scale > 0:
            raise UserError(f"scale={scale} must be a positive number, such as 32.")
        if not 0 <= margin < math.pi / 2:
            raise UserError(f"margin={margin} must lie between 0 and 1.57, such as 0.2.")
        self.centres = nn.Parameter(torch.empty(classes, embedding))
        self.loss, self.scale, self.margin = loss, scale, margin
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.centres, 0.0, 0.01)

    def cosine(self, embedding: Tensor) -> Tensor:
        """Cosine of each embedding (B, D) with each centre: float32 (B, classes)."""
        return F.linear(F.normalize(embedding.float()), F.normalize(self.centres.float()))

    def forward(self, embedding: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy with the margin, a scalar, and the cosines (B, classes) it was taken from."""
        cosine = self.cosine(embedding)
        logits = MARGINS[self.loss](cosine, label, scale=self.scale, margin=self.margin)
        return F.cross_entropy(logits, label), cosine
