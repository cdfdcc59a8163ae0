"""Scores of a classifier's logits beside those of reference networks (shadow models): how hard is this photo anyway?

A photo that every network finds easy has a low loss whether it was trained on or not. Networks that were trained alike
but without the photo say how hard it is. Each score is the larger the more like a training photo. All are the offline
forms, which ask only networks that did not see the photo; the papers' online forms need hundreds that did.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from mint_lightning.errors import UserError
from mint_lightning.evidence.label_scores import loss_score

Floats = NDArray[np.float64]
RMIA_A: Final = 0.3
RMIA_GAMMA: Final = 2.0


@dataclass(frozen=True)
class References:
    """Logits of R reference networks on n photos.

    logits: (R, n, C); saw: (R, n) bool, whether a network was trained on a photo.

    Raises:
        UserError: shapes do not fit, or every reference saw one of the photos.
    """

    logits: Floats
    saw: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.logits.ndim != 3 or self.logits.shape[:2] != self.saw.shape or not len(self.saw):
            raise UserError(f"References need logits (networks, photos, classes) and saw (networks, photos), not "
                            f"{self.logits.shape} and {self.saw.shape}.")  # fmt: skip
        if self.saw.all(axis=0).any():
            number = int(self.saw.all(axis=0).sum())
            raise UserError(
                f"Every reference was trained on {number} of {self.saw.shape[1]} photos, so none says how hard these "
                "are: add references that left them out, such as halves (train-audited --half)."
            )

    def mean_out(self, values: Floats) -> Floats:
        """(n,) mean of (R, n) `values` over the networks that did not see the photo."""
        out = ~self.saw
        return np.where(out, values, 0.0).sum(axis=0) / out.sum(axis=0)


def scaled_confidence(logits: ArrayLike, label: ArrayLike) -> Floats:
    """(n,) log(p_y / (1 - p_y)) of (n, C) logits at (n,) labels, which is about normal over networks (Carlini et al.,
    2112.03570, section VI A), from the logits themselves: p would round to 1."""
    values, own = np.asarray(logits, np.float64), np.asarray(label)
    right = np.take_along_axis(values, own[:, None], axis=1)[:, 0]
    others = values.copy()
    np.put_along_axis(others, own[:, None], -np.inf, axis=1)
    return right - logsumexp(others, axis=1)


def calibrated_loss(logits: ArrayLike, label: ArrayLike, references: References) -> Floats:
    """(n,) mean loss of the references that did not see the photo, less the network's (difficulty calibration: Watson
    et al., 2111.08440)."""
    own = np.array([loss_score(each, label) for each in references.logits])
    return loss_score(logits, label) - references.mean_out(own)


def lira(logits: ArrayLike, label: ArrayLike, references: References) -> Floats:
    """(n,) how far the scaled confidence lies above that of networks that did not see the photo, in standard deviations
    (LiRA, offline: Carlini et al., 2112.03570, section VI B, of which this is the monotone argument).

    With fewer than 64 references the paper takes one standard deviation for all photos: the spread of a photo's few
    values is mostly noise. So does this, from the photos that two or more left out; without any it is 1.
    """
    own = np.array([scaled_confidence(each, label) for each in references.logits])
    mean = references.mean_out(own)
    out = ~references.saw
    square = np.where(out, (own - mean) ** 2, 0.0).sum()
    freedom = int((out.sum(axis=0) - 1).sum())
    deviation = float(np.sqrt(square / freedom)) if freedom and square > 0 else 1.0
    return (scaled_confidence(logits, label) - mean) / deviation


def likelihood_ratio(logits: ArrayLike, label: ArrayLike, references: References, a: float = RMIA_A) -> Floats:
    """(n,) log of p(y | x, network) over p(y | x), the latter from networks that did not see the photo.

    p(y | x) = ((1 + a) p_out + (1 - a)) / 2: the mean over networks with and without the photo, of which the offline
    form knows only the latter (RMIA: Zarifzadeh et al., 2312.03262, appendix B.2.2; a = .3 for CIFAR-10 there).
    """
    out = references.mean_out(np.exp([loss_score(each, label) for each in references.logits]))
    return loss_score(logits, label) - np.log(((1 + a) * out + (1 - a)) / 2)


def rmia(ratio: ArrayLike, population: ArrayLike, gamma: float = RMIA_GAMMA) -> Floats:
    """(n,) share of photos z, none of which the network was trained on, that x dominates: ratio(x) / ratio(z) >= gamma.

    Args:
        ratio: (n,) `likelihood_ratio` of the photos.
        population: (m,) that of the photos z.
        gamma: 2 in the paper (2312.03262, section 3).

    Raises:
        UserError: the population is empty.
    """
    known = np.sort(np.asarray(population, np.float64))
    if not len(known):
        raise UserError(
            "RMIA compares with photos that the network was not trained on, and there are none to learn on."
        )
    limit = np.asarray(ratio, np.float64) - np.log(gamma)
    return np.searchsorted(known, limit, side="right") / len(known)
