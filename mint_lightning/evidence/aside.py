"""What stands beside a row and is no control: permuted labels, and external sets that were left out."""

from dataclasses import dataclass

import numpy as np

from mint_lightning.evidence.calibration import counted, fpr_threshold, rounds
from mint_lightning.evidence.document import Document
from mint_lightning.evidence.estimates import Estimate, LeftOut
from mint_lightning.evidence.rates import clustered_rate
from mint_lightning.evidence.scoreset import ScoreSet
from mint_lightning.evidence.statistics import auc_interval

FPR = 0.01
NEEDED = round(10.0 / FPR)


@dataclass(frozen=True, eq=False)
class LeftOutScores(Document):
    """The scores of a row's head that learnt nothing of the external set `source`; of a score, its own."""

    source: str
    scores: ScoreSet


def permuted_auc(scores: ScoreSet | None, level: float) -> Estimate | None:
    """AUC, by the true labels, of a head that learnt labels dealt anew among people: .5 but for chance."""
    if scores is None:
        return None
    images = counted(scores)
    return auc_interval(scores.score[images], scores.member[images], scores.identity[images], level=level)


def left_out_rate(given: LeftOutScores, level: float) -> LeftOut:
    """The false positive rate of one external set at the threshold that the others set, with 10 / FPR of them."""
    scores, source = given.scores, given.scores.source
    passed, judged = np.zeros(len(scores), bool), np.zeros(len(scores), bool)
    for setting, applied in rounds(scores):
        others = scores.score[setting & scores.external & (source != given.source)]
        if len(others) < NEEDED:
            return LeftOut(given.source, None, f"needs {NEEDED} externals of other sets, there are {len(others)}")
        rows = applied & scores.external & (source == given.source)
        passed[rows], judged[rows] = scores.score[rows] >= fpr_threshold(others, FPR), True
    if not judged.any():
        return LeftOut(given.source, None, "none of its images is in test")
    return LeftOut(given.source, clustered_rate(passed[judged], scores.identity[judged], level=level))
