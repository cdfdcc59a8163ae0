"""From scores to answers: one for each photo or person and auditor, adjusted for all that were asked at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from typing import overload

import numpy as np

from mint_lightning.auditor.folder import Auditor
from mint_lightning.auditor.judge import Draft, Judge
from mint_lightning.auditor.question import Question
from mint_lightning.auditor.scoring import Scored
from mint_lightning.auditor.units import units
from mint_lightning.evidence import Outcome, Posterior, benjamini_hochberg, holm
from mint_lightning.evidence.document import Document
from mint_lightning.evidence.words import FACES


@dataclass(frozen=True)
class Answer(Document):
    """What one auditor says of one photo, person or object.

    unit: its name; photos given; merged: those that show the same picture as another, which count once; outside, own:
    those unlike what was calibrated on, and those of people from whom the head learnt, which are left out; used: photos
    k of each comparison; detected: how sure the detector was, of the least sure photo, None where none ran; score: mean
    of those judged, None where none is left; p; p_adjusted: over everything asked about this photo or person (Holm); q:
    over the whole list (Benjamini-Hochberg), the same for all auditors of a unit; listed: whether it scores like
    training photos and q is within the false discovery rate; floor: the smallest p that the calibration allows; one_in
    and posterior come with an answer that accuses.
    """

    unit: str
    auditor: str
    photos: int
    merged: int
    outside: int
    own: int
    used: int
    detected: float | None
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

    @property
    def judged(self) -> int:
        """Photos that are left to judge."""
        return self.photos - self.merged - self.outside - self.own


class Answers(Sequence[Answer]):
    """Answers of a request, all auditors of the first unit first.

    Each is put into words when it is asked for: names and numbers alone are held. subject: what the photos show, to all
    auditors alike, else faces.
    """

    def __init__(self, scored: Scored, auditors: Mapping[str, Auditor], question: Question) -> None:
        self.question, self.scored, self.names = question, scored, list(auditors)
        self.subject = _subject(auditors)
        self.units = units(scored, question.group_by, self.subject)
        self.judges = [Judge(auditor, question, scored, name) for name, auditor in auditors.items()]
        count = len(self.units) * len(self.judges)
        self.outside, self.own, self.used, self.steps, self.asked = np.ones((5, count), np.int32)
        self.score, self.p, self.floor = np.full((3, count), np.nan)
        for place, (unit, judge) in enumerate(product(self.units, self.judges)):
            draft = judge.draft(unit)
            self.outside[place], self.own[place], self.used[place] = draft.outside, draft.own, draft.used
            self.p[place], self.floor[place] = draft.p, draft.floor
            self.score[place] = np.nan if draft.score is None else draft.score
        self.p_adjusted = self.p.copy()
        self._adjust()
        smallest = self.p_adjusted.reshape(len(self.units), -1).min(axis=1)  # of the adjusted ones it is valid
        self.q = np.repeat(benjamini_hochberg(smallest), len(self.judges))

    def _adjust(self) -> None:
        start = 0
        for _, family in groupby(self.units, key=lambda unit: unit.family):
            end = start + len(self.judges) * sum(1 for _ in family)
            p = self.p[start:end]
            self.p_adjusted[start:end], self.asked[start:end] = holm(p), len(p)
            self.steps[start:end][np.argsort(p, kind="stable")] = np.arange(len(p), 0, -1)
            start = end

    def __len__(self) -> int:
        return len(self.p)

    @overload
    def __getitem__(self, place: int) -> Answer: ...

    @overload
    def __getitem__(self, place: slice) -> list[Answer]: ...

    def __getitem__(self, place: int | slice) -> Answer | list[Answer]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        place = range(len(self))[place]
        unit, number = self.units[place // len(self.judges)], place % len(self.judges)
        score, faces = float(self.score[place]), np.array(unit.faces)
        draft = Draft(
            int(self.outside[place]),
            int(self.own[place]),
            int(self.used[place]),
            None if np.isnan(score) else score,
            float(self.p[place]),
            float(self.floor[place]),
        )
        left = len(faces) - draft.outside - draft.own
        adjusted, q = float(self.p_adjusted[place]), float(self.q[place])
        steps, asked = int(self.steps[place]), int(self.asked[place])
        verdict = self.judges[number].verdict(draft, left, adjusted, steps, asked)
        sure = self.scored.detected[faces]
        return Answer(
            unit=unit.name,
            auditor=self.names[number],
            photos=len(faces) + unit.merged,
            merged=unit.merged,
            outside=draft.outside,
            own=draft.own,
            used=draft.used,
            detected=None if np.isnan(sure).all() else float(np.nanmin(sure)),
            score=draft.score,
            p=draft.p,
            p_adjusted=adjusted,
            q=q,
            listed=verdict.outcome is Outcome.SCORES_LIKE_TRAINING_PHOTOS and q <= self.question.fdr,
            outcome=verdict.outcome,
            sentence=verdict.sentence,
            floor=draft.floor,
            one_in=verdict.one_in,
            about=verdict.about,
            posterior=verdict.posterior,
        )

    def smallest(self, count: int) -> list[Answer]:
        """The answers of the `count` smallest adjusted p, rising."""
        return [self[int(place)] for place in np.argsort(self.p_adjusted, kind="stable")[:count]]

    @property
    def list_floor(self) -> float:
        """What the smallest p that the calibration allows is multiplied by for a unit that alone reaches it; its q is
        that, or 1."""
        lowest = (self.floor * self.asked).reshape(len(self.units), -1).min(axis=1)
        return float(lowest.min() * len(self.units))


def _subject(auditors: Mapping[str, Auditor]) -> str:
    known = {auditor.card.subject for auditor in auditors.values()}
    return known.pop() if len(known) == 1 else FACES


def summary(answers: Sequence[Answer]) -> dict[Outcome, int]:
    """How many answers have each outcome."""
    counts = dict.fromkeys(Outcome, 0)
    for each in answers:
        counts[each.outcome] += 1
    return counts
