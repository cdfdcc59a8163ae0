"""The verdict on one image, and the error rate beside it."""

import json

import numpy as np
import pytest

from mint_lightning.errors import UserError
from mint_lightning.evidence import (
    Calibration,
    Claim,
    ErrorRate,
    Outcome,
    Verdict,
    clopper_pearson,
    error_rate,
)
from mint_lightning.evidence.verdict import percent
from tests.unit.evidence_data import judged, score_set

pytestmark = pytest.mark.unit


def test_the_words_are_fixed():
    assert [outcome.value for outcome in Outcome] == [
        "scores like training photos",
        "not distinguishable",
        "cannot tell: membership or database",
        "outside the audit",
    ]


MAY = Claim(Outcome.SCORES_LIKE_TRAINING_PHOTOS, True, "found", "random partition", "row", "this photo")
MAY_NOT = Claim(Outcome.CANNOT_TELL, False, "no references were run", row="row")


@pytest.fixture(scope="module")
def scores():
    return score_set(np.random.default_rng(0), shift=2.0, identities=600)


def test_a_high_score_is_a_verdict_only_where_the_claim_holds(scores):
    calibration, error = Calibration.of(scores), error_rate(scores)
    high = judged(9.0, scores, MAY)
    assert high.outcome is Outcome.SCORES_LIKE_TRAINING_PHOTOS
    assert high.p == calibration.floor
    assert high.about == "this photo"
    assert f"1 in {error.one_in} outsiders does too" in high.sentence
    assert "Valid for photos like db" in high.sentence
    assert "proof" not in high.sentence
    for claim in (MAY_NOT, None):
        unclear = judged(9.0, scores, claim)
        assert unclear.outcome is Outcome.CANNOT_TELL
        assert unclear.one_in is None
    assert "no references were run" in judged(9.0, scores, MAY_NOT).sentence


def test_an_ordinary_score_is_not_distinguishable_and_a_strange_image_outside(scores):
    assert judged(0.0, scores, MAY).outcome is Outcome.NOT_DISTINGUISHABLE
    assert judged(9.0, scores, MAY, outside=True).outcome is Outcome.OUTSIDE


def test_a_rate_that_the_calibration_cannot_reach_is_not_resolvable():
    few = score_set(np.random.default_rng(1), identities=60)
    verdict = judged(9.0, few, MAY)
    assert verdict.outcome is Outcome.NOT_DISTINGUISHABLE
    assert "Not resolvable at 1 %" in verdict.sentence
    assert "3.2 %" in verdict.sentence


def test_the_error_rate_weighs_identities_equally_and_shows_its_upper_bound(scores):
    error = error_rate(scores, alpha=0.05)
    test = scores.where(scores.external & (scores.split == "test"))
    passed = Calibration.of(scores).p_values(test.score) <= 0.05
    shares = [passed[test.identity == person].mean() for person in np.unique(test.identity)]
    assert error.rate.value == pytest.approx(np.mean(shares))
    assert error.bound == pytest.approx(clopper_pearson(np.sum(shares), len(shares), level=0.9)[1])
    assert error.bound > error.rate.value
    assert error.one_in == int(1 / error.bound)
    assert (error.left_out, error.valid_for) == (False, "db")


def test_with_several_external_sets_each_is_left_out_and_the_worst_is_shown():
    generator = np.random.default_rng(2)
    scores = score_set(generator, identities=400, sources=("a", "b"))
    scores.score[scores.source == "b"] += 1.5
    error = error_rate(scores, alpha=0.05)
    assert error.left_out
    assert error.valid_for == "b"
    assert error.rate.value > 0.2
    assert "Valid for" not in judged(99.0, scores, MAY).sentence


def test_the_error_rate_of_cross_fitted_scores_is_near_alpha():
    scores = score_set(np.random.default_rng(3), identities=500, out_of_fold=True, unseen_shift=2.0)
    error = error_rate(scores, alpha=0.1)
    assert error.rate.value == pytest.approx(0.1, abs=0.04)
    assert error.rate.identities == 500


def test_nobody_is_accused_where_training_photos_were_not_shown_to_pass_more_often():
    alike = score_set(np.random.default_rng(5), shift=0.0, identities=600)
    verdict = judged(9.0, alike, MAY)
    assert verdict.outcome is Outcome.NOT_DISTINGUISHABLE
    assert "have not been shown to pass more often" in verdict.sentence
    assert (verdict.one_in, verdict.posterior) == (None, None)
    below = score_set(np.random.default_rng(6), shift=-1.0, identities=600)
    assert judged(9.0, below, MAY, alpha=0.1).outcome is Outcome.NOT_DISTINGUISHABLE
    assert judged(9.0, alike, MAY_NOT).outcome is Outcome.CANNOT_TELL


def test_a_head_that_learnt_from_every_set_left_none_out():
    generator = np.random.default_rng(2)
    scores = score_set(generator, identities=400, sources=("a", "b"))
    assert error_rate(scores, alpha=0.05).left_out
    known = error_rate(scores, alpha=0.05, fitted=True)
    assert (known.left_out, known.valid_for) == (False, "a and b")


@pytest.mark.parametrize(("rate", "shown"), [(0.01, "1 %"), (0.123, "12 %"), (1e-12, "0.0000000001 %"), (0.0, "0 %")])
def test_a_rate_is_never_a_power_of_ten(rate, shown):
    assert percent(rate) == shown


def test_a_declared_partition_is_named_in_the_verdict(scores):
    declared = Claim(Outcome.SCORES_LIKE_TRAINING_PHOTOS, True, "found", "declared partition", "row")
    assert "declared, not verified" in judged(9.0, scores, declared).sentence


def test_verdict_and_error_rate_survive_json(scores):
    error = error_rate(scores)
    verdict = judged(9.0, scores, MAY)
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict
    assert ErrorRate.from_json(json.loads(json.dumps(error.to_json()))) == error


def test_no_test_externals_no_error_rate(scores):
    with pytest.raises(UserError, match="no error rate"):
        error_rate(scores.where(scores.split == "calibrate"))
    with pytest.raises(UserError, match="between 0 and 1"):
        error_rate(scores, alpha=1.0)
