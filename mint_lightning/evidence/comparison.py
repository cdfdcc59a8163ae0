"""One AUC against another on the same images, and several such comparisons at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, stdtr, stdtrit

from mint_lightning.evidence.influence import NO_SPREAD, Cohort, Influence, influence, mean
from mint_lightning.evidence.statistics import bounds
from mint_lightning.evidence.types import Estimate, Excess

ALPHA = 0.05
PAIRED = "paired, Obuchowski"
SEPARATE = "separate intervals combined"


@dataclass(frozen=True)
class Difference:
    """AUC(a) - AUC(b) with its interval, and p: one-sided, that it is above zero."""

    name: str
    estimate: Estimate
    p: float


def auc_difference(
    score: ArrayLike,
    others: Sequence[ArrayLike],
    member: ArrayLike,
    identity: ArrayLike,
    *,
    level: float = 0.95,
    name: str = "",
) -> Difference:
    """AUC of (n,) scores less the mean AUC of one or more other scores of the same images; see `difference`."""
    cohort = Cohort.of(member, identity)
    return difference(influence(score, cohort), mean([influence(o, cohort) for o in others]), level=level, name=name)


def difference(a: Influence, b: Influence, *, level: float = 0.95, name: str = "") -> Difference:
    """AUC(a) - AUC(b), both on one cohort, from the difference of their influence values per identity.

    What the two share (hard images, odd identities) cancels, as in DeLong's paired test. Interval and p are Student's.
    Where either AUC collapses or the difference has no variance, what one sample shows is not the whole spread: then
    the two intervals are combined as if independent (MOVER: Zou and Donner, Statistics in Medicine 27, 2008), which
    is wider, and p is the smallest one-sided level at which that lower bound stays above zero.
    """
    gap = a - b
    if _unreliable(a, b):
        low, high = _separate_low(a, b, level), -_separate_low(b, a, level)
        method, p = SEPARATE, _separate_p(a, b)
    else:
        error, freedom = gap.variance() ** 0.5, gap.freedom()
        reach = float(stdtrit(freedom, (1.0 + level) / 2.0)) * error
        low, high, method = gap.value - reach, gap.value + reach, PAIRED
        p = float(stdtr(freedom, -gap.value / error))
    shown = Estimate(gap.value, max(low, -1.0), min(high, 1.0), a.images, a.identities, level, method)
    return Difference(name, shown, p)


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """(k,) p-values adjusted so that rejecting below .05 errs at all with probability .05 (Holm, 1979)."""
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(p.size)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1.0)
    return adjusted


def bonferroni_level(rows: int, *, level: float = 0.95) -> float:
    """The level of each of `rows` intervals that hold together at `level`."""
    return 1.0 - (1.0 - level) / max(rows, 1)


def excess(
    terms: Sequence[Difference], *, chance: float = 0.0, p_holm: float | None = None, not_run: Sequence[str] = ()
) -> Excess:
    """The smallest of the paired differences (at least one), lowest lower and lowest upper bound, largest p.

    M is above every control only if it is above each, so the largest p needs no correction for their number
    (intersection-union). chance: the p of the AUC itself against one half (`chance_p`), which counts as one more, for
    a row at .50 beside controls that fell below has found nothing. p_holm: the largest p adjusted over the rows of
    the table (one row: p itself).
    """
    least = min(terms, key=lambda term: term.estimate.value)
    p = max(chance, *(term.p for term in terms))
    adjusted = p if p_holm is None else p_holm
    return Excess(
        value=least.estimate.value,
        low=min(term.estimate.low for term in terms),
        high=min(term.estimate.high for term in terms),
        level=least.estimate.level,
        p=p,
        p_holm=adjusted,
        finds=adjusted < ALPHA,
        control=least.name,
        not_run=tuple(not_run),
    )


def chance_p(ranking: Influence) -> float:
    """One-sided p-value that an AUC is above one half; where it collapses, the Clopper-Pearson one."""
    if ranking.collapsed:
        pairs, wins = ranking.cohort.smaller, min(max(ranking.value, 0.0), 1.0) * ranking.cohort.smaller
        return float(betainc(wins, pairs - wins + 1.0, 0.5)) if wins > 0 else 1.0
    return float(stdtr(ranking.freedom(), (0.5 - ranking.value) / ranking.variance() ** 0.5))


def reference_margin(audited: Influence, references: Sequence[Influence]) -> tuple[float, float, float]:
    """(difference, margin, one-sided p) of M's AUC against r >= 2 references trained on neither D nor E.

    M would be one more network of their kind if it had not been trained on D: a new draw from r networks' AUCs lies
    within t(.975, r - 1) sqrt(SE^2 + s^2 (1 + 1 / r)) above their mean, SE the sampling error of the difference on
    these images, s the standard deviation of the references' AUCs. Difference above margin and p < .025 are the same.
    """
    count = len(references)
    centre = mean(list(references))
    gap = audited - centre
    squared = gap.variance()
    if _unreliable(audited, centre):
        squared = ((gap.value - _separate_low(audited, centre, 0.95)) / float(stdtrit(np.inf, 0.975))) ** 2
    spread = float(np.var([reference.value for reference in references], ddof=1))
    error = (squared + spread * (1.0 + 1.0 / count)) ** 0.5
    margin = float(stdtrit(count - 1, 0.975)) * error
    return gap.value, margin, float(stdtr(count - 1, -gap.value / error))


def _unreliable(a: Influence, b: Influence) -> bool:
    return a.collapsed or b.collapsed or (a - b).variance() < NO_SPREAD


def _separate_low(a: Influence, b: Influence, level: float) -> float:
    below, above = a.value - bounds(a, level)[0], bounds(b, level)[1] - b.value
    return a.value - b.value - float(np.hypot(below, above))


def _separate_p(a: Influence, b: Influence) -> float:
    if a.value <= b.value or _separate_low(a, b, 0.0) <= 0.0:
        return 1.0
    low, high = -30.0, float(np.log(0.5))  # of log p; the lower bound rises with p
    for _ in range(50):
        middle = (low + high) / 2.0
        low, high = (low, middle) if _separate_low(a, b, 1.0 - 2.0 * np.exp(middle)) > 0.0 else (middle, high)
    return float(np.exp(high))
