"""How true the probabilities are that a head's logits stand for."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, ndtr, ndtri

from mint_lightning.errors import UserError
from mint_lightning.evidence.estimates import Estimate, Reliability, ReliabilityBin
from mint_lightning.evidence.influence import Cohort
from mint_lightning.evidence.rates import clustered_rate

BINS = 15
LEAST_IDENTITIES = 10
METHOD = "clustered by identity: folded normal below, normal above"


def reliability(
    logit: ArrayLike, member: ArrayLike, identity: ArrayLike, *, bins: int = BINS, level: float = 0.95
) -> Reliability:
    """Calibration of sigmoid(logit) as the probability of being a member, of (n,) finite logits.

    Heads learn on as many members as externals, so that probability speaks of a prior of one half. Both classes
    therefore weigh one half here, however many images they have; within a class images weigh equally. Multiplying
    the odds turns it into that of another prior.

    `bins` of equal weight (Naeini et al., AAAI 2015), never splitting ties, and at most one for every ten identities.
    ece: sum over bins of weight times |observed rate - mean prediction|. Being a sum of distances it is above zero
    even for true probabilities; `debiased` takes off what noise of the bins' clustered variances would add to the gaps
    found (Kumar, Liang and Ma, NeurIPS 2019), down to 0 at most. That is two fifths of the excess where all gaps are
    noise, nearly all of it where none is. The interval is that of the ECE of these bins: by the triangle inequality
    the distance of noise alone (its mean and variance in closed form) bounds it below; with the signs of the gaps
    held, it is linear above. It covers at least `level`, more where the gaps are large.
    Lengths that differ, a class without images, or logits that are not finite raise `UserError`.
    """
    logit = np.asarray(logit, dtype=np.float64)
    cohort = Cohort.of(member, identity)
    if logit.shape != cohort.member.shape:
        raise UserError(f"There are {logit.size} logits but {cohort.member.size} labels: give one of each per image.")
    if not np.isfinite(logit).all():
        raise UserError("Some logits are no finite numbers: calibration needs the logit of every image.")
    if bins < 1:
        raise UserError(f"The number of bins is {bins}; it must be at least 1.")
    weights = np.where(cohort.member, 0.5 / cohort.members.sum(), 0.5 / cohort.externals.sum())
    predicted = expit(logit)
    count = max(min(bins, cohort.members.size // LEAST_IDENTITIES), 1)
    place = equal_mass_bins(predicted, weights, count)
    gaps = _gaps(predicted, place, cohort)
    curve = []
    for number in range(gaps.value.size):
        rows = place == number
        mean = float(np.average(predicted[rows], weights=weights[rows]))
        curve.append(ReliabilityBin(mean, _observed(cohort, rows, level)))
    return _summary(gaps, cohort, level, tuple(curve))


def equal_mass_bins(values: NDArray[np.float64], weights: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """(n,) bin numbers 0, 1, ... by rising value, of about equal weight; equal values share one, none is empty."""
    levels, place = np.unique(values, return_inverse=True)
    mass = np.bincount(place, weights=weights, minlength=levels.size)
    centre = (np.cumsum(mass) - mass / 2.0) / mass.sum()
    number = np.minimum((centre * bins).astype(np.int64), bins - 1)
    return np.unique(number, return_inverse=True)[1][place]


class _Gaps(NamedTuple):
    """Per bin (b,) its weight times (mean prediction - observed rate), and the covariance of these (b, b)."""

    value: NDArray[np.float64]
    covariance: NDArray[np.float64]


def _gaps(predicted: NDArray[np.float64], place: NDArray[np.int64], cohort: Cohort) -> _Gaps:
    bins = int(place.max()) + 1
    value, parts = np.zeros(bins), np.zeros((cohort.members.size, bins))
    for of_class, sizes, excess in (
        (cohort.member, cohort.members, predicted - 1.0),
        (~cohort.member, cohort.externals, predicted),
    ):
        images, identities = int(sizes.sum()), int(np.count_nonzero(sizes))
        cell = cohort.code[of_class] * bins + place[of_class]
        sums = np.bincount(cell, weights=excess[of_class], minlength=parts.size).reshape(parts.shape)
        mean = sums.sum(0) / images
        value += mean / 2.0
        # The delete-one-identity jackknife of a mean, as in `clustered_rate`.
        rest = np.maximum(1.0 - sizes / images, 1e-9)[:, None]
        unbiased = (1.0 - 1.0 / identities) ** 0.5
        parts += (sums - sizes[:, None] * mean) / images / rest * unbiased / 2.0
    return _Gaps(value, parts.T @ parts)


def _observed(cohort: Cohort, rows: NDArray[np.bool_], level: float) -> Estimate:
    """The rate of members among the images of a bin, its odds corrected for the sizes of the classes."""
    rate = clustered_rate(cohort.member[rows], cohort.code[rows], level=level)
    odds = float(cohort.externals.sum() / cohort.members.sum())
    value, low, high = (p * odds / (p * odds + 1.0 - p) for p in (rate.value, rate.low, rate.high))
    return Estimate(value, low, high, rate.images, rate.identities, level, rate.method)


def _summary(gaps: _Gaps, cohort: Cohort, level: float, curve: tuple[ReliabilityBin, ...]) -> Reliability:
    ece = float(np.abs(gaps.value).sum())
    error = np.sqrt(np.diag(gaps.covariance))
    excess = _folded_mean(gaps.value, error) - np.abs(gaps.value)
    reach = float(ndtri((1.0 + level) / 2.0))
    noise = _folded_mean(np.zeros(error.size), error).sum() + reach * _folded_covariance(gaps.covariance).sum() ** 0.5
    signs = np.where(gaps.value >= 0.0, 1.0, -1.0)
    above = reach * max(float(signs @ gaps.covariance @ signs), 0.0) ** 0.5
    images, identities = int(cohort.member.size), int(cohort.members.size)
    low, high = max(ece - float(noise), 0.0), min(ece + above, 1.0)
    shown = Estimate(ece, low, high, images, identities, level, METHOD)
    return Reliability(shown, max(ece - float(excess.sum()), 0.0), curve)


def _folded_mean(mean: NDArray[np.float64], error: NDArray[np.float64]) -> NDArray[np.float64]:
    """E|X| of normal X."""
    ratio = np.divide(mean, error, out=np.zeros_like(mean), where=error > 0.0)
    folded = error * (2.0 / np.pi) ** 0.5 * np.exp(-(ratio**2) / 2.0) + mean * (1.0 - 2.0 * ndtr(-ratio))
    return np.where(error > 0.0, folded, np.abs(mean))


def _folded_covariance(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cov(|X_b|, |X_c|) of centred normal X: (2 / pi) (sqrt(1 - r^2) + r asin r - 1) times their deviations."""
    error = np.sqrt(np.diag(covariance))
    scale = np.outer(error, error)
    r = np.clip(np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 0.0), -1.0, 1.0)
    return 2.0 / np.pi * (np.sqrt(1.0 - r**2) + r * np.arcsin(r) - 1.0) * scale
