"""Difficulty calibration, LiRA and RMIA against loops and closed forms."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import norm, rankdata

from mint_lightning.errors import UserError
from mint_lightning.evidence.reference_scores import (
    References,
    calibrated_loss,
    likelihood_ratio,
    lira,
    rmia,
    scaled_confidence,
)

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def drawn():
    random = np.random.default_rng(0)
    logits, label = random.normal(0, 2, (30, 4)), random.integers(0, 4, 30)
    saw = np.zeros((4, 30), bool)
    for photo in range(30):
        saw[random.choice(4, 2, replace=False), photo] = True
    return logits, label, References(random.normal(0, 2, (4, 30, 4)), saw)


def test_scaled_confidence_is_the_log_odds(drawn):
    logits, label, _ = drawn
    p = softmax(logits, axis=1)[np.arange(30), label]
    np.testing.assert_allclose(scaled_confidence(logits, label), np.log(p / (1 - p)), rtol=1e-9)
    sure = np.array([[1000.0, 0.0, 0.0]])
    assert scaled_confidence(sure, [0])[0] == pytest.approx(1000 - np.log(2))


def test_each_asks_only_networks_that_did_not_see_the_photo(drawn):
    logits, label, references = drawn
    p = np.array([softmax(each, axis=1)[np.arange(30), label] for each in [logits, *references.logits]])
    for photo in range(30):
        out = 1 + np.flatnonzero(~references.saw[:, photo])
        difficulty = -np.log(p[out, photo]).mean() + np.log(p[0, photo])
        assert calibrated_loss(logits, label, references)[photo] == pytest.approx(difficulty)
        whole = (1.3 * p[out, photo].mean() + 0.7) / 2
        assert likelihood_ratio(logits, label, references)[photo] == pytest.approx(np.log(p[0, photo] / whole))
    seen = References(np.where(references.saw[:, :, None], 1e3, references.logits), references.saw)
    for score in (calibrated_loss, lira, likelihood_ratio):
        np.testing.assert_allclose(score(logits, label, seen), score(logits, label, references))


def test_lira_is_the_normal_tail_with_one_deviation_for_all(drawn):
    logits, label, references = drawn
    phi = np.array([scaled_confidence(each, label) for each in references.logits])
    out = ~references.saw
    means = np.array([phi[out[:, i], i].mean() for i in range(30)])
    pooled = np.sqrt(np.mean([phi[out[:, i], i].var(ddof=1) for i in range(30)]))  # two values each: equal weights
    tail = norm.cdf(scaled_confidence(logits, label), means, pooled)
    np.testing.assert_array_equal(rankdata(lira(logits, label, references)), rankdata(tail))
    np.testing.assert_allclose(norm.cdf(lira(logits, label, references)), tail)
    alone = References(references.logits[:1], np.zeros((1, 30), bool))
    np.testing.assert_allclose(lira(logits, label, alone), scaled_confidence(logits, label) - phi[0])


def test_rmia_counts_the_photos_that_are_dominated(drawn):
    logits, label, references = drawn
    ratio = likelihood_ratio(logits, label, references)
    population = np.random.default_rng(1).normal(0, 1, 50)
    expected = [np.mean(np.exp(x - population) >= 2.0) for x in ratio]
    np.testing.assert_allclose(rmia(ratio, population), expected)


def test_what_cannot_be_compared_is_refused(drawn):
    _, _, references = drawn
    saw = references.saw.copy()
    saw[:, 3] = True
    with pytest.raises(UserError, match=r"Every reference was trained on 1 of 30 photos"):
        References(references.logits, saw)
    with pytest.raises(UserError, match=r"References need logits \(networks, photos, classes\)"):
        References(references.logits[0], saw)
    with pytest.raises(UserError, match=r"RMIA compares with photos that the network was not trained on"):
        rmia(np.zeros(3), [])
