"""The verdict on a photo or a person: what a score may be taken to say, and at which error rate."""

from dataclasses import dataclass

import numpy as np

from mint_lightning.evidence.claim import DECLARED
from mint_lightning.evidence.document import Document
from mint_lightning.evidence.outcome import Claim, Outcome
from mint_lightning.evidence.passing import ErrorRate
from mint_lightning.evidence.posterior import Posterior
from mint_lightning.evidence.words import FACES, words


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


def judge_p(
    p: float,
    floor: float,
    alpha: float,
    claim: Claim | None,
    error: ErrorRate | None,
    *,
    photos: int = 1,
    asked: int = 1,
    left_aside: str | None = None,
    outside: bool = False,
    barred: str | None = None,
    posterior: Posterior | None = None,
    language: str = "en",
    subject: str = FACES,
) -> Verdict:
    """The verdict on a photo, or on `photos` photos of one person; p is already adjusted for all `asked` at once.

    floor: the smallest p that the calibration allows before that. claim: of the row whose head gave the score; None (an
    auditor without controls) never claims, nor does one without an error rate, and none accuses where training photos
    were not shown to pass more often than outsiders'. outside: whether the image lies outside what the auditor was
    calibrated on. left_aside: name of the sentence why there is no answer, where it is another; barred: of the one why
    nothing may be claimed of this photo. subject: what the photos show.
    """
    say, one = words(language, subject), photos == 1

    def verdict(outcome: Outcome, name: str, **values: str) -> Verdict:
        return Verdict(outcome, p, floor, alpha, None, None, say(name, **values))

    if outside or left_aside:
        return verdict(Outcome.OUTSIDE, left_aside or "outside")
    known = {"p": f"{p:.2g}", "photos": str(photos)}
    if p > alpha:
        least = min(floor * asked, 1.0)
        if least > alpha:
            name = "not_resolvable" if asked == 1 else "not_resolvable_together"
            rates = {"alpha": percent(alpha), "floor": percent(least), "asked": str(asked)}
            return verdict(Outcome.NOT_DISTINGUISHABLE, name, **rates)
        return verdict(Outcome.NOT_DISTINGUISHABLE, "often" if one else "often_person", **known)
    if claim is None:
        barred = barred or "no_control"
    elif claim.may_claim and not barred:
        barred = "no_error_rate" if error is None else "no_hit_rate" if posterior is None else None
    if barred or claim is None or not claim.may_claim or error is None or posterior is None:
        why = say(barred) if barred else claim.why(language, subject) if claim is not None else ""
        return verdict(Outcome.CANNOT_TELL, "high_but" if one else "high_but_person", **known, why=why)
    if not posterior.informs:
        rates = {"tpr": percent(posterior.hit.value), "fpr": percent(posterior.error.value)}
        return verdict(Outcome.NOT_DISTINGUISHABLE, "no_better", **known, **rates)
    parts = [say("claims" if one else "claims_person", **known, one_in=str(error.one_in))]
    if not error.left_out:
        parts.append(say("valid_for", source=error.valid_for))
    if claim.route == DECLARED:
        parts.append(say("declared"))
    parts.append(say("posterior", prior=percent(posterior.prior), low=percent(posterior.low)))
    outcome = Outcome.SCORES_LIKE_TRAINING_PHOTOS
    return Verdict(outcome, p, floor, alpha, error.one_in, claim.about, " ".join(parts), posterior)


def percent(rate: float) -> str:
    """A rate for people: two digits, never as a power of ten."""
    return f"{np.format_float_positional(100 * rate, precision=2, fractional=False, trim='-')} %"
