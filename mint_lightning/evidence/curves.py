"""What the pictures of a row are drawn from: the ROC curve and the histogram of scores, small enough to keep."""

import numpy as np
from numpy.typing import ArrayLike

from mint_lightning.evidence.rates import clopper_pearson, effective
from mint_lightning.evidence.types import Curve, Histogram

POINTS = 200
BINS = 40


def roc_curve(
    score: ArrayLike, member: ArrayLike, person: ArrayLike | None = None, *, points: int = POINTS, level: float = 0.95
) -> Curve:
    """The ROC curve of (n,) scores, from (0, 0) to (1, 1), as at most about `points` of its own corners.

    Half of them lie evenly in false positive rate and half evenly in its logarithm, so that it may be drawn on either
    axis. Images that tie make one straight step. With (n,) numbers of the persons each point has its interval:
    Clopper-Pearson's, of as many trials as the members' persons are worth equally large ones (Kish).
    """
    score, member = np.asarray(score, dtype=np.float64), np.asarray(member, dtype=bool)
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)
    tpr = np.append(0.0, np.cumsum(member[order])[last] / member.sum())
    fpr = np.append(0.0, np.cumsum(~member[order])[last] / (~member).sum())
    kept = np.union1d(_corners(fpr, tpr), [0, fpr.size - 1])
    if kept.size > points:
        smallest = 1.0 / (~member).sum()
        wanted = np.concatenate([np.linspace(0, 1, points // 2), np.geomspace(smallest, 1, points // 2)])
        chosen = np.searchsorted(fpr[kept], wanted + 1e-12, "right") - 1
        kept = np.union1d(kept[chosen], [0, fpr.size - 1])
    low, high = _band(tpr[kept], member, person, level)
    return Curve(tuple(fpr[kept].tolist()), tuple(tpr[kept].tolist()), low, high)


def histogram(score: ArrayLike, member: ArrayLike, unseen: ArrayLike, *, bins: int = BINS) -> Histogram:
    """Counts of (n,) scores by group between their .1 and 99.9 % quantiles; the end bins take what lies beyond."""
    score, member, unseen = np.asarray(score, dtype=np.float64), np.asarray(member, bool), np.asarray(unseen, bool)
    low, high = np.quantile(score, [0.001, 0.999])
    if high <= low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, bins + 1)
    place = np.clip(np.searchsorted(edges, score, "right") - 1, 0, bins - 1)
    members, externals, others = (
        tuple(np.bincount(place[group], minlength=bins).tolist()) for group in (member, ~member & ~unseen, unseen)
    )
    return Histogram(tuple(edges.tolist()), members, externals, others)


def _band(
    tpr: np.ndarray, member: np.ndarray, person: ArrayLike | None, level: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if person is None:
        return (), ()
    size = effective(np.bincount(np.asarray(person)[member]))
    found = [clopper_pearson(min(float(rate), 1.0) * size, size, level=level) for rate in tpr]
    return tuple(low for low, _ in found), tuple(high for _, high in found)


def _corners(fpr: np.ndarray, tpr: np.ndarray) -> np.ndarray:
    """Points where the curve turns: the others lie on a straight line between two of them."""
    turn = np.diff(fpr[:-1]) * np.diff(tpr[1:]) != np.diff(tpr[:-1]) * np.diff(fpr[1:])
    return np.flatnonzero(turn) + 1
