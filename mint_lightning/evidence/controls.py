"""One row beside its controls: paired differences on the same images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mint_lightning.errors import UserError
from mint_lightning.evidence.calibration import counted, tpr_at
from mint_lightning.evidence.comparison import Difference, chance_p, difference, reference_margin
from mint_lightning.evidence.heads import HeadScores
from mint_lightning.evidence.influence import Cohort, Influence, influence, mean
from mint_lightning.evidence.rowscores import RowScores
from mint_lightning.evidence.scoreset import ScoreSet
from mint_lightning.evidence.statistics import estimate
from mint_lightning.evidence.types import ControlEvidence, ReferenceTest

TPR_OF_CONTROLS = 0.01
REFERENCE_ALPHA = 0.025


class PixelScores(NamedTuple):
    """A row of pixel heads: its name, its validate AUC (None counts as the lowest), its scores of the same images, and
    those of each of its heads alone."""

    name: str
    validate_auc: float | None
    scores: ScoreSet
    heads: tuple[HeadScores, ...] = ()


@dataclass(frozen=True, eq=False)
class Comparison:
    """A row against each control: the controls to show, the differences that count, the p of the AUC against one
    half, what was not run; the test against the references is not yet adjusted over rows."""

    controls: tuple[ControlEvidence, ...]
    terms: tuple[Difference, ...]
    chance: float
    not_run: tuple[str, ...]
    reference_test: ReferenceTest | None

    @property
    def p(self) -> float:
        """The largest p-value, of the terms and against one half."""
        return max(self.chance, *(term.p for term in self.terms))


def compare(row: RowScores, pixels: Sequence[PixelScores], level: float) -> Comparison:
    """A row against the pixel head of the best validate AUC, the mean of its twins, and each reference.

    The other pixel heads and the single twins are shown, but are no terms of the excess: the twins differ by their
    random weights alone, and the smallest of several would fall with their number.
    """
    heads = sorted(pixels, key=lambda head: -np.inf if head.validate_auc is None else head.validate_auc, reverse=True)
    whole = _known(row.audited)
    person = row.audited.person[~row.audited.unseen]
    cohort = Cohort.of(whole.member[counted(whole)], person[counted(whole)])
    audited = _influence(whole, cohort)

    def beside(name: str, kind: str, sets: list[ScoreSet], counts: bool) -> tuple[ControlEvidence, Influence]:
        control = mean([_influence(scores, cohort) for scores in sets])
        gap = difference(audited, control, level=level, name=name)
        tpr = tpr_at(sets, TPR_OF_CONTROLS, level=level, person=person)
        shown = estimate(control, level=level)
        return ControlEvidence(name, kind, shown, tpr, gap.estimate, gap.p, counts), control

    def same(scores: ScoreSet, name: str) -> ScoreSet:
        return aligned(_known(scores), whole, f"{name} beside the row {row.name!r}")

    found = [beside(h.name, "pixels", [same(h.scores, h.name)], i == 0)[0] for i, h in enumerate(heads)]
    twins = [same(scores, scores.network) for scores in row.twins]
    if twins:
        found.append(beside(f"mean of {len(twins)} untrained twins", "twins", twins, True)[0])
        found += [beside(scores.network, "twin", [scores], False)[0] for scores in twins]
    references = [beside(s.network, "reference", [same(s, s.network)], True) for s in row.references]
    found += [control for control, _ in references]
    not_run = {"pixels": heads, "twins": twins, "references": references}
    return Comparison(
        controls=tuple(found),
        terms=tuple(Difference(control.name, control.difference, control.p) for control in found if control.counts),
        chance=chance_p(audited),
        not_run=tuple(kind for kind, run in not_run.items() if not run),
        reference_test=_against(audited, [each for _, each in references]) if len(references) > 1 else None,
    )


def aligned(control: ScoreSet, audited: ScoreSet, what: str) -> ScoreSet:
    """The scores of `control` for the images of `audited`, in its order, so that the two can be compared in pairs.

    A missing image, or another label, identity, split or fold of one, raises `UserError` that names it.
    """
    if not np.array_equal(control.key, audited.key):
        place = {key: row for row, key in enumerate(control.key.tolist())}
        if missing := [key for key in audited.key.tolist() if key not in place]:
            raise UserError(
                f"The scores of {what} lack {len(missing)} of {len(audited)} images, {missing[0]!r} first: a control "
                "must score every image that the audited network scores."
            )
        control = control.where(np.array([place[key] for key in audited.key.tolist()], dtype=np.int64))
    for column in ("member", "identity", "split"):
        differs = np.flatnonzero(getattr(control, column) != getattr(audited, column))
        if differs.size:
            image = str(audited.key[differs[0]])
            raise UserError(
                f"The scores of {what} give the image {image!r} another {column} than those of the "
                "audited network: both must come from one shard set and one choice of members."
            )
    return control


def _known(scores: ScoreSet) -> ScoreSet:
    return scores.where(~scores.unseen) if scores.unseen.any() else scores


def _influence(scores: ScoreSet, cohort: Cohort) -> Influence:
    return influence(scores.score[counted(scores)], cohort)


def _against(audited: Influence, references: list[Influence]) -> ReferenceTest:
    gap, margin, p = reference_margin(audited, references)
    return ReferenceTest(len(references), gap, margin, p, p_holm=p, passes=p < REFERENCE_ALPHA)
