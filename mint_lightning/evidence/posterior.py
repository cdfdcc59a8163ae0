"""How often a positive answer is right, for who knows how many of the photos asked about were trained on."""

from dataclasses import dataclass

from mint_lightning.evidence.document import Document
from mint_lightning.evidence.estimates import Estimate
from mint_lightning.evidence.passing import ErrorRate
from mint_lightning.evidence.precision import bayes


@dataclass(frozen=True)
class Posterior(Document):
    """Precision of "scores like training photos" where a share `prior` of what is asked about was trained on.

    value from the measured rates, None where no outsider passed, which says only that there are few; low: at least so
    often, at 95 % confidence; hit, error: the rates.
    """

    prior: float
    value: float | None
    low: float
    hit: Estimate
    error: Estimate

    @property
    def informs(self) -> bool:
        """Whether such an answer is, at 95 % confidence, more often right than one given at random: at every prior
        alike, for it means that training photos pass more often than outsiders' do."""
        return self.low > self.prior


def posterior(prior: float, hit: Estimate, error: ErrorRate) -> Posterior:
    """prior x TPR / (prior x TPR + (1 - prior) x FPR).

    low takes the lower end of the TPR's and the upper end of the FPR's two-sided 95 % interval: each is missed with
    probability 2.5 %, so both hold together with 95 %.
    """
    value = bayes(prior, hit.value, error.rate.value) if error.rate.value > 0.0 else None
    return Posterior(prior, value, bayes(prior, hit.low, error.rate.high), hit, error.rate)
