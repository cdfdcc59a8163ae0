"""The claim rule: what may be said of a row, by which route, and what it is about."""

import pytest

from mint_lightning.evidence import Estimate, Excess, Outcome, ReferenceTest
from mint_lightning.evidence.claim import row_claim

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
