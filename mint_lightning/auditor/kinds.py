"""The scores that need no fitting, in one place: what each reads of a network, and what it makes of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mint_lightning.audited.batchnorm import BATCHNORM
from mint_lightning.errors import UserError
from mint_lightning.evidence import label_scores
from mint_lightning.evidence.scores import agreement, embedding_norm, similarity

Floats = NDArray[np.float64]
Compute = Callable[[Sequence[Floats], NDArray[np.int64] | None], Floats]
"""Arrays of AAD (B, D), in the order of the requests, and labels (B,) if there are any, to scores (B,)."""


@dataclass(frozen=True)
class ScoreKind:
    """One kind of score: title; compute; tap it reads in place of the outcome; whether in a second view too; whether
    what it reads must be class logits, whether it needs the photos' classes, and whether it is of several photos."""

    title: str
    compute: Compute
    tap: str | None = None
    two_views: bool = False
    logits: bool = False
    labels: bool = False
    sets: bool = False

    def requests(self, outcome: str, view: str) -> list[tuple[str, str]]:
        """(view, tap) that it reads; `outcome` is the network's last tap."""
        tap = self.tap or outcome
        return [("original", tap), (view, tap)] if self.two_views else [("original", tap)]


def _labelled(score: Callable[[Any, Any], Floats]) -> Compute:
    def compute(arrays: Sequence[Floats], labels: NDArray[np.int64] | None) -> Floats:
        if labels is None:
            raise UserError("This score needs the classes of the photos, which are not known here.")
        return score(arrays[0], labels)

    return compute


KINDS: Final[dict[str, ScoreKind]] = {
    "norm": ScoreKind("Embedding norm", lambda arrays, _: embedding_norm(arrays[0])),
    "agreement": ScoreKind("Flip agreement", lambda arrays, _: agreement(arrays[0], arrays[1]), two_views=True),
    "similarity": ScoreKind("Similarity", lambda arrays, _: similarity(arrays), sets=True),
    "batchnorm": ScoreKind("BatchNorm distance", lambda arrays, _: -arrays[0].mean(axis=1), tap=BATCHNORM),
    "loss": ScoreKind("Loss", _labelled(label_scores.loss_score), logits=True, labels=True),
    "confidence": ScoreKind("Confidence", lambda arrays, _: label_scores.confidence(arrays[0]), logits=True),
    "entropy": ScoreKind("Entropy", lambda arrays, _: label_scores.negative_entropy(arrays[0]), logits=True),
    "modified_entropy": ScoreKind(
        "Modified entropy", _labelled(label_scores.negative_modified_entropy), logits=True, labels=True
    ),
    "margin": ScoreKind("Margin", _labelled(label_scores.margin), logits=True, labels=True),
}


def title(kind: str, view: str = "flip") -> str:
    """What a table calls it."""
    return f"{view.capitalize()} agreement" if kind == "agreement" else KINDS[kind].title
