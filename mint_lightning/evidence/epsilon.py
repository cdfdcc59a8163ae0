"""An empirical lower bound on epsilon: how private a network would have to be for an audit to see so little."""

from collections.abc import Sequence

import numpy as np

from mint_lightning.errors import UserError
from mint_lightning.evidence.calibration import FPR_TARGETS, operating_point, unresolvable
from mint_lightning.evidence.comparison import bonferroni_level
from mint_lightning.evidence.estimates import Epsilon, OperatingPoint
from mint_lightning.evidence.scoreset import ScoreSet


def epsilon_bound(
    scores: ScoreSet, *, delta: float = 0.0, level: float = 0.95, targets: Sequence[float] = FPR_TARGETS
) -> Epsilon | None:
    """The largest epsilon that the operating points of `scores` rule out at `level`; None where none is resolvable.

    Each point's rates are bounded at the two-sided level 1 - (1 - level) / points, so that all bounds used hold
    together; thresholds come from calibrate, so none was chosen on the images that judge it. See `best_bound`.
    """
    resolvable = [fpr for fpr in targets if not unresolvable(scores, fpr)]
    each = bonferroni_level(len(resolvable), level=level)
    return best_bound([operating_point(scores, fpr, level=each) for fpr in resolvable], delta=delta, level=level)


def best_bound(points: Sequence[OperatingPoint], *, delta: float = 0.0, level: float = 0.95) -> Epsilon | None:
    """The best bound of resolvable points whose rates already hold together at `level`; None of no points.

    Whoever decides between "in" and "out" about an (epsilon, delta)-private output has TPR <= e^epsilon FPR + delta,
    and TNR <= e^epsilon FNR + delta (Kairouz et al., ICML 2015). So epsilon is at least log((TPR - delta) / FPR) and
    log((1 - FPR - delta) / (1 - TPR)), taken at the lower bound of the TPR and the upper of the FPR (Jagielski, Ullman
    and Oprea, arXiv 2006.07709; Nasr et al., arXiv 2101.04535 and 2302.07956). delta outside [0, 1): `UserError`.

    Only where membership was drawn at random is this about privacy: where members and externals come from different
    databases, what tells these apart counts as well.
    """
    if not 0.0 <= delta < 1.0:
        raise UserError(f"delta is {delta}; it must be at least 0 and below 1.")
    best, target, images, identities = 0.0, None, 0, 0
    for point in points:
        tpr, fpr = point.tpr, point.realised_fpr
        if tpr is None or fpr is None:
            continue
        images, identities = tpr.images + fpr.images, tpr.identities + fpr.identities
        for more, fewer in ((tpr.low, fpr.high), (1.0 - fpr.high, 1.0 - tpr.low)):
            found = float(np.log((more - delta) / fewer)) if more > delta and fewer > 0.0 else 0.0
            if found > best:
                best, target = found, point.fpr_target
    if not images:
        return None
    return Epsilon(best, delta, level, len(points), target, images, identities)
