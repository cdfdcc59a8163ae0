"""Shares of images and of people and their intervals, against scipy, binomial coverage and simulation."""

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import binom, binomtest

from mint_lightning.evidence import clopper_pearson, clustered_rate, identity_rate
from tests.unit.evidence_data import clustered

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("hits", "trials"), [(0, 7), (7, 7), (3, 20), (1, 1000)])
def test_clopper_pearson_is_scipys(hits, trials):
    exact = binomtest(hits, trials).proportion_ci(method="exact")
    assert clopper_pearson(hits, trials) == pytest.approx((exact.low, exact.high), abs=1e-12)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
@pytest.mark.parametrize("trials", [1, 2, 3, 5, 10, 20, 37, 60, 100, 250, 1000])
def test_clopper_pearson_covers_at_least_its_level_at_every_share(trials, level):
    """Exactly, as a sum of binomial probabilities; coverage is least beside the bounds themselves, so there too."""
    bounds = np.array([clopper_pearson(hits, trials, level=level) for hits in range(trials + 1)])
    beside = np.concatenate([bounds.ravel() - 1e-9, bounds.ravel() + 1e-9])
    shares = np.concatenate([np.geomspace(1e-5, 0.5, 200), 1 - np.geomspace(1e-5, 0.5, 200), beside])
    shares = shares[(shares > 0) & (shares < 1)]
    inside = (bounds[:, :1] <= shares) & (shares <= bounds[:, 1:])
    chance = binom.pmf(np.arange(trials + 1)[:, None], trials, shares)
    assert (inside * chance).sum(0).min() >= level - 1e-6  # a bound moved by 1e-9 moves the sum by less


def test_clopper_pearson_is_not_needlessly_wide():
    """Of many trials its least coverage comes near the level, and one-sided bounds err by no less than half."""
    bounds = np.array([clopper_pearson(hits, 1000) for hits in range(1001)])
    shares = np.linspace(0.2, 0.8, 601)
    chance = binom.pmf(np.arange(1001)[:, None], 1000, shares)
    covered = (((bounds[:, :1] <= shares) & (shares <= bounds[:, 1:])) * chance).sum(0)
    assert 0.95 <= covered.min() < 0.954


def test_rate_of_one_image_per_identity_is_clopper_pearsons():
    figure = clustered_rate(np.arange(50) < 4, np.arange(50))
    assert (figure.low, figure.high) == clopper_pearson(4, 50)
    assert (figure.images, figure.identities) == (50, 50)


def test_rate_of_none_counts_identities_not_images():
    figure = clustered_rate(np.zeros(100), np.repeat(np.arange(10), 10))
    assert (figure.low, figure.high) == clopper_pearson(0, 10)


def test_rate_of_copied_images_is_no_surer_than_of_one_each():
    flags = np.arange(80) < 12
    once, copied = clustered_rate(flags, np.arange(80)), clustered_rate(np.tile(flags, 6), np.tile(np.arange(80), 6))
    assert copied.value == once.value
    assert copied.high - copied.low >= 0.97 * (once.high - once.low)


def test_identity_rate_counts_each_person_once():
    figure = identity_rate([1, 1, 1, 1, 0], ["a", "a", "a", "a", "b"])
    assert figure.value == 0.5
    assert figure.identities == 2
    assert (figure.low, figure.high) == clopper_pearson(1, 2)


@pytest.mark.slow
@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6])
def test_coverage_of_rates_is_at_least_nominal(correlation):
    generator, hits = np.random.default_rng(12), 0
    for _ in range(2000):
        score, member, identity = clustered(generator, 100, correlation=correlation)
        figure = clustered_rate(score[~member] > ndtri(0.95), identity[~member])
        hits += figure.low <= 0.05 <= figure.high
    assert hits / 2000 >= 0.935
