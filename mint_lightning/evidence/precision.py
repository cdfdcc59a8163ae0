"""How often the rule "above the threshold" is right, at a share of members that no test can measure."""

from collections.abc import Sequence

from mint_lightning.errors import UserError
from mint_lightning.evidence.estimates import Estimate, OperatingPoint, Precision

PRIORS = (0.01, 0.1, 0.5)
PREFERRED_FPR = 0.01
METHOD = "Bayes' rule; lower bound of the TPR with the upper bound of the FPR"


def precision(point: OperatingPoint, prior: float) -> Estimate | None:
    """Precision of the rule at `point` where a share `prior` in (0, 1) of the images asked about are members'.

    prior TPR / (prior TPR + (1 - prior) FPR), of the rates realised on test. It rises with the TPR and falls with the
    FPR, so its lower bound puts the lower bound of the one with the upper bound of the other. The two intervals, at a
    two-sided level L, err on these sides with probability (1 - L) / 2 each; by Bonferroni both bounds hold, and so
    does that of the precision, at the one-sided level L, and for all priors at once. Where nothing or everything
    passed, they are Clopper-Pearson's with n = identities, so an FPR of 0 gives no precision of 1 as its bound.

    None where the point is not resolvable, or where nothing passes, so that there is nothing to be right about.
    """
    if not 0.0 < prior < 1.0:
        raise UserError(f"The prior is {prior}; it must lie between 0 and 1.")
    tpr, fpr = point.tpr, point.realised_fpr
    if not point.resolvable or tpr is None or fpr is None or tpr.value + fpr.value == 0.0:
        return None
    images, identities = tpr.images + fpr.images, tpr.identities + fpr.identities
    value, low = bayes(prior, tpr.value, fpr.value), bayes(prior, tpr.low, fpr.high)
    return Estimate(value, low, 1.0, images, identities, min(tpr.level, fpr.level), METHOD)


def precisions(points: Sequence[OperatingPoint], priors: Sequence[float] = PRIORS) -> tuple[Precision, ...]:
    """Precision at each prior, at 1 % FPR, or at the smallest rate that is resolvable where 1 % is not."""
    resolvable = [point for point in points if point.resolvable]
    chosen = next((point for point in resolvable if abs(point.fpr_target - PREFERRED_FPR) < 1e-9), None)
    chosen = chosen or min(resolvable, key=lambda point: point.fpr_target, default=None)
    if chosen is None:
        return ()
    found = [(prior, precision(chosen, prior)) for prior in priors]
    return tuple(Precision(prior, chosen.fpr_target, each) for prior, each in found if each is not None)


def bayes(prior: float, tpr: float, fpr: float) -> float:
    """Of those who pass, the share of members: prior TPR / (prior TPR + (1 - prior) FPR), 0 where nobody passes."""
    right, wrong = prior * tpr, (1.0 - prior) * fpr
    return right / (right + wrong) if right + wrong > 0 else 0.0
