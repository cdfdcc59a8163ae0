"""What comes out of the evidence: figures that carry their n and their interval."""

from dataclasses import dataclass
from typing import Any, Self

from mint_lightning.errors import UserError
from mint_lightning.evidence.document import Document, later
from mint_lightning.evidence.estimates import (
    Epsilon,
    Estimate,
    Lead,
    LeftOut,
    OperatingPoint,
    Precision,
    Reliability,
    Slice,
)
from mint_lightning.evidence.outcome import Claim
from mint_lightning.evidence.words import FACES, checked_subject

SCHEMA_VERSION = 5


@dataclass(frozen=True)
class ControlEvidence(Document):
    """One control beside a row. kind: "pixels", "twin" (one), "twins" (their mean) or "reference".

    difference is the paired AUC(M) - AUC(control), p its one-sided p-value; counts: whether it is a term of the excess.
    """

    name: str
    kind: str
    auc: Estimate
    tpr_1: Estimate | None
    difference: Estimate
    p: float
    counts: bool


@dataclass(frozen=True)
class Excess(Document):
    """The smallest paired difference over the controls that count; its bounds, p, Holm-adjusted p and finding.

    p is the largest over these controls and over the AUC against one half, so it may exceed that of the difference.
    control names the term that gave the smallest difference; not_run the kinds of control that were not run.
    """

    value: float
    low: float
    high: float
    level: float
    p: float
    p_holm: float
    finds: bool
    control: str
    not_run: tuple[str, ...]


@dataclass(frozen=True)
class ReferenceTest(Document):
    """M's AUC against r >= 2 references trained on neither: exceeds where `difference` > `margin` (one row).

    margin = t(.975, r - 1) sqrt(SE^2 + s^2 (1 + 1/r)); p is one-sided, p_holm adjusted over rows; passes: below .025.
    """

    references: int
    difference: float
    margin: float
    p: float
    p_holm: float
    passes: bool


@dataclass(frozen=True)
class Curve(Document):
    """The ROC curve on test, thinned: exact points, dense where the false positive rate is low (for log axes).

    low, high: of each point's TPR, the interval at the table's level with as many photos as the people of the members
    are worth (pointwise, and rather too wide); empty in documents of earlier versions.
    """

    fpr: tuple[float, ...]
    tpr: tuple[float, ...]
    low: tuple[float, ...] = later(())
    high: tuple[float, ...] = later(())


@dataclass(frozen=True)
class Histogram(Document):
    """Images per bin on test: edges (b + 1), counts (b) of each group; the end bins take what lies beyond."""

    edges: tuple[float, ...]
    members: tuple[int, ...]
    externals: tuple[int, ...]
    unseen: tuple[int, ...]


@dataclass(frozen=True)
class HeadFigures(Document):
    """What one head gave by itself: one seed on one network.

    role: "audited", "twin", "reference", "complement" or "pixels". Intervals are at the level they state, not adjusted
    for the number of heads; tpr_1: at 1 % FPR, None where not resolvable; curve: AUC on validate by epoch.
    """

    role: str
    network: str
    seed: int
    validate_auc: float | None
    auc: Estimate
    accuracy: Estimate
    tpr_1: Estimate | None
    curve: tuple[float, ...] = ()

    @property
    def epoch(self) -> int | None:
        """The epoch whose weights were kept, from 0: the first of those with the best AUC on validate."""
        return self.curve.index(max(self.curve)) if self.curve else None


@dataclass(frozen=True)
class RowEvidence(Document):
    """Everything known of one row. Intervals have the Bonferroni level of the table, which each Estimate states.

    accuracy is balanced, at `threshold` (best on calibrate); accuracy_logit0 at logit 0, None for scores; operating at
    10, 1, 0.1 and 0.01 % FPR; precision: at priors of 1, 10 and 50 %, of the rule at 1 % FPR, or at 10 % where 1 % is
    not resolvable; epsilon: its lower bound, None where no rate is resolvable; reliability: of heads, None for scores;
    slices: parts of the test images, by external set and by photos per identity; unseen_auc: unseen photos of test
    people against externals; photo_auc: photos of members against unseen photos of people who have both;
    complement_auc beside the controls, never in the excess; heads: what each head gave alone, on every network, none
    for a score that needs no fitting; permuted_auc: of a head that learnt labels dealt anew; left_out: how often each
    external set passes that nothing was fitted to: these two only where they were asked for. photos: of one person
    that a score is of; where they are several, what is counted as images are sets of so many.
    """

    name: str
    head: str
    tap: str
    seed: int
    samples: int
    network: str
    validate_auc: float | None
    cross_fitted: bool
    auc: Estimate
    accuracy: Estimate
    accuracy_logit0: Estimate | None
    threshold: float
    operating: tuple[OperatingPoint, ...]
    precision: tuple[Precision, ...]
    epsilon: Epsilon | None
    reliability: Reliability | None
    slices: tuple[Slice, ...]
    controls: tuple[ControlEvidence, ...]
    excess: Excess | None
    reference_test: ReferenceTest | None
    unseen_auc: Estimate | None
    photo_auc: Estimate | None
    complement_auc: Estimate | None
    roc: Curve
    histogram: Histogram
    claim: Claim
    heads: tuple[HeadFigures, ...] = ()
    permuted_auc: Estimate | None = None
    left_out: tuple[LeftOut, ...] = ()
    photos: int = later(1)

    @property
    def seed_aucs(self) -> tuple[float, ...]:
        """AUC on the audited network of each head alone, where the row is the mean of several."""
        found = tuple(head.auc.value for head in self.heads if head.role == "audited")
        return found if len(found) > 1 else ()

    @property
    def finds(self) -> bool:
        """Whether the excess is above zero after Holm's adjustment over the rows."""
        return self.excess is not None and self.excess.finds


@dataclass(frozen=True)
class GroupSize(Document):
    """n of one group ("members", "externals", "unseen") in one split."""

    group: str
    split: str
    images: int
    identities: int


@dataclass(frozen=True)
class TableEvidence(Document):
    """A whole table weighed: rows, claim, n by group. `level` is that of the shown intervals (1 - .05 / rows).

    no_claim: why nothing may be claimed here whatever the figures, or None; pixel_heads: each head on pixels alone,
    `network` being its name; lead: where a score that needs no fitting beats the heads; subject: what the photos show,
    "faces" or "objects": of objects an identity is a photo or a track, never a person.
    """

    rows: tuple[RowEvidence, ...]
    claim: Claim
    groups: tuple[GroupSize, ...]
    external_sets: tuple[str, ...]
    level: float
    random_partition: bool
    partition_declared: bool
    no_claim: str | None = None
    pixel_heads: tuple[HeadFigures, ...] = ()
    lead: Lead | None = None
    schema_version: int = SCHEMA_VERSION
    subject: str = later(FACES)

    def __post_init__(self) -> None:
        checked_subject(self.subject)

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Evidence of the JSON value that `to_json` gave; of another schema version: `UserError`."""
        found = value.get("schema_version") if isinstance(value, dict) else None
        if found != SCHEMA_VERSION:
            raise UserError(f"This evidence has schema version {found}; this tool reads version {SCHEMA_VERSION}.")
        return super().from_json(value)

    def row(self, name: str) -> RowEvidence:
        """The row of that name; `UserError` lists the known ones."""
        for row in self.rows:
            if row.name == name:
                return row
        raise UserError(f"There is no row {name!r}; the table has {', '.join(row.name for row in self.rows)}.")
