"""Thresholds that are set on calibrate and judged on test."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mint_lightning.errors import UserError
from mint_lightning.evidence.crossfit import folds
from mint_lightning.evidence.estimates import Estimate, OperatingPoint
from mint_lightning.evidence.rates import clustered_rate
from mint_lightning.evidence.scoreset import Bools, Floats, ScoreSet

FPR_TARGETS = (0.1, 0.01, 0.001, 0.0001)


def counted(scores: ScoreSet) -> Bools:
    """(n,) images that figures are made of: members and externals of test, or all of them where cross-fitted."""
    return ~scores.unseen & (scores.split != "calibrate")


def rounds(scores: ScoreSet) -> Iterator[tuple[Bools, Bools]]:
    """Pairs of (n,) masks: images that set a threshold, images it is applied to (unseen photos only in the latter).

    Once, calibrate and test. Where cross-fitted, once per fold: the images of the other folds, each scored by a head
    that never saw its person, set the threshold of a fold, so that no image, and no photo of the same person, is
    judged by a threshold it helped to set. Scores without folds of their own get five by identity.
    """
    if not scores.cross_fitted:
        yield (scores.split == "calibrate") & ~scores.unseen, scores.split == "test"
        return
    fold = scores.fold
    if fold is None:
        fold = folds(scores.source, scores.identity, scores.member)
    for number in np.unique(fold):
        yield (fold != number) & ~scores.unseen, fold == number


def fpr_threshold(externals: ArrayLike, fpr: float) -> float:
    """The lowest threshold t whose rule "score of at least t" a new external passes with probability at most `fpr`.

    externals (n,): calibration scores. Passing then means a conformal p-value (1 + externals at least as high) /
    (n + 1) of at most `fpr`, which holds in expectation for exchangeable images; the plain quantile would exceed it
    by up to 1 / (n + 1). Ties are never split. Fewer than 1 / fpr - 1 externals raise `UserError`.
    """
    ordered = np.sort(np.asarray(externals, dtype=np.float64))[::-1]
    passing = int(np.floor(fpr * (ordered.size + 1) + 1e-9)) - 1
    if passing < 0:
        raise UserError(f"A false positive rate of {fpr:g} cannot be set on {ordered.size} externals: too few.")
    return float(np.nextafter(ordered[passing], np.inf)) if passing < ordered.size else float(ordered[-1])


def accuracy_threshold(score: ArrayLike, member: ArrayLike) -> float:
    """The threshold with the best balanced accuracy on (n,) scores, half-way to the next lower score.

    Of equally good ones the one nearest the middle of the order, so that it does not depend on an outlier.
    """
    score, member = np.asarray(score, dtype=np.float64), np.asarray(member, dtype=bool)
    if member.all() or not member.any():
        raise UserError("A threshold for accuracy needs members and externals in calibrate, but one class is missing.")
    levels, place = np.unique(score, return_inverse=True)
    passed = [np.bincount(place[mask], minlength=levels.size)[::-1].cumsum()[::-1] for mask in (member, ~member)]
    accuracy = passed[0] / member.sum() - passed[1] / (~member).sum()
    best = np.flatnonzero(accuracy >= accuracy.max() - 1e-12)
    chosen = int(best[np.argmin(np.abs(best - levels.size / 2))])
    lower = levels[max(chosen - 1, 0)]
    middle = lower + (levels[chosen] - lower) / 2.0
    return float(middle if middle > lower else levels[chosen])


@dataclass(frozen=True, eq=False)
class Decisions:
    """Whether each image of a score set passes: passed (n,) bool, judged (n,) the images it was asked of; threshold,
    the median over folds where cross-fitted."""

    passed: Bools
    judged: Bools
    threshold: float


def decide_at_fpr(scores: ScoreSet, fpr: float) -> Decisions:
    """Every image judged at the threshold that calibration externals set for `fpr`."""
    return _decide(scores, lambda rows: fpr_threshold(scores.score[rows & scores.external], fpr))


def decide_by_accuracy(scores: ScoreSet) -> Decisions:
    """Every image judged at the threshold with the best balanced accuracy on calibrate."""
    return _decide(scores, lambda rows: accuracy_threshold(scores.score[rows], scores.member[rows]))


def operating_point(scores: ScoreSet, fpr: float, *, level: float = 0.95) -> OperatingPoint:
    """TPR and realised FPR on test at the threshold of calibrate, or why they are not resolvable.

    Not resolvable: fewer than 10 / fpr externals in calibrate or in test (out-of-fold where cross-fitted), for then
    the rate rests on fewer than ten images.
    """
    if reason := unresolvable(scores, fpr):
        return OperatingPoint(fpr, False, None, None, None, reason)
    decisions = decide_at_fpr(scores, fpr)
    return OperatingPoint(
        fpr_target=fpr,
        resolvable=True,
        threshold=decisions.threshold,
        tpr=_rate(scores, decisions, scores.member, level),
        realised_fpr=_rate(scores, decisions, scores.external, level),
    )


def unresolvable(scores: ScoreSet, fpr: float) -> str:
    """The sentence that says why a false positive rate cannot be resolved, or "" where it can."""
    needed = round(10.0 / fpr)
    for split in ("out-of-fold",) if scores.cross_fitted else ("calibrate", "test"):
        found = int(np.count_nonzero(scores.external & (scores.split == split)))
        if found < needed:
            place = "are scored out of fold" if scores.cross_fitted else f"are in {split}"
            return f"not resolvable: {100 * fpr:g} % FPR needs {needed} externals, {found} {place}"
    return ""


def tpr_at(
    sets: list[ScoreSet], fpr: float, *, level: float = 0.95, person: NDArray[np.int64] | None = None
) -> Estimate | None:
    """The mean TPR at `fpr` of several networks on the same images in the same order, each at its own threshold.

    person (n,): numbers of the identities, where the caller has them already. None where `fpr` is not resolvable.
    """
    if any(unresolvable(scores, fpr) for scores in sets):
        return None
    decisions = [decide_at_fpr(scores, fpr) for scores in sets]
    rows = decisions[0].judged & sets[0].member
    passed: Floats = np.mean([decision.passed[rows] for decision in decisions], axis=0)
    return clustered_rate(passed, (sets[0].person if person is None else person)[rows], level=level)


def _decide(scores: ScoreSet, threshold_of: Callable[[Bools], float]) -> Decisions:
    passed, judged, thresholds = np.zeros(len(scores), bool), np.zeros(len(scores), bool), []
    for setting, applied in rounds(scores):
        thresholds.append(threshold_of(setting))
        passed[applied] = scores.score[applied] >= thresholds[-1]
        judged |= applied
    return Decisions(passed, judged, float(np.median(thresholds)))


def _rate(scores: ScoreSet, decisions: Decisions, group: NDArray[np.bool_], level: float) -> Estimate:
    rows = decisions.judged & group
    return clustered_rate(decisions.passed[rows], scores.person[rows], level=level)
