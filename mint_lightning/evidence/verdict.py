"""The verdict on one image: what its score may be taken to say, and at which error rate."""

from dataclasses import dataclass, replace

import numpy as np

from mint_lightning.errors import UserError
from mint_lightning.evidence.calibration import rounds
from mint_lightning.evidence.claim import DECLARED
from mint_lightning.evidence.conformal import Calibration
from mint_lightning.evidence.document import Document
from mint_lightning.evidence.rates import clopper_pearson, identity_rate
from mint_lightning.evidence.scoreset import ScoreSet
from mint_lightning.evidence.types import Claim, Estimate, Outcome

ALPHA = 0.01
BOUND = 0.95


@dataclass(frozen=True)
class ErrorRate(Document):
    """How often outsiders pass p <= alpha, identities weighing equally: of the external set where it is highest.

    bound: the one-sided upper 95 % bound, which is what people are shown. left_out: whether the set was left out of
    the calibration that judged it; with one set only it cannot be, and the rate is valid for photos like `valid_for`.
    """

    alpha: float
    rate: Estimate
    bound: float
    left_out: bool
    valid_for: str

    @property
    def one_in(self) -> int:
        """N of "1 in N outsiders does too"."""
        return max(int(1.0 / self.bound + 1e-9), 1)


@dataclass(frozen=True)
class Verdict(Document):
    """What is said of one image: outcome, p-value, the smallest p the calibration can give, and the sentence."""

    outcome: Outcome
    p: float
    floor: float
    alpha: float
    one_in: int | None
    about: str | None
    sentence: str


def error_rate(scores: ScoreSet, *, alpha: float = ALPHA) -> ErrorRate:
    """The error rate of the rule p <= alpha on the test externals of `scores` (out-of-fold where cross-fitted).

    Several external sets: each is judged by the calibration of the others, as a set nobody foresaw would be, and the
    one with the highest bound is shown. No externals to measure on: `UserError`.
    """
    if not 0.0 < alpha < 1.0:
        raise UserError(f"alpha is {alpha}; it must lie between 0 and 1.")
    source, external = scores.source, scores.external
    passed, judged, left_out = (np.zeros(len(scores), bool) for _ in range(3))
    for setting, applied in rounds(scores):
        calibration = Calibration.of(_as_calibrate(scores.where(setting & external)))
        for name in np.unique(source[applied & external]):
            rows = applied & external & (source == name)
            others = calibration.without(str(name))
            passed[rows] = (others if others.sets else calibration).p_values(scores.score[rows]) <= alpha
            judged[rows], left_out[rows] = True, bool(others.sets)
    if not judged.any():
        raise UserError(f"The scores on {scores.network!r} hold no externals in test: no error rate can be measured.")
    rates = []
    for name in np.unique(source[judged]):
        rows = judged & (source == name)
        rates.append(_measured(passed[rows], scores.identity[rows], alpha, bool(left_out[rows].all()), str(name)))
    return max(rates, key=lambda rate: rate.bound)


def judge(
    score: float, calibration: Calibration, claim: Claim | None, error: ErrorRate, *, outside: bool = False
) -> Verdict:
    """The verdict on an image of that score.

    claim: of the row whose head gave the score; None (an auditor without controls) never claims. outside: whether the
    image lies outside what the auditor was calibrated on.
    """
    p, floor, alpha = float(calibration.p_values([score])[0]), calibration.floor, error.alpha

    def verdict(outcome: Outcome, sentence: str, one_in: int | None = None, about: str | None = None) -> Verdict:
        return Verdict(outcome, p, floor, alpha, one_in, about, sentence)

    if outside:
        return verdict(Outcome.OUTSIDE, "The image is unlike those the auditor was calibrated on: no answer.")
    if floor > alpha:
        why = f"its calibration allows no rate below {_percent(floor)}"
        return verdict(Outcome.NOT_DISTINGUISHABLE, f"Not resolvable at {_percent(alpha)}: {why}.")
    if p > alpha:
        return verdict(Outcome.NOT_DISTINGUISHABLE, f"Outsiders often score as high (p = {p:.2g}).")
    if claim is None or not claim.may_claim:
        why = claim.reason if claim is not None else "No control was run for this auditor."
        return verdict(Outcome.CANNOT_TELL, f"It scores higher than outsiders do (p = {p:.2g}), but: {why}")
    scope = f" Valid for photos like {error.valid_for}." if not error.left_out else ""
    declared = " That the partition is random is declared, not verified." if claim.route == DECLARED else ""
    return verdict(
        Outcome.SCORES_LIKE_TRAINING_PHOTOS,
        f"It scores like training photos; 1 in {error.one_in} outsiders does too (p = {p:.2g}).{scope}{declared}",
        error.one_in,
        claim.about,
    )


def _as_calibrate(scores: ScoreSet) -> ScoreSet:
    return replace(scores, split=np.full(len(scores), "calibrate"), fold=None)


def _measured(passed: np.ndarray, identity: np.ndarray, alpha: float, left_out: bool, name: str) -> ErrorRate:
    rate = identity_rate(passed, identity)
    successes = rate.value * rate.identities
    _, bound = clopper_pearson(min(successes, rate.identities), rate.identities, level=2.0 * BOUND - 1.0)
    return ErrorRate(alpha, rate, bound, left_out, name)


def _percent(rate: float) -> str:
    return f"{100 * rate:.2g} %"
