"""The AUC of images, with intervals that know that the images of one person are not independent.

The variance is that of DeLong et al. (Biometrics 44, 1988) for clustered data, after Obuchowski (Biometrics 53, 1997):
each identity adds up the placement values of its images, and the sums of identities, not of images, are what varies.
An identity may hold images of one class or of both. With one image per identity it is DeLong's variance exactly; where
identities are unequally large it is widened (see `Influence.variance`).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, stdtrit

from mint_lightning.evidence.estimates import Estimate
from mint_lightning.evidence.influence import Cohort, Influence, influence
from mint_lightning.evidence.rates import clopper_pearson

OBUCHOWSKI = "Obuchowski, jackknife over identities"
COLLAPSED = "Clopper-Pearson, n = identities"
AT_ONCE = 500_000  # images times draws that the bootstrap holds: they stay in cache


def auc(score: ArrayLike, member: ArrayLike) -> float:
    """Area under the ROC curve of (n,) scores: P(member above external) + half P(tie), images counting equally."""
    return influence(score, Cohort.of(member, np.arange(np.size(member)))).value


def auc_interval(score: ArrayLike, member: ArrayLike, identity: ArrayLike, *, level: float = 0.95) -> Estimate:
    """AUC of (n,) scores with its interval clustered by (n,) identities; see `estimate`."""
    return estimate(influence(score, Cohort.of(member, identity)), level=level)


def estimate(ranking: Influence, *, level: float = 0.95) -> Estimate:
    """An AUC, or a mean of AUCs of the same images, with its interval.

    Symmetric on the logit scale with Student's t, which in simulation covers better than the plain normal interval
    from .9 on and with few identities, and never leaves (0, 1). Where that collapses (AUC 0 or 1, no variance, one
    identity in a class): Clopper-Pearson with n = identities of the smaller class, for as many disjoint pairs of
    identities are independent trials of the AUC's own event.
    """
    low, high, method = bounds(ranking, level)
    return Estimate(ranking.value, low, high, ranking.images, ranking.identities, level, method)


def bounds(ranking: Influence, level: float) -> tuple[float, float, str]:
    """(low, high, method) of `estimate`."""
    value = min(max(ranking.value, 0.0), 1.0)
    if ranking.collapsed:
        count = ranking.cohort.smaller
        return *clopper_pearson(value * count, count, level=level), COLLAPSED
    reach = stdtrit(ranking.freedom(), (1.0 + level) / 2.0) * ranking.variance() ** 0.5 / (value * (1.0 - value))
    return float(expit(logit(value) - reach)), float(expit(logit(value) + reach)), OBUCHOWSKI


def balanced_accuracy(
    score: ArrayLike, member: ArrayLike, identity: ArrayLike, threshold: ArrayLike, *, level: float = 0.95
) -> Estimate:
    """Mean of TPR and TNR where a score of at least `threshold` (one, or one per image) says member.

    It is the AUC of the decision itself, and so has the AUC's interval.
    """
    decision = np.asarray(score, dtype=np.float64) >= np.asarray(threshold, dtype=np.float64)
    return auc_interval(decision, member, identity, level=level)


def bootstrap_auc(
    score: ArrayLike,
    member: ArrayLike,
    identity: ArrayLike,
    *,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Estimate:
    """AUC with the percentile interval of `draws` resamples of whole identities; exact under ties. O(draws n).

    Identities are drawn within three strata (members only, externals only, both), so that no draw lacks a class.
    """
    cohort = Cohort.of(member, identity)
    ranking = influence(score, cohort)
    generator = np.random.default_rng(seed)
    score = np.asarray(score, dtype=np.float64)
    ordered = np.argsort(score[~cohort.member], kind="stable")
    externals = score[~cohort.member][ordered]
    left = np.searchsorted(externals, score[cohort.member], "left")
    right = np.searchsorted(externals, score[cohort.member], "right")
    member_code, external_code = cohort.code[cohort.member], cohort.code[~cohort.member][ordered]
    stratum = (cohort.members > 0) + 2 * (cohort.externals > 0)
    results = np.empty(draws)
    at_once = max(AT_ONCE // cohort.member.size, 1)
    for start in range(0, draws, at_once):
        count = min(at_once, draws - start)
        weight = np.zeros((count, cohort.members.size))
        for kind in (1, 2, 3):
            weight[:, stratum == kind] = _resampled(generator, count, int(np.count_nonzero(stratum == kind)))
        below = np.zeros((count, externals.size + 1))
        np.cumsum(weight[:, external_code], axis=1, out=below[:, 1:])
        members = weight[:, member_code]
        passed = np.einsum("dm,dm->d", members, below[:, left] + below[:, right])
        results[start : start + count] = passed / (2.0 * members.sum(1) * below[:, -1])
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(results, [tail, 1.0 - tail])
    images, identities = ranking.images, ranking.identities
    return Estimate(ranking.value, float(low), float(high), images, identities, level, "identity bootstrap")


def _resampled(generator: np.random.Generator, draws: int, size: int) -> NDArray[np.int64]:
    """(draws, size) how often each of `size` identities comes up in `size` draws with replacement."""
    chosen = generator.integers(0, max(size, 1), (draws, size)) + np.arange(draws)[:, None] * size
    return np.bincount(chosen.ravel(), minlength=draws * size).reshape(draws, size)
