"""One row of the table as it goes into the evidence: its scores on the audited network and on each control."""

from dataclasses import dataclass

from mint_lightning.evidence.aside import LeftOutScores
from mint_lightning.evidence.document import Document
from mint_lightning.evidence.heads import HeadScores
from mint_lightning.evidence.scoreset import ScoreSet


@dataclass(frozen=True, eq=False)
class RowScores(Document):
    """One row of the table: the same head (refitted) or the same score on the audited network and on each control.

    name "Vanilla conv4"; head "vanilla", "cnn" or, for a score that needs no fitting, "score"; tap (or ""); seed and
    samples of the fit (0 for a score); validate_auc of the audited network on the validate split, None if not known;
    heads: of each head alone, on every network; the scores of a row are the mean of those of its seeds. permuted: of
    a head that learnt labels dealt anew among people; left_out: of heads that learnt nothing of an external set.
    photos: of one person that a score is of; an entry then stands for a set of them, by its first.
    """

    name: str
    head: str
    tap: str
    seed: int
    samples: int
    audited: ScoreSet
    twins: tuple[ScoreSet, ...] = ()
    references: tuple[ScoreSet, ...] = ()
    complement: ScoreSet | None = None
    validate_auc: float | None = None
    heads: tuple[HeadScores, ...] = ()
    permuted: ScoreSet | None = None
    left_out: tuple[LeftOutScores, ...] = ()
    photos: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "twins", tuple(self.twins))
        object.__setattr__(self, "references", tuple(self.references))

    @property
    def has_logit(self) -> bool:
        """Whether 0 is this row's own boundary: true of heads, not of scores."""
        return self.head != "score"
