"""Paired differences, the excess, Holm's adjustment and the margin over references."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t

from mint_lightning.evidence import auc, auc_difference, auc_interval, bonferroni_level, excess, holm
from mint_lightning.evidence.comparison import chance_p, reference_margin
from mint_lightning.evidence.influence import Cohort, influence
from tests.unit.evidence_data import clustered

pytestmark = pytest.mark.unit


def delong_test(first, second, member):
    """(difference, standard error) of DeLong's paired test, from the covariance of placements."""
    parts = []
    for score in (first, second):
        wins = (score[member][:, None] > score[~member]) + 0.5 * (score[member][:, None] == score[~member])
        parts.append((wins.mean(1), wins.mean(0), wins.mean()))
    by_member, by_external = (np.cov(parts[0][k], parts[1][k]) for k in (0, 1))
    covariance = by_member / member.sum() + by_external / (~member).sum()
    contrast = np.array([1.0, -1.0])
    return parts[0][2] - parts[1][2], float(contrast @ covariance @ contrast) ** 0.5


def test_difference_is_delongs_paired_test_with_one_image_per_identity():
    generator = np.random.default_rng(0)
    member = np.arange(2000) < 1000
    shared = generator.standard_normal(2000)
    first, second = (shared + generator.standard_normal(2000) + lift * member for lift in (0.5, 0.3))
    found = auc_difference(first, [second], member, np.arange(2000))
    gap, error = delong_test(first, second, member)
    assert found.estimate.value == pytest.approx(gap, abs=1e-12)
    assert found.estimate.low == pytest.approx(gap - 1.96 * error, abs=2e-4)
    assert found.estimate.high == pytest.approx(gap + 1.96 * error, abs=2e-4)
    assert found.p == pytest.approx(norm.sf(gap / error), rel=0.05)


def test_pairing_makes_the_difference_surer_than_two_intervals():
    generator = np.random.default_rng(1)
    score, member, identity = clustered(generator, 100, shift=0.5, correlation=0.5)
    other = score + 0.3 * generator.standard_normal(score.size)
    found = auc_difference(score, [other], member, identity).estimate
    alone = auc_interval(score, member, identity)
    assert found.high - found.low < 0.5 * (alone.high - alone.low)


def test_several_others_count_as_the_mean_of_their_aucs():
    generator = np.random.default_rng(2)
    score, member, identity = clustered(generator, 60, shift=0.5)
    others = [generator.standard_normal(score.size) for _ in range(3)]
    found = auc_difference(score, others, member, identity).estimate
    expected = auc(score, member) - np.mean([auc(other, member) for other in others])
    assert found.value == pytest.approx(expected, abs=1e-12)


def test_a_score_does_not_exceed_itself():
    score, member, identity = clustered(np.random.default_rng(3), 40, shift=0.5)
    same = auc_difference(score, [score], member, identity)
    assert same.estimate.value == 0.0
    assert same.estimate.low < 0.0 < same.estimate.high
    assert same.p == 1.0


def test_collapsed_scores_give_a_wide_interval_and_an_honest_p():
    member, identity = np.arange(12) < 6, np.arange(12)
    few = auc_difference(member.astype(float), [np.zeros(12)], member, identity)
    many = auc_difference(np.tile(member, 20).astype(float), [np.zeros(240)], np.tile(member, 20), np.arange(240))
    assert few.estimate.value == many.estimate.value == 0.5
    assert few.p > 0.01
    assert many.p < 1e-6
    assert few.estimate.low < 0.05 < many.estimate.low
    assert auc_difference(np.zeros(12), [np.zeros(12)], member, identity).p == 1.0


def test_p_of_the_reverse_difference_is_large():
    score, member, identity = clustered(np.random.default_rng(4), 80, shift=1.0)
    noise = np.random.default_rng(5).standard_normal(score.size)
    assert auc_difference(score, [noise], member, identity).p < 0.001
    assert auc_difference(noise, [score], member, identity).p > 0.999
    assert auc_difference(np.zeros(score.size), [score], member, identity).p == 1.0


def null_p_values(simulations, identities, correlation, seed):
    generator, found = np.random.default_rng(seed), []
    for _ in range(simulations):
        score, member, identity = clustered(generator, identities, shift=0.4, correlation=correlation)
        other = clustered_like(generator, identity, correlation)
        found.append(auc_difference(score, [other + 0.4 * member], member, identity).p)
    return np.array(found)


def clustered_like(generator, identity, correlation):
    person = generator.standard_normal(identity.max() + 1)[identity]
    return correlation**0.5 * person + (1 - correlation) ** 0.5 * generator.standard_normal(identity.size)


def test_p_values_of_equal_scores_are_uniform_enough():
    p_values = null_p_values(300, 50, 0.5, seed=6)
    assert (p_values < 0.05).mean() < 0.09
    assert 0.4 < np.median(p_values) < 0.6


@pytest.mark.slow
@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6])
def test_p_values_hold_their_rate(correlation):
    p_values = null_p_values(2000, 100, correlation, seed=7)
    assert 0.036 <= (p_values < 0.05).mean() <= 0.064


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values):
    adjusted = holm(p_values)
    order = np.argsort(p_values, kind="stable")
    rejected, going = np.zeros(len(p_values), bool), True
    for step, index in enumerate(order):
        going = going and p_values[index] * (len(p_values) - step) < 0.05
        rejected[index] = going
    assert ((adjusted < 0.05) == rejected).all()
    assert (adjusted >= np.array(p_values)).all()
    assert (adjusted <= 1).all()


def test_holm_of_known_values():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]).size == 0


def test_bonferroni_level():
    assert bonferroni_level(1) == pytest.approx(0.95)
    assert bonferroni_level(5) == pytest.approx(0.99)


def test_excess_is_the_smallest_difference_with_the_lowest_bounds_and_the_largest_p():
    generator = np.random.default_rng(8)
    score, member, identity = clustered(generator, 200, shift=1.0)
    weak, strong = generator.standard_normal(score.size), 0.6 * score + 0.5 * generator.standard_normal(score.size)
    terms = [
        auc_difference(score, [weak], member, identity, name="weak"),
        auc_difference(score, [strong], member, identity, name="strong"),
    ]
    found = excess(terms, not_run=("references",))
    assert found.control == "strong"
    assert found.value == min(term.estimate.value for term in terms)
    assert found.low == min(term.estimate.low for term in terms)
    assert found.high == min(term.estimate.high for term in terms)
    assert found.p == found.p_holm == max(term.p for term in terms)
    assert found.finds
    assert not excess(terms, p_holm=0.05).finds
    assert excess(terms, chance=0.4).p == 0.4


def test_a_row_at_chance_is_not_lifted_by_controls_below_it():
    generator = np.random.default_rng(9)
    _, member, identity = clustered(generator, 400)
    score = generator.standard_normal(member.size)
    below = generator.standard_normal(member.size) - 0.5 * member
    term = auc_difference(score, [below], member, identity)
    chance = chance_p(influence(score, Cohort.of(member, identity)))
    assert term.p < 0.001
    assert chance > 0.05
    assert not excess([term], chance=chance).finds


def test_chance_p_of_perfect_scores_is_the_sign_test():
    member = np.arange(20) < 8
    assert chance_p(influence(member, Cohort.of(member, np.arange(20)))) == pytest.approx(0.5**8)
    assert chance_p(influence(~member, Cohort.of(member, np.arange(20)))) == 1.0


def test_reference_margin_is_the_formula():
    generator = np.random.default_rng(10)
    score, member, identity = clustered(generator, 200, shift=0.8)
    cohort = Cohort.of(member, identity)
    references = [influence(generator.standard_normal(score.size) + 0.3 * member, cohort) for _ in range(4)]
    audited = influence(score, cohort)
    gap, margin, p = reference_margin(audited, references)
    values = np.array([reference.value for reference in references])
    centre = (references[0] + references[1] + references[2] + references[3]) * 0.25
    error = ((audited - centre).variance() + values.var(ddof=1) * (1 + 1 / 4)) ** 0.5
    assert gap == pytest.approx(audited.value - values.mean(), abs=1e-12)
    assert margin == pytest.approx(t.ppf(0.975, 3) * error, rel=1e-9)
    assert p == pytest.approx(t.sf(gap / error, 3), rel=1e-9)
    assert (gap > margin) == (p < 0.025)


@pytest.mark.slow
def test_a_network_like_its_references_exceeds_them_no_more_than_nominally():
    """M drawn as the references are, each network with its own AUC: claims at the 2.5 % that the t quantile sets."""
    generator, claims, simulations = np.random.default_rng(11), 0, 2000
    _, member, identity = clustered(generator, 100)
    cohort = Cohort.of(member, identity)
    for _ in range(simulations):
        lifts = 0.6 + 0.15 * generator.standard_normal(6)
        ranks = [influence(generator.standard_normal(member.size) + lift * member, cohort) for lift in lifts]
        claims += reference_margin(ranks[0], ranks[1:])[2] < 0.025
    assert claims / simulations <= 0.025 + 0.008
