"""One auditor at work on one question: p-values of what is asked, and verdicts with the rates at which they err."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from mint_lightning.auditor.folder import Auditor
from mint_lightning.auditor.question import Question
from mint_lightning.auditor.scoring import Scored
from mint_lightning.auditor.units import Unit
from mint_lightning.errors import UserError
from mint_lightning.evidence import (
    Calibration,
    ErrorRate,
    PersonCalibration,
    Posterior,
    Verdict,
    error_rate,
    hit_rate,
    judge_p,
    posterior,
)
from mint_lightning.evidence.persons import subsamples

LEARNT = ("fit", "validate")


@dataclass(frozen=True)
class Draft:
    """What is known of a unit before its answer is adjusted for others: photos outside, and of people whom the head
    learnt from; used: photos of each comparison, 0 where none is left; score, None then; p; floor: the smallest p."""

    outside: int
    own: int
    used: int
    score: float | None
    p: float
    floor: float


class Judge:
    """One auditor at work on one question about what was scored."""

    def __init__(self, auditor: Auditor, question: Question, scored: Scored, name: str) -> None:
        self.auditor, self.question, self.barred = auditor, question, scored.barred
        if auditor.novelty is None:
            self.barred = self.barred or "no_novelty"
        evidence = auditor.card.evidence
        self.claim = evidence.claim if evidence is not None else None
        self.people = PersonCalibration(Calibration.of(auditor.calibration))
        self.scores, self.far = scored.scores[name], scored.outside[name]
        self.aad, self.set_size = scored.aad.get(name), auditor.card.set_size
        self.splits = scored.splits if self._learnt_here(scored.shards) else None
        self.rates = cache(self._rates)

    def _learnt_here(self, shards: str | None) -> bool:
        """Whether its head learnt from the very set that is asked about; a score learns from nobody."""
        return self.auditor.head is not None and shards is not None and shards == self.auditor.card.membership["shards"]

    def draft(self, unit: Unit) -> Draft:
        """p is 1 where no photo is left to judge."""
        faces = np.array(unit.faces)
        learnt = np.zeros(len(faces), bool)
        if self.splits is not None:
            learnt = np.array([self.splits[face] in LEARNT for face in unit.faces])
        far = self.far[faces] & ~learnt
        inside = faces[~far & ~learnt]
        if len(inside) < self.set_size:
            return Draft(int(far.sum()), int(learnt.sum()), 0, None, 1.0, 1.0)
        if self.aad is not None:  # each entry of its calibration is a person's set, as each of these is
            scores = self.auditor.score_sets(self.aad, inside[subsamples(len(inside), self.set_size)])
            found = self.people.mean_p(scores)
            used = self.set_size
        else:
            scores = self.scores[inside]
            found = self.people.p(scores, self.question.alpha)
            used = found.used
        return Draft(int(far.sum()), int(learnt.sum()), used, float(scores.mean()), found.p, found.floor)

    def verdict(self, draft: Draft, photos: int, p: float, steps: int, asked: int) -> Verdict:
        """On a unit of `photos` photos that are left, with its p adjusted; steps: what its own p was multiplied by.

        Where several answers are asked for at once, the rule that one of them passes is p <= alpha / steps, and so its
        rates are those of that rule.
        """
        left_aside = "own" if draft.own and not photos else "few" if photos and not draft.used else None
        error, known = self.rates(draft.used, steps)
        return judge_p(
            p,
            draft.floor,
            self.question.alpha,
            self.claim,
            error,
            photos=photos,
            asked=asked,
            left_aside=left_aside,
            outside=not photos,
            barred=self.barred,
            posterior=known,
            language=self.question.language,
            subject=self.auditor.card.subject,
        )

    def _rates(self, photos: int, steps: int) -> tuple[ErrorRate | None, Posterior | None]:
        """How often outsiders pass with as many photos, and what an answer is worth; None where not measured."""
        scores, alpha = self.auditor.scores, self.question.alpha / steps
        photos = max(photos, 1) if self.set_size == 1 else 1
        try:
            error = error_rate(scores, alpha=alpha, photos=photos, fitted=self.auditor.head is not None)
        except UserError:
            return None, None
        hit = hit_rate(scores, alpha=alpha, photos=photos)
        return error, posterior(self.question.prior, hit, error) if hit else None
