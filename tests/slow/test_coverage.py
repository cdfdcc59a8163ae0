"""Coverage of the intervals of the AUC, over thousands of simulated audits whose truth is known.

About ten minutes. `python -m tests.slow.test_coverage` prints the shares.
"""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from mint_lightning.evidence import Estimate, auc_interval, bootstrap_auc
from tests.unit.evidence_data import clustered

pytestmark = pytest.mark.slow

SIMULATIONS, IDENTITIES, SEED = 2000, 100, 11
CORRELATIONS = (0.0, 0.3, 0.6)
TRUTHS = (0.65, 0.8, 0.5, 0.95)


def coverage(truth: float, correlation: float, *, draws: int = 1000) -> dict[str, float]:
    """Share of 95 % intervals of either kind that hold the true AUC: 100 identities a class, of 1 to 4 images each."""
    shift, generator = 2**0.5 * ndtri(truth), np.random.default_rng(SEED)
    assert ndtr(shift / 2**0.5) == pytest.approx(truth)
    hits = {"jackknife": 0, "bootstrap": 0}
    for number in range(SIMULATIONS):
        images = clustered(generator, IDENTITIES, shift=shift, correlation=correlation)
        drawn = bootstrap_auc(*images, draws=draws, seed=number) if draws else None
        for name, figure in (("jackknife", auc_interval(*images)), ("bootstrap", drawn)):
            hits[name] += figure is not None and holds(figure, truth)
    return {name: count / SIMULATIONS for name, count in hits.items()}


def holds(figure: Estimate, truth: float) -> bool:
    """Whether the interval contains the truth."""
    return figure.low <= truth <= figure.high


@pytest.mark.parametrize("correlation", CORRELATIONS)
@pytest.mark.parametrize("truth", TRUTHS)
def test_intervals_of_the_auc_cover_between_93_5_and_96_5_percent(truth: float, correlation: float) -> None:
    found = coverage(truth, correlation)
    assert 0.935 <= found["jackknife"] <= 0.965, found
    assert 0.935 <= found["bootstrap"] <= 0.965, found


if __name__ == "__main__":
    for truth in TRUTHS:
        for correlation in CORRELATIONS:
            print(f"AUC {truth}, correlation {correlation}: {coverage(truth, correlation)}", flush=True)
