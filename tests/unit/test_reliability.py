"""Calibration of probabilities: against a plain loop, scikit-learn, and heads whose truth is known."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.calibration import calibration_curve

from mint_lightning.errors import UserError
from mint_lightning.evidence import clustered_rate
from mint_lightning.evidence.reliability import equal_mass_bins, reliability
from tests.unit.evidence_data import clustered

pytestmark = pytest.mark.unit


def sample(seed: int, people: int, *, scale: float = 1.0, photos: int = 2, share: float = 0.5):
    """(logit, member, identity): normal classes two apart; the true logit at a prior of one half is twice the score."""
    generator = np.random.default_rng(seed)
    identity = np.repeat(np.arange(people), photos)
    member = identity < share * people
    score = generator.standard_normal(identity.size) + np.where(member, 1.0, -1.0)
    return scale * 2.0 * score, member, identity


def plain_ece(value, member, bins):
    """Equal-mass bins by sorting, one image at a time."""
    order = np.argsort(value)
    total, each = 0.0, value.size // bins
    for start in range(0, value.size, each):
        rows = order[start : start + each]
        total += len(rows) / value.size * abs(member[rows].mean() - value[rows].mean())
    return total


@pytest.mark.parametrize("bins", [1, 5, 15])
def test_curve_and_ece_are_those_of_scikit_learn_and_of_a_plain_loop(bins):
    score, member, identity = sample(0, 750, scale=1.7)
    found = reliability(score, member, identity, bins=bins)
    observed, predicted = calibration_curve(member, expit(score), n_bins=bins, strategy="quantile")
    assert [each.predicted for each in found.bins] == pytest.approx(predicted.tolist(), abs=1e-12)
    assert [each.observed.value for each in found.bins] == pytest.approx(observed.tolist(), abs=1e-12)
    assert found.ece.value == pytest.approx(plain_ece(expit(score), member, bins), abs=1e-12)
    assert {each.observed.images for each in found.bins} == {1500 // bins}


def test_classes_weigh_equally_however_many_images_they_have():
    """Five times the externals, and every one of them five times: the same curve."""
    score, member, identity = sample(1, 800)
    more = np.concatenate([np.flatnonzero(member), np.repeat(np.flatnonzero(~member), 5)])
    once, five = reliability(score, member, identity), reliability(score[more], member[more], identity[more])
    assert five.ece.value == pytest.approx(once.ece.value, abs=1e-12)
    assert (five.ece.low, five.ece.high) == pytest.approx((once.ece.low, once.ece.high), abs=1e-9)
    for a, b in zip(once.bins, five.bins, strict=True):
        assert (b.predicted, b.observed.value) == pytest.approx((a.predicted, a.observed.value), abs=1e-12)


def test_the_rate_of_a_bin_has_the_clustered_interval():
    score, member, identity = sample(2, 400)
    found = reliability(score, member, identity, bins=4, level=0.9)
    rows = equal_mass_bins(expit(score), np.ones(score.size), 4) == 2
    assert found.bins[2].observed.low == pytest.approx(
        clustered_rate(member[rows], identity[rows], level=0.9).low, abs=1e-12
    )


@given(st.lists(st.integers(0, 6), min_size=1, max_size=80), st.integers(1, 9))
def test_ties_share_a_bin_no_bin_is_empty_and_order_is_kept(values, bins):
    values = np.array(values, float)
    found = equal_mass_bins(values, np.ones(values.size), bins)
    assert set(found) == set(range(found.max() + 1))
    assert found.max() < bins
    for value in set(values.tolist()):
        assert len(set(found[values == value])) == 1
    assert (np.diff(found[np.argsort(values, kind="stable")]) >= 0).all()


def test_one_value_is_one_bin_and_few_people_few_bins():
    member, identity = np.arange(40) < 20, np.arange(40)
    constant = reliability(np.zeros(40), member, identity)
    assert len(constant.bins) == 1
    assert (constant.ece.value, constant.bins[0].observed.value) == (0.0, 0.5)
    assert len(reliability(np.linspace(-1, 1, 40), member, identity).bins) == 4


def test_a_head_that_is_too_sure_is_found_out_and_one_that_is_true_is_not():
    true, sure = (reliability(*sample(3, 2000, scale=scale)) for scale in (1.0, 4.0))
    assert true.ece.low == 0.0
    assert true.debiased < true.ece.value
    assert sure.ece.low > 0.02
    assert sure.debiased == pytest.approx(sure.ece.value, abs=0.01)
    assert true.ece.low <= true.debiased <= true.ece.value <= true.ece.high


def test_copies_of_photos_are_no_more_evidence():
    score, member, identity = sample(5, 500)
    once = reliability(score, member, identity)
    copied = reliability(np.tile(score, 4), np.tile(member, 4), np.tile(identity, 4))
    assert (copied.ece.low, copied.ece.high) == pytest.approx((once.ece.low, once.ece.high), abs=1e-9)


def test_its_error_is_that_of_the_identity_bootstrap():
    """The upper half of the interval, where the gaps are large, against resampled people and the same bins."""
    score, member, identity = sample(6, 600, scale=5.0, photos=3)
    found, generator = reliability(score, member, identity, bins=5), np.random.default_rng(0)
    value, place = expit(score), equal_mass_bins(expit(score), np.ones(score.size), 5)
    drawn = []
    for _ in range(400):
        weight = np.zeros(600)
        for people in (np.arange(300), np.arange(300, 600)):
            weight[people] = np.bincount(generator.integers(0, 300, 300), minlength=300)
        image = weight[identity]
        image = image * np.where(member, 0.5 / image[member].sum(), 0.5 / image[~member].sum())
        drawn.append(np.abs(np.bincount(place, image * (value - member))).sum())
    assert (found.ece.high - found.ece.value) / 1.96 == pytest.approx(np.std(drawn), rel=0.15)


def test_debiasing_takes_off_two_fifths_of_what_noise_alone_adds():
    """Of true probabilities every gap is noise z: of E|z|, E|z + z'| - E|z| = (sqrt 2 - 1) E|z| is taken off."""
    found = [reliability(*sample(seed, 600), bins=10) for seed in range(60)]
    plain, debiased = np.mean([(each.ece.value, each.debiased) for each in found], axis=0)
    assert debiased / plain == pytest.approx(2 - 2**0.5, abs=0.06)


def coverage(simulations: int, scale: float, correlation: float) -> float:
    """Share of intervals that hold the true ECE of their own bins, people sharing a part of their score."""
    generator, held = np.random.default_rng(7), 0
    for _ in range(simulations):
        score, member, identity = clustered(generator, 200, shift=2.0, correlation=correlation)
        true = 2.0 * (score - 1.0)  # the true logit, of normal classes two apart
        found = reliability(scale * true, member, identity, bins=10)
        held += found.ece.low <= _truth(scale, len(found.bins)) <= found.ece.high
    return held / simulations


@cache
def _truth(scale: float, bins: int) -> float:
    """The true ECE over bins of exactly equal mass, by numerical integration of the classes."""
    grid = np.linspace(-12, 12, 200_001)
    density = 0.5 * (np.exp(-((grid - 1) ** 2) / 2) + np.exp(-((grid + 1) ** 2) / 2))
    probability, rate = expit(scale * 2 * grid), expit(2 * grid)
    mass = density / density.sum()
    edges = np.searchsorted(np.cumsum(mass), np.linspace(0, 1, bins + 1)[1:-1])
    return sum(abs((part * gap).sum()) for part, gap in zip(
        np.split(mass, edges), np.split(probability - rate, edges), strict=True
    ))  # fmt: skip


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_the_interval_holds_the_true_ece(scale):
    assert coverage(150, scale, 0.3) >= 0.92


@pytest.mark.slow
@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("scale", [1.0, 1.3, 3.0])
def test_the_interval_holds_the_true_ece_in_95_percent_of_2000_samples(scale, correlation):
    assert coverage(2000, scale, correlation) >= 0.94


@pytest.mark.parametrize(
    ("score", "member", "identity", "bins", "sentence"),
    [
        ([0.1, np.inf], [True, False], [0, 1], 5, "no finite numbers"),
        ([0.1, 0.2], [True, True], [0, 1], 5, "none are externals"),
        ([0.1, 0.2, 0.3], [True, False], [0, 1], 5, "3 logits but 2 labels"),
        ([0.1, 0.2], [True, False], [0, 1], 0, "number of bins is 0"),
    ],
)
def test_what_has_no_calibration_is_refused(score, member, identity, bins, sentence):
    with pytest.raises(UserError, match=sentence):
        reliability(score, member, identity, bins=bins)


def test_odds_of_another_prior_are_the_logit_moved():
    """What the docstring says: at a prior of one tenth the same head's probabilities are of logit + log(1 / 9)."""
    score, member, _ = sample(8, 40_000, photos=1)
    rare = np.flatnonzero(member)[::9]
    kept = np.union1d(rare, np.flatnonzero(~member))
    moved = expit(score[kept] + logit(0.1))
    for low, high in ((0.0, 0.05), (0.05, 0.3), (0.3, 1.0)):
        rows = (moved >= low) & (moved < high)
        assert member[kept][rows].mean() == pytest.approx(moved[rows].mean(), abs=0.02)
