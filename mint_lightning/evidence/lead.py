"""Whether a score that needs no fitting beats the heads: then the result says so before anything else."""

from collections.abc import Sequence

from mint_lightning.evidence.calibration import counted
from mint_lightning.evidence.comparison import auc_difference
from mint_lightning.evidence.controls import aligned
from mint_lightning.evidence.estimates import Lead
from mint_lightning.evidence.rowscores import RowScores


def score_lead(rows: Sequence[RowScores]) -> Lead | None:
    """The score best on validate against the head best on validate, in pairs on the same images of test.

    Rows of several photos ask something easier and stay apart. None where there are not both, or where the 95 %
    interval of the difference reaches 0. Both are chosen on validate, so no correction for their number is due.
    """
    judged = [row for row in rows if row.validate_auc is not None and row.photos == 1]
    fitted = [row for row in judged if row.has_logit]
    scores = [row for row in judged if not row.has_logit]
    if not fitted or not scores:
        return None
    head, score = (max(group, key=lambda row: row.validate_auc or 0.0) for group in (fitted, scores))
    first = score.audited.where(counted(score.audited))
    second = aligned(head.audited.where(counted(head.audited)), first, f"the row {head.name!r}")
    found = auc_difference(first.score, [second.score], first.member, first.identity)
    return Lead(score.name, head.name, found.estimate, found.p) if found.estimate.low > 0.0 else None
