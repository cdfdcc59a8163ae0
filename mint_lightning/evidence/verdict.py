"""The verdict on a photo or a person: what a score may be taken to say, and at which error rate."""

from dataclasses import dataclass

from mint_lightning.evidence.claim import DECLARED
from mint_lightning.evidence.conformal import Calibration
from mint_lightning.evidence.document import Document
from mint_lightning.evidence.passing import ErrorRate
from mint_lightning.evidence.posterior import Posterior
from mint_lightning.evidence.types import Claim, Outcome
from mint_lightning.evidence.words import words


@dataclass(frozen=True)
class Verdict(Document):
    """What is said of a photo or a person: outcome, p-value, the smallest p the calibration can give, the sentence.

    one_in, about and posterior come with the one outcome that accuses.
    """

    outcome: Outcome
    p: float
    floor: float
    alpha: float
    one_in: int | None
    about: str | None
    sentence: str
    posterior: Posterior | None = None


def judge(
    score: float, calibration: Calibration, claim: Claim | None, error: ErrorRate, *, outside: bool = False
) -> Verdict:
    """The verdict on an image of that score; see `judge_p`."""
    p = float(calibration.p_values([score])[0])
    return judge_p(p, calibration.floor, error.alpha, claim, error, outside=outside)


def judge_p(
    p: float,
    floor: float,
    alpha: float,
    claim: Claim | None,
    error: ErrorRate | None,
    *,
    photos: int = 1,
    outside: bool = False,
    posterior: Posterior | None = None,
    language: str = "en",
) -> Verdict:
    """The verdict on a photo, or on `photos` photos of one person; p is already adjusted for all that was asked.

    floor: the smallest p that the calibration allows. claim: of the row whose head gave the score; None (an auditor
    without controls) never claims, nor does one without an error rate. outside: whether the image lies outside what
    the auditor was calibrated on.
    """
    say, one = words(language), photos == 1

    def verdict(outcome: Outcome, name: str, **values: object) -> Verdict:
        return Verdict(outcome, p, floor, alpha, None, None, say(name, **values))

    if outside:
        return verdict(Outcome.OUTSIDE, "outside")
    if floor > alpha:
        return verdict(Outcome.NOT_DISTINGUISHABLE, "not_resolvable", alpha=_percent(alpha), floor=_percent(floor))
    if p > alpha:
        return verdict(Outcome.NOT_DISTINGUISHABLE, "often" if one else "often_person", p=f"{p:.2g}", photos=photos)
    if claim is None or not claim.may_claim or error is None:
        why = say("no_control") if claim is None else claim.reason if not claim.may_claim else say("no_error_rate")
        name = "high_but" if one else "high_but_person"
        return verdict(Outcome.CANNOT_TELL, name, p=f"{p:.2g}", photos=photos, why=why)
    parts = [say("claims" if one else "claims_person", p=f"{p:.2g}", photos=photos, one_in=error.one_in)]
    if not error.left_out:
        parts.append(say("valid_for", source=error.valid_for))
    if claim.route == DECLARED:
        parts.append(say("declared"))
    if posterior is not None:
        parts.append(say("posterior", prior=_percent(posterior.prior), low=_percent(posterior.low)))
    outcome = Outcome.SCORES_LIKE_TRAINING_PHOTOS
    return Verdict(outcome, p, floor, alpha, error.one_in, claim.about, " ".join(parts), posterior)


def _percent(rate: float) -> str:
    return f"{100 * rate:.2g} %"
