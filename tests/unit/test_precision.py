"""Precision at a prior: Bayes' rule on realised rates, and a lower bound that holds."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri
from scipy.stats import beta

from mint_lightning.errors import UserError
from mint_lightning.evidence import clustered_rate, operating_point
from mint_lightning.evidence.estimates import OperatingPoint
from mint_lightning.evidence.precision import PRIORS, precision, precisions
from tests.unit.evidence_data import clustered, score_set

pytestmark = pytest.mark.unit


def point(hits: int, members: int, false: int, externals: int, *, level: float = 0.95) -> OperatingPoint:
    """An operating point of as many passing images, one for each identity."""
    tpr = clustered_rate(np.arange(members) < hits, np.arange(members), level=level)
    return OperatingPoint(
        0.01, True, 0.0, tpr, clustered_rate(np.arange(externals) < false, np.arange(externals), level=level)
    )


def test_it_is_the_share_of_members_among_what_passes_a_mixed_crowd():
    """With as many members among those asked about as the prior says, counting gives the same."""
    scores = score_set(np.random.default_rng(0), shift=2.0, identities=1200, photos=1)
    found = operating_point(scores, 0.1)
    test = scores.split == "test"
    passed = scores.score >= found.threshold
    right, wrong = passed[test & scores.member].sum(), passed[test & scores.external].sum()
    assert precision(found, 0.5).value == pytest.approx(right / (right + wrong))
    assert precision(found, 0.1).value == pytest.approx(right / (right + 9 * wrong))
    assert precision(found, 0.5).images == test.sum()


def test_the_bound_takes_both_rates_at_half_the_error_each():
    found = precision(point(40, 200, 3, 1500), 0.1)
    low, high = beta.ppf(0.025, 40, 161), beta.ppf(0.975, 4, 1497)
    assert found.low == pytest.approx(0.1 * low / (0.1 * low + 0.9 * high), rel=1e-9)
    assert (found.high, found.level) == (1.0, 0.95)


def test_no_false_positive_gives_no_certainty():
    found = precision(point(150, 200, 0, 1000), 0.01)
    upper = 1 - 0.025 ** (1 / 1000)  # Clopper-Pearson of 0 of 1,000
    lower = beta.ppf(0.025, 150, 51)
    assert found.value == 1.0
    assert found.low == pytest.approx(0.01 * lower / (0.01 * lower + 0.99 * upper), rel=1e-9)
    assert found.low < 0.7


def test_photos_of_few_people_bound_less_than_as_many_of_many():
    tpr = clustered_rate(np.arange(1000) < 700, np.arange(1000))
    many, few = (clustered_rate(np.zeros(1000), people) for people in (np.arange(1000), np.arange(1000) % 50))
    bounds = [precision(OperatingPoint(0.01, True, 0.0, tpr, fpr), 0.1).low for fpr in (many, few)]
    assert bounds[1] < bounds[0]


@given(st.integers(1, 60), st.integers(0, 60), st.floats(0.001, 0.999))
def test_the_bound_lies_below_and_both_rise_with_the_prior(hits, false, prior):
    one = point(hits, 60, false, 60)
    found, rarer = precision(one, prior), precision(one, prior / 2)
    assert 0.0 <= found.low <= found.value <= 1.0
    assert rarer.low <= found.low
    assert rarer.value <= found.value


def test_nothing_that_passes_and_nothing_resolvable_have_no_precision():
    assert precision(point(0, 50, 0, 50), 0.5) is None
    unresolved = OperatingPoint(0.01, False, None, None, None, "too few")
    assert precision(unresolved, 0.5) is None
    assert precisions([unresolved]) == ()
    with pytest.raises(UserError, match="prior is 1"):
        precision(point(1, 50, 1, 50), 1.0)


def test_one_percent_is_taken_where_it_is_resolvable_else_the_smallest_rate_that_is():
    points = [replace(point(20, 50, 5, 50), fpr_target=fpr) for fpr in (0.1, 0.01, 0.001)]
    assert [(each.prior, each.fpr_target) for each in precisions(points)] == [(prior, 0.01) for prior in PRIORS]
    points[1] = replace(points[1], resolvable=False, tpr=None, realised_fpr=None)
    points[2] = points[1]
    assert {each.fpr_target for each in precisions(points)} == {0.1}


def coverage(correlation: float, simulations: int, seed: int) -> float:
    """Share of lower bounds at or below the true precision at a fixed threshold, photos clustered by person."""
    generator, held, cut = np.random.default_rng(seed), 0, ndtri(0.99)
    truth = 0.1 * ndtr(1.0 - cut) / (0.1 * ndtr(1.0 - cut) + 0.9 * 0.01)
    for _ in range(simulations):
        score, member, identity = clustered(generator, 400, shift=1.0, correlation=correlation)
        rates = [clustered_rate(score[group] >= cut, identity[group]) for group in (member, ~member)]
        held += precision(OperatingPoint(0.01, True, cut, *rates), 0.1).low <= truth
    return held / simulations


def test_the_bound_holds_in_95_percent_of_samples():
    assert coverage(0.3, 150, seed=1) >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6])
def test_the_bound_holds_in_95_percent_of_2000_samples(correlation):
    assert coverage(correlation, 2000, seed=2) >= 0.95
