"""The claim rule, and the verdict on one image."""

import json

import numpy as np
import pytest

from mint_lightning.errors import UserError
from mint_lightning.evidence import (
    Calibration,
    Claim,
    ErrorRate,
    Estimate,
    Excess,
    Outcome,
    ReferenceTest,
    Verdict,
    clopper_pearson,
    error_rate,
    judge,
)
from mint_lightning.evidence.claim import row_claim
from tests.unit.evidence_data import score_set

pytestmark = pytest.mark.unit


def figure(value, low, high):
    return Estimate(value, low, high, 400, 200, 0.95, "test")


def found(*, finds=True, not_run=()):
    return Excess(0.1, 0.05, 0.15, 0.95, 0.001, 0.002 if finds else 0.4, finds, "pixels", not_run)


def references(passes):
    return ReferenceTest(3, 0.1, 0.05 if passes else 0.2, 0.01, 0.01 if passes else 0.2, passes)


HIGH, LOW = figure(0.7, 0.65, 0.75), figure(0.51, 0.46, 0.56)


def test_a_finding_on_a_random_partition_may_be_claimed():
    claim = row_claim("row", HIGH, found(not_run=("references",)), random_partition=True)
    assert claim.may_claim
    assert claim.outcome is Outcome.SCORES_LIKE_TRAINING_PHOTOS
    assert claim.route == "random partition"
    assert "declare" not in claim.reason


def test_a_declared_partition_is_claimed_as_declared():
    claim = row_claim("row", HIGH, found(), partition_declared=True)
    assert claim.may_claim
    assert claim.route == "declared partition"
    assert "the user declares" in claim.reason


def test_a_reason_against_it_closes_both_routes():
    for allowed in ({"random_partition": True}, {"partition_declared": True}, {"reference_test": references(True)}):
        claim = row_claim("row", HIGH, found(), **allowed, no_claim="people are in fit and in test")
        assert not claim.may_claim
        assert claim.outcome is Outcome.CANNOT_TELL
        assert claim.reason.endswith("but people are in fit and in test.")


def test_references_open_the_second_route_only_beyond_their_margin():
    claim = row_claim("row", HIGH, found(), references(True))
    assert claim.may_claim
    assert claim.route == "references"
    below = row_claim("row", HIGH, found(), references(False))
    assert not below.may_claim
    assert below.outcome is Outcome.CANNOT_TELL
    assert "not far enough above 3 references" in below.reason


def test_across_databases_without_references_nothing_can_be_claimed():
    claim = row_claim("row", HIGH, found(not_run=("references",)))
    assert not claim.may_claim
    assert claim.outcome is Outcome.CANNOT_TELL
    assert "the database alone may explain it" in claim.reason


@pytest.mark.parametrize("missing", ["pixels", "twins"])
@pytest.mark.parametrize("partition", [True, False])
def test_without_pixels_or_twins_nothing_can_be_claimed(missing, partition):
    claim = row_claim("row", HIGH, found(not_run=(missing,)), references(True), random_partition=partition)
    assert not claim.may_claim
    assert claim.outcome is Outcome.CANNOT_TELL
    assert missing in claim.reason


def test_without_any_control_nothing_can_be_claimed():
    claim = row_claim("row", HIGH, None, random_partition=True)
    assert not claim.may_claim
    assert claim.outcome is Outcome.CANNOT_TELL
    assert "no control was run" in claim.reason
    assert row_claim("row", LOW, None, random_partition=True).outcome is Outcome.NOT_DISTINGUISHABLE


@pytest.mark.parametrize("route", [{"random_partition": True}, {"partition_declared": True}, {}])
def test_no_finding_no_claim_whatever_the_route(route):
    claim = row_claim("row", LOW, found(finds=False), references(True), **route)
    assert not claim.may_claim
    assert claim.outcome is Outcome.NOT_DISTINGUISHABLE


def test_what_a_control_does_as_well_across_databases_cannot_be_told():
    claim = row_claim("row", HIGH, found(finds=False))
    assert claim.outcome is Outcome.CANNOT_TELL
    assert "not above every control" in claim.reason


@pytest.mark.parametrize(
    ("unseen", "photo", "about"),
    [
        (LOW, HIGH, "this photo"),
        (HIGH, LOW, "this person"),
        (HIGH, HIGH, "this photo and this person"),
        (LOW, LOW, None),
        (None, None, None),
    ],
)
def test_a_claim_says_whether_it_is_about_the_photo_or_the_person(unseen, photo, about):
    claim = row_claim("row", HIGH, found(), unseen_auc=unseen, photo_auc=photo, random_partition=True)
    assert claim.about == about
    if about is None:
        assert "open" in claim.reason


def test_references_never_make_a_claim_about_the_person():
    claim = row_claim("row", HIGH, found(), references(True), unseen_auc=HIGH, photo_auc=LOW)
    assert claim.about is None


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
    return score_set(np.random.default_rng(0), shift=1.0, identities=600)


def test_a_high_score_is_a_verdict_only_where_the_claim_holds(scores):
    calibration, error = Calibration.of(scores), error_rate(scores)
    high = judge(9.0, calibration, MAY, error)
    assert high.outcome is Outcome.SCORES_LIKE_TRAINING_PHOTOS
    assert high.p == calibration.floor
    assert high.about == "this photo"
    assert f"1 in {error.one_in} outsiders does too" in high.sentence
    assert "Valid for photos like db" in high.sentence
    assert "proof" not in high.sentence
    for claim in (MAY_NOT, None):
        unclear = judge(9.0, calibration, claim, error)
        assert unclear.outcome is Outcome.CANNOT_TELL
        assert unclear.one_in is None
    assert "no references were run" in judge(9.0, calibration, MAY_NOT, error).sentence


def test_an_ordinary_score_is_not_distinguishable_and_a_strange_image_outside(scores):
    calibration, error = Calibration.of(scores), error_rate(scores)
    assert judge(0.0, calibration, MAY, error).outcome is Outcome.NOT_DISTINGUISHABLE
    assert judge(9.0, calibration, MAY, error, outside=True).outcome is Outcome.OUTSIDE


def test_a_rate_that_the_calibration_cannot_reach_is_not_resolvable():
    few = score_set(np.random.default_rng(1), identities=60)
    verdict = judge(9.0, Calibration.of(few), MAY, error_rate(few, alpha=0.01))
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
    assert "Valid for" not in judge(99.0, Calibration.of(scores), MAY, error).sentence


def test_the_error_rate_of_cross_fitted_scores_is_near_alpha():
    scores = score_set(np.random.default_rng(3), identities=500, out_of_fold=True, unseen_shift=2.0)
    error = error_rate(scores, alpha=0.1)
    assert error.rate.value == pytest.approx(0.1, abs=0.04)
    assert error.rate.identities == 500


def test_a_declared_partition_is_named_in_the_verdict(scores):
    declared = Claim(Outcome.SCORES_LIKE_TRAINING_PHOTOS, True, "found", "declared partition", "row")
    assert "declared, not verified" in judge(9.0, Calibration.of(scores), declared, error_rate(scores)).sentence


def test_verdict_and_error_rate_survive_json(scores):
    error = error_rate(scores)
    verdict = judge(9.0, Calibration.of(scores), MAY, error)
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict
    assert ErrorRate.from_json(json.loads(json.dumps(error.to_json()))) == error


def test_no_test_externals_no_error_rate(scores):
    with pytest.raises(UserError, match="no error rate"):
        error_rate(scores.where(scores.split == "calibrate"))
    with pytest.raises(UserError, match="between 0 and 1"):
        error_rate(scores, alpha=1.0)
