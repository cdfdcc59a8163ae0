"""From scores to answers: one for each photo or person and auditor, adjusted for all that were asked at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mint_lightning.auditor.folder import Auditor
from mint_lightning.auditor.scoring import Scored
from mint_lightning.auditor.units import Unit, units
from mint_lightning.errors import UserError
from mint_lightning.evidence import (
    Calibration,
    ErrorRate,
    Outcome,
    PersonCalibration,
    Posterior,
    benjamini_hochberg,
    error_rate,
    hit_rate,
    holm,
    judge_p,
    posterior,
)
from mint_lightning.evidence.document import Document


@dataclass(frozen=True)
class Question(Document):
    """What is asked: group_by photos or people ("none", "identity", "all"); alpha of one answer; fdr of a list; prior
    of the asker; language of the sentences."""

    group_by: str = "none"
    alpha: float = 0.01
    fdr: float = 0.05
    prior: float = 0.01
    language: str = "en"


@dataclass(frozen=True)
class Answer(Document):
    """What one auditor says of one photo or person.

    unit: its name; photos given, outside: those of them unlike what was calibrated on, which are left out; used: photos
    k of each comparison; score: mean of those judged, None where none is left; p; p_adjusted: over everything asked
    about this photo or person (Holm); q: over the whole list (Benjamini-Hochberg), the same for all auditors of a unit;
    listed: whether it scores like training photos and q is within the false discovery rate; floor: the smallest p that
    the calibration allows; one_in and posterior come with an answer that accuses.
    """

    unit: str
    auditor: str
    photos: int
    outside: int
    used: int
    score: float | None
    p: float
    p_adjusted: float
    q: float
    listed: bool
    outcome: Outcome
    sentence: str
    floor: float
    one_in: int | None
    about: str | None
    posterior: Posterior | None


def answer(scored: Scored, auditors: Mapping[str, Auditor], question: Question) -> list[Answer]:
    """Answers, all auditors of the first unit first."""
    asked = units(scored, question.group_by)
    judges = {name: _Judge(auditor, question) for name, auditor in auditors.items()}
    drafts = [
        [judges[name].draft(unit, scored.scores[name], scored.outside[name], name) for name in auditors]
        for unit in asked
    ]
    families: dict[str, list[tuple[int, int]]] = {}
    for place, unit in enumerate(asked):
        families.setdefault(unit.family, []).extend((place, number) for number in range(len(auditors)))
    adjusted = np.ones((len(asked), len(auditors)))
    for own in families.values():
        corrected = holm([drafts[place][number].p for place, number in own])
        for (place, number), p in zip(own, corrected, strict=True):
            adjusted[place, number] = p
    q = benjamini_hochberg(adjusted.min(axis=1))  # one p of each unit: the smallest of its adjusted ones is valid
    return [
        judges[name].answer(draft, float(adjusted[place, number]), float(q[place]))
        for place, own in enumerate(drafts)
        for number, (name, draft) in enumerate(zip(auditors, own, strict=True))
    ]


class _Judge:
    """One auditor at work on one question."""

    def __init__(self, auditor: Auditor, question: Question) -> None:
        self.auditor, self.question = auditor, question
        evidence = auditor.card.evidence
        self.claim = evidence.claim if evidence is not None else None
        self.people = PersonCalibration(Calibration.of(auditor.calibration))
        self.error = cache(self._error)
        self.posterior = cache(self._posterior)

    def draft(self, unit: Unit, scores: NDArray[np.float64], outside: NDArray[np.bool_], name: str) -> Answer:
        """The answer before it is adjusted for others; p is 1 where no photo is left to judge."""
        faces = np.array(unit.faces)
        inside = faces[~outside[faces]]
        found = self.people.p(scores[inside], self.question.alpha) if len(inside) else None
        return Answer(
            unit=unit.name,
            auditor=name,
            photos=len(faces),
            outside=len(faces) - len(inside),
            used=found.used if found else 0,
            score=float(scores[inside].mean()) if found else None,
            p=found.p if found else 1.0,
            p_adjusted=1.0,
            q=1.0,
            listed=False,
            outcome=Outcome.OUTSIDE,
            sentence="",
            floor=found.floor if found else 1.0,
            one_in=None,
            about=None,
            posterior=None,
        )

    def answer(self, draft: Answer, p: float, q: float) -> Answer:
        """The draft with its verdict, p adjusted within its family and q over the list."""
        judged = draft.photos - draft.outside
        verdict = judge_p(
            p,
            draft.floor,
            self.question.alpha,
            self.claim,
            self.error(draft.used),
            photos=judged,
            outside=not judged,
            posterior=self.posterior(draft.used),
            language=self.question.language,
        )
        accused = verdict.outcome is Outcome.SCORES_LIKE_TRAINING_PHOTOS
        return replace(
            draft,
            p_adjusted=p,
            q=q,
            listed=accused and q <= self.question.fdr,
            outcome=verdict.outcome,
            sentence=verdict.sentence,
            one_in=verdict.one_in,
            about=verdict.about,
            posterior=verdict.posterior,
        )

    def _error(self, photos: int) -> ErrorRate | None:
        """How often outsiders pass with as many photos; None where that was not measured."""
        try:
            return error_rate(self.auditor.scores, alpha=self.question.alpha, photos=max(photos, 1))
        except UserError:
            return None

    def _posterior(self, photos: int) -> Posterior | None:
        error = self.error(photos)
        hit = hit_rate(self.auditor.scores, alpha=self.question.alpha, photos=max(photos, 1)) if error else None
        return posterior(self.question.prior, hit, error) if error and hit else None


def summary(answers: Sequence[Answer]) -> dict[Outcome, int]:
    """How many answers have each outcome."""
    return {outcome: sum(each.outcome is outcome for each in answers) for outcome in Outcome}
