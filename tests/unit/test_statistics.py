"""The AUC and its intervals, against scikit-learn, scipy, closed forms, other implementations and simulation."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import binomtest, mannwhitneyu
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from mint_lightning.errors import UserError
from mint_lightning.evidence import auc, auc_interval, balanced_accuracy, bootstrap_auc
from mint_lightning.evidence.influence import Cohort, influence
from tests.unit.evidence_data import clustered

pytestmark = pytest.mark.unit


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=60))
def test_auc_is_that_of_scikit_learn_with_ties(pairs):
    score, member = np.array([p[0] for p in pairs], float), np.array([p[1] for p in pairs])
    if member.all() or not member.any():
        with pytest.raises(UserError, match="needs both classes"):
            auc(score, member)
        return
    assert auc(score, member) == pytest.approx(roc_auc_score(member, score), abs=1e-12)


def test_auc_is_the_mann_whitney_statistic():
    score, member, _ = clustered(np.random.default_rng(0), 50, shift=0.5)
    expected = mannwhitneyu(score[member], score[~member]).statistic / (member.sum() * (~member).sum())
    assert auc(score, member) == pytest.approx(expected, abs=1e-12)


def delong_variance(score, member):
    """DeLong et al. (1988) as written: the matrix of comparisons, then the sample variances of its means."""
    wins = (score[member][:, None] > score[~member]) + 0.5 * (score[member][:, None] == score[~member])
    return wins.mean(1).var(ddof=1) / member.sum() + wins.mean(0).var(ddof=1) / (~member).sum()


def obuchowski_variance(score, member, identity):
    """Obuchowski (1997) as written, identity by identity."""
    wins = (score[member][:, None] > score[~member]) + 0.5 * (score[member][:, None] == score[~member])
    theta, members, externals = wins.mean(), member.sum(), (~member).sum()
    people = np.unique(identity)
    of_members = [wins.mean(1)[identity[member] == person] for person in people]
    of_externals = [wins.mean(0)[identity[~member] == person] for person in people]
    a = np.array([each.sum() - each.size * theta for each in of_members])
    b = np.array([each.sum() - each.size * theta for each in of_externals])
    with_members, with_externals = sum(map(np.any, of_members)), sum(map(np.any, of_externals))
    s10 = with_members / ((with_members - 1) * members) * (a**2).sum()
    s01 = with_externals / ((with_externals - 1) * externals) * (b**2).sum()
    s11 = people.size / (people.size - 1) * (a * b).sum()
    return s10 / members + s01 / externals + 2 * s11 / (members * externals)


@pytest.mark.parametrize("ties", [False, True])
def test_variance_is_delongs_with_one_image_per_identity(ties):
    score, member, _ = clustered(np.random.default_rng(1), 60, shift=1.0)
    score = np.round(score) if ties else score
    ranking = influence(score, Cohort.of(member, np.arange(score.size)))
    assert ranking.variance() == pytest.approx(delong_variance(score, member), rel=1e-10)
    assert ranking.obuchowski() == pytest.approx(delong_variance(score, member), rel=1e-10)


def test_variance_is_obuchowskis_also_where_identities_hold_both_classes():
    generator = np.random.default_rng(2)
    score, _, identity = clustered(generator, 40, correlation=0.5)
    member = generator.random(score.size) < 0.4
    ranking = influence(score + 0.5 * member, Cohort.of(member, identity))
    expected = obuchowski_variance(score + 0.5 * member, member, identity)
    assert ranking.obuchowski() == pytest.approx(expected, rel=1e-10)


def test_variance_of_equally_large_identities_is_obuchowskis_and_of_unequal_ones_larger():
    generator = np.random.default_rng(3)
    identity = np.repeat(np.arange(60), 3)
    score, member = generator.standard_normal(180) + generator.standard_normal(60)[identity], identity < 30
    equal = influence(score, Cohort.of(member, identity))
    assert equal.variance() == pytest.approx(equal.obuchowski(), rel=1e-12)
    joined = np.where(identity < 8, 0, identity)
    unequal = influence(score, Cohort.of(member, joined))
    assert unequal.variance() > unequal.obuchowski()


@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_interval_agrees_with_the_identity_bootstrap(correlation):
    score, member, identity = clustered(np.random.default_rng(4), 150, shift=0.8, correlation=correlation)
    exact = auc_interval(score, member, identity)
    drawn = bootstrap_auc(score, member, identity, draws=1500, seed=1)
    assert drawn.value == exact.value
    assert drawn.high - drawn.low == pytest.approx(exact.high - exact.low, rel=0.1)
    assert drawn.low == pytest.approx(exact.low, abs=0.012)


def test_bootstrap_agrees_where_identities_hold_both_classes():
    generator = np.random.default_rng(5)
    score, _, identity = clustered(generator, 100, correlation=0.7)
    member = generator.random(score.size) < 0.5
    exact, drawn = auc_interval(score, member, identity), bootstrap_auc(score, member, identity, draws=1500)
    assert drawn.high - drawn.low == pytest.approx(exact.high - exact.low, rel=0.1)


def test_repeating_every_image_widens_nothing_and_narrows_nothing():
    """Five copies of each photo are no more evidence than one, which an interval over images would miss."""
    score, member, _ = clustered(np.random.default_rng(6), 80, shift=0.7)
    identity = np.arange(score.size)
    once = auc_interval(score, member, identity)
    five = auc_interval(np.tile(score, 5), np.tile(member, 5), np.tile(identity, 5))
    assert (five.low, five.high) == pytest.approx((once.low, once.high), abs=1e-9)
    assert (five.images, five.identities) == (5 * once.images, once.identities)


@pytest.mark.parametrize("perfect", [True, False])
def test_collapsed_interval_is_clopper_pearsons_over_identities_of_the_smaller_class(perfect):
    identity = np.repeat(np.arange(30), 4)
    member = identity < 10
    score = np.where(member, 1.0, 0.0) if perfect else np.where(member, 0.0, 1.0)
    figure = auc_interval(score, member, identity)
    exact = binomtest(10 if perfect else 0, 10).proportion_ci(method="exact")
    assert (figure.low, figure.high) == pytest.approx((exact.low, exact.high), abs=1e-12)
    assert figure.method == "Clopper-Pearson, n = identities"


def test_constant_scores_and_a_class_of_one_identity_have_wide_intervals():
    constant = auc_interval(np.zeros(40), np.arange(40) < 20, np.arange(40))
    assert constant.value == 0.5
    assert constant.low < 0.3
    assert constant.high > 0.7
    generator = np.random.default_rng(0)
    lonely = auc_interval(generator.standard_normal(60), np.arange(60) < 30, np.r_[np.zeros(30), np.arange(1, 31)])
    assert lonely.high - lonely.low > 0.9


def test_interval_stays_inside_and_widens_with_the_level():
    score, member, identity = clustered(np.random.default_rng(7), 12, shift=2.0)
    narrow, wide = auc_interval(score, member, identity), auc_interval(score, member, identity, level=0.999)
    assert 0 < wide.low < narrow.low < narrow.value < narrow.high < wide.high < 1
    assert wide.level == 0.999


def test_balanced_accuracy_is_that_of_scikit_learn():
    score, member, identity = clustered(np.random.default_rng(8), 40, shift=1.0)
    figure = balanced_accuracy(score, member, identity, 0.3)
    assert figure.value == pytest.approx(balanced_accuracy_score(member, score >= 0.3), abs=1e-12)
    assert figure.low < figure.value < figure.high


@pytest.mark.parametrize(
    ("score", "member", "identity", "sentence"),
    [
        ([0.1, np.nan], [True, False], [0, 1], "no finite numbers"),
        ([0.1, 0.2], [True, True], [0, 1], "none are externals"),
        ([0.1, 0.2], [False, False], [0, 1], "none are members"),
        ([0.1, 0.2, 0.3], [True, False], [0, 1], "3 scores but 2 labels"),
        ([0.1, 0.2], [True, False], [0, 1, 2], "2 labels but 3 identities"),
    ],
)
def test_what_cannot_be_ranked_is_refused(score, member, identity, sentence):
    with pytest.raises(UserError, match=sentence):
        auc_interval(score, member, identity)


def test_two_hundred_thousand_scores_take_under_a_second():
    generator = np.random.default_rng(0)
    score, member = generator.standard_normal(200_000), generator.random(200_000) < 0.5
    identity = np.array([f"db/person {each}" for each in generator.integers(0, 40_000, 200_000)])
    auc_interval(score[:1000], member[:1000], identity[:1000])
    start = time.process_time()
    figure = auc_interval(score, member, identity)
    assert time.process_time() - start < 1.0
    assert figure.identities == np.unique(identity).size


def coverage(simulations, identities, shift, correlation, seed=0):
    truth, generator = ndtr(shift / 2**0.5), np.random.default_rng(seed)
    hits = 0
    for _ in range(simulations):
        figure = auc_interval(*clustered(generator, identities, shift=shift, correlation=correlation))
        hits += figure.low <= truth <= figure.high
    return hits / simulations


def test_coverage_is_about_95_percent():
    assert 0.90 <= coverage(200, 60, shift=0.6, correlation=0.5) <= 0.99
