"""How often a positive answer is right, for who knows how many of the photos asked about were trained on."""

from dataclasses import dataclass

from mint_lightning.evidence.document import Document
from mint_lightning.evidence.passing import ErrorRate
from mint_lightning.evidence.precision import bayes
from mint_lightning.evidence.types import Estimate


@dataclass(frozen=True)
class Posterior(Document):
    """Precision of "scores like training photos" where a share `prior` of what is asked about was trained on.

    value from the measured rates; low: at least so often, at 95 % confidence.
    """

    prior: float
    value: float
    low: float


def posterior(prior: float, hit: Estimate, error: ErrorRate) -> Posterior:
    """prior x TPR / (prior x TPR + (1 - prior) x FPR).

    low takes the lower end of the TPR's and the upper end of the FPR's two-sided 95 % interval: each is missed with
    probability 2.5 %, so both hold together with 95 %.
    """
    return Posterior(prior, bayes(prior, hit.value, error.rate.value), bayes(prior, hit.low, error.rate.high))
