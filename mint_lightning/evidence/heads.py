"""Each head of a row by itself: what one seed gave on one network, beside the row that is the mean of several."""

from dataclasses import dataclass, replace

from mint_lightning.evidence.calibration import counted, decide_by_accuracy, operating_point
from mint_lightning.evidence.document import Document
from mint_lightning.evidence.scoreset import Floats, ScoreSet
from mint_lightning.evidence.statistics import auc_interval, balanced_accuracy
from mint_lightning.evidence.types import HeadFigures

ONE_HEAD_FPR = 0.01


@dataclass(frozen=True, eq=False)
class HeadScores(Document):
    """The scores of one head: one seed on one network.

    role: "audited", "twin", "reference", "complement" or "pixels"; network: its name; seed; score (n,) of the images of
    the row's own scores, in their order; validate_auc: of the kept weights (the mean over folds); curve: AUC on
    validate after each epoch (of the first fold where cross-fitted).
    """

    role: str
    network: str
    seed: int
    score: Floats
    validate_auc: float | None = None
    curve: tuple[float, ...] = ()


def figures_of(head: HeadScores, images: ScoreSet, *, level: float = 0.95) -> HeadFigures:
    """Figures of one head; `images` says which image each of its scores is of.

    Intervals are of this head alone: `level` is not adjusted for the number of heads, as no finding rests on one.
    """
    scores = replace(images, score=head.score, network=head.network)
    rows = counted(scores)
    passed = decide_by_accuracy(scores).passed
    return HeadFigures(
        role=head.role,
        network=head.network,
        seed=head.seed,
        validate_auc=head.validate_auc,
        auc=auc_interval(scores.score[rows], scores.member[rows], scores.person[rows], level=level),
        accuracy=balanced_accuracy(passed[rows], scores.member[rows], scores.person[rows], 0.5, level=level),
        tpr_1=operating_point(scores, ONE_HEAD_FPR, level=level).tpr,
        curve=tuple(head.curve),
    )
