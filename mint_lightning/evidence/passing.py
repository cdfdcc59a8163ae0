"""How often the rule p <= alpha is passed on test: by outsiders, which is its error, and by training photos."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.evidence.calibration import rounds
from mint_lightning.evidence.conformal import Calibration
from mint_lightning.evidence.document import Document
from mint_lightning.evidence.estimates import Estimate
from mint_lightning.evidence.persons import PersonCalibration
from mint_lightning.evidence.rates import clopper_pearson, identity_rate
from mint_lightning.evidence.scoreset import Bools, ScoreSet

ALPHA = 0.01
BOUND = 0.95


@dataclass(frozen=True)
class ErrorRate(Document):
    """How often outsiders pass p <= alpha, identities weighing equally: of the external set where it is highest.

    bound: the one-sided upper 95 % bound, which is what people are shown. left_out: whether nothing that judged the set
    knew it; with one set only, or a head that learnt from all of them, it cannot be, and the rate is valid for photos
    like `valid_for`. photos: of one person judged together; people with fewer could not be.
    """

    alpha: float
    rate: Estimate
    bound: float
    left_out: bool
    valid_for: str
    photos: int = 1

    @property
    def one_in(self) -> int:
        """N of "1 in N outsiders does too"."""
        return max(int(1.0 / self.bound + 1e-9), 1)


def error_rate(scores: ScoreSet, *, alpha: float = ALPHA, photos: int = 1, fitted: bool = False) -> ErrorRate:
    """The error rate of the rule p <= alpha on the test externals of `scores` (out-of-fold where cross-fitted).

    Several external sets: each is judged by the calibration of the others, as a set nobody foresaw would be, and the
    one with the highest bound is shown. photos: judge so many photos of a person together, the first of each person
    who has them. fitted: the scores are of a head, which learnt from every external set. No externals to measure on:
    `UserError`.
    """
    if not 0.0 < alpha < 1.0:
        raise UserError(f"alpha is {alpha}; it must lie between 0 and 1.")
    found: dict[str, list[tuple[NDArray[np.bool_], NDArray[np.str_], bool]]] = {}
    for calibration, applied in _calibrations(scores):
        for name in np.unique(scores.source[applied & scores.external]).tolist():
            rows = applied & scores.external & (scores.source == name)
            others = calibration.without(name)
            passed, identity = _passed(scores, rows, others if others.sets else calibration, alpha, photos)
            if len(passed):
                found.setdefault(name, []).append((passed, identity, bool(others.sets)))
    if not found:
        many = f" with {photos} photos" if photos > 1 else ""
        raise UserError(f"The scores on {scores.network!r} hold no externals{many} in test: no error rate is known.")
    rates = []
    for name, parts in found.items():
        rate = identity_rate(np.concatenate([p for p, _, _ in parts]), np.concatenate([i for _, i, _ in parts]))
        successes = min(rate.value * rate.identities, rate.identities)
        _, bound = clopper_pearson(successes, rate.identities, level=2.0 * BOUND - 1.0)
        left_out = not fitted and all(left for _, _, left in parts)
        rates.append(ErrorRate(alpha, rate, bound, left_out, " and ".join(found) if fitted else name, photos))
    return max(rates, key=lambda rate: rate.bound)


def hit_rate(scores: ScoreSet, *, alpha: float = ALPHA, photos: int = 1) -> Estimate | None:
    """Share of training photos of test (or of people, `photos` of them together) that pass p <= alpha, identities
    weighing equally; None where there are none."""
    parts = [
        _passed(scores, applied & scores.member, calibration, alpha, photos)
        for calibration, applied in _calibrations(scores)
    ]
    passed = np.concatenate([p for p, _ in parts]) if parts else np.empty(0, bool)
    if not len(passed):
        return None
    return identity_rate(passed, np.concatenate([identity for _, identity in parts]))


def _calibrations(scores: ScoreSet) -> Iterator[tuple[Calibration, Bools]]:
    """The calibration of each round, and the images it may judge."""
    for setting, applied in rounds(scores):
        externals = scores.where(setting & scores.external)
        yield Calibration.of(replace(externals, split=np.full(len(externals), "calibrate"), fold=None)), applied


def _passed(
    scores: ScoreSet, rows: Bools, calibration: Calibration, alpha: float, photos: int
) -> tuple[NDArray[np.bool_], NDArray[np.str_]]:
    """Whether each image (or person with `photos` images) of `rows` passes, and whose it is."""
    identity = scores.identity[rows]
    if photos == 1:
        return calibration.p_values(scores.score[rows]) <= alpha, identity
    people, own = PersonCalibration(calibration), scores.score[rows]
    passed, names = [], []
    for name in np.unique(identity).tolist():
        given = own[identity == name][:photos]
        if len(given) == photos:
            passed.append(people.p(given, alpha).p <= alpha)
            names.append(name)
    return np.array(passed, bool), np.array(names, dtype=str)
