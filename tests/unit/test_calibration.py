"""Thresholds set on calibrate, the rates they give on test, and the p-value of one image."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from mint_lightning.errors import UserError
from mint_lightning.evidence import (
    Calibration,
    CalibrationSet,
    accuracy_threshold,
    clustered_rate,
    conformal_p,
    fpr_threshold,
    operating_point,
)
from mint_lightning.evidence.calibration import rounds, tpr_at
from tests.unit.evidence_data import clustered, rescored, score_set

pytestmark = pytest.mark.unit


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-20, 20), min_size=10, max_size=200), st.sampled_from([0.1, 0.2, 0.5]))
def test_fpr_threshold_passes_as_many_externals_as_a_p_value_allows(externals, fpr):
    externals = np.array(externals, float)
    if (externals.size + 1) * fpr < 1:
        with pytest.raises(UserError, match="too few"):
            fpr_threshold(externals, fpr)
        return
    threshold = fpr_threshold(externals, fpr)
    candidates = np.append(externals, externals.max() + 1)
    p_values = conformal_p(candidates, externals, np.arange(externals.size))
    assert ((candidates >= threshold) == (p_values <= fpr + 1e-9)).all()
    assert (externals >= threshold).mean() <= fpr


def test_fpr_threshold_holds_its_rate_on_new_externals_on_average():
    generator = np.random.default_rng(0)
    passed = [(generator.random(500) >= fpr_threshold(generator.random(99), 0.1)).mean() for _ in range(400)]
    assert np.mean(passed) == pytest.approx(0.1, abs=0.006)


def test_accuracy_threshold_is_the_best_of_all():
    score, member, _ = clustered(np.random.default_rng(1), 40, shift=1.0)
    score = np.round(score, 1)
    found = balanced_accuracy_score(member, score >= accuracy_threshold(score, member))
    assert found == max(balanced_accuracy_score(member, score >= each) for each in np.unique(score))


def test_accuracy_threshold_lies_between_separated_classes():
    assert accuracy_threshold([0.0, 1.0, 5.0, 6.0], [False, False, True, True]) == 3.0
    neighbour = np.nextafter(1.0, 2.0)
    assert accuracy_threshold([1.0, neighbour], [False, True]) == neighbour
    with pytest.raises(UserError, match="one class is missing"):
        accuracy_threshold([0.0, 1.0], [True, True])


def test_operating_point_takes_its_threshold_from_calibrate_and_its_rates_from_test():
    scores = score_set(np.random.default_rng(2), shift=2.0, identities=400, photos=2)
    point = operating_point(scores, 0.1)
    calibrate = scores.external & (scores.split == "calibrate")
    assert point.threshold == fpr_threshold(scores.score[calibrate], 0.1)
    test = scores.split == "test"
    flags = scores.score >= point.threshold
    assert point.tpr == clustered_rate(flags[test & scores.member], scores.identity[test & scores.member])
    assert point.realised_fpr == clustered_rate(flags[test & scores.external], scores.identity[test & scores.external])
    moved = replace(scores, score=np.where(test, scores.score + 5, scores.score))
    assert operating_point(moved, 0.1).threshold == point.threshold


def test_unseen_photos_set_no_threshold_and_count_in_no_rate():
    generator = np.random.default_rng(3)
    with_unseen = score_set(generator, unseen_shift=9.0, identities=400)
    without = with_unseen.where(~with_unseen.unseen)
    assert operating_point(with_unseen, 0.1) == operating_point(without, 0.1)


@pytest.mark.parametrize(("identities", "resolvable"), [(99, False), (101, True)])
def test_fewer_than_ten_externals_above_the_rate_are_not_resolvable(identities, resolvable):
    scores = score_set(np.random.default_rng(4), identities=2 * identities, photos=1)
    point = operating_point(scores, 0.1)
    assert point.resolvable is resolvable
    if not resolvable:
        assert point.reason == "not resolvable: 10 % FPR needs 100 externals, 99 are in calibrate"
        assert point.threshold is point.tpr is point.realised_fpr is None


def test_externals_missing_in_test_alone_are_not_resolvable_either():
    scores = score_set(np.random.default_rng(5), identities=400, photos=1)
    tested = scores.external & (scores.split == "test")
    few = ~tested | (np.cumsum(tested) <= 50)
    assert "50 are in test" in operating_point(scores.where(few), 0.1).reason


def test_cross_fitted_scores_are_never_judged_by_a_threshold_of_their_own_fold():
    scores = score_set(np.random.default_rng(6), identities=150, out_of_fold=True)
    seen = np.zeros(len(scores), int)
    for setting, applied in rounds(scores):
        assert not set(scores.identity[setting]) & set(scores.identity[applied])
        assert (setting | applied).all()
        seen += applied
    assert (seen == 1).all()


def test_given_folds_are_kept_and_each_gets_the_threshold_of_the_others():
    generator = np.random.default_rng(7)
    scores = score_set(generator, identities=300, photos=1, out_of_fold=True)
    fold = np.arange(len(scores)) % 3
    scores = replace(scores, fold=fold)
    point = operating_point(scores, 0.1)
    thresholds = [fpr_threshold(scores.score[scores.external & (fold != each)], 0.1) for each in range(3)]
    assert point.threshold == np.median(thresholds)
    passed = scores.score >= np.array(thresholds)[fold]
    assert point.realised_fpr.value == pytest.approx(passed[scores.external].mean())
    assert point.realised_fpr.value == pytest.approx(0.1, abs=0.03)


def test_tpr_of_several_networks_is_their_mean_each_at_its_own_threshold():
    generator = np.random.default_rng(8)
    first = score_set(generator, shift=2.0, identities=400)
    second = rescored(first, generator, "other", shift=1.0)
    second = replace(second, score=second.score * 7 + 3)
    expected = np.mean([operating_point(scores, 0.1).tpr.value for scores in (first, second)])
    assert tpr_at([first, second], 0.1).value == pytest.approx(expected)
    assert tpr_at([first, second], 0.001) is None


def test_conformal_p_is_the_formula_and_ties_count_against_the_image():
    calibration, identity = [1.0, 2.0, 3.0, 4.0, 4.0], ["a", "a", "a", "b", "c"]
    found = conformal_p([0.0, 2.0, 4.0, 5.0], calibration, identity)
    assert found == pytest.approx([4 / 4, (1 + 2 / 3 + 2) / 4, 3 / 4, 1 / 4])


def test_conformal_p_is_valid_on_new_people_however_unequal_and_alike_their_photos():
    generator, passed = np.random.default_rng(9), []
    for _ in range(600):
        score, member, identity = clustered(generator, 60, correlation=0.7, largest=12)
        calibration = ~member
        people = np.unique(identity[member])
        first = np.searchsorted(identity, people[:20])
        passed.append((conformal_p(score[first], score[calibration], identity[calibration]) <= 0.1).mean())
    assert np.mean(passed) <= 0.1 + 3 * np.std(passed) / len(passed) ** 0.5
    assert np.mean(passed) >= 0.07


def test_the_largest_p_over_external_sets_counts_and_the_smallest_set_sets_the_floor():
    easy, hard = np.linspace(0, 1, 99), np.linspace(2, 3, 19)
    calibration = Calibration(
        (
            CalibrationSet("easy", easy, np.array([f"easy/{i}" for i in range(99)])),
            CalibrationSet("hard", hard, np.array([f"hard/{i}" for i in range(19)])),
        )
    )
    assert calibration.floor == 1 / 20
    assert calibration.p_values([1.5, 9.0]) == pytest.approx([1.0, 1 / 20])
    assert calibration.without("hard").p_values([1.5]) == pytest.approx([1 / 100])


def test_calibration_keeps_the_externals_of_calibrate_by_source_and_survives_json():
    scores = score_set(np.random.default_rng(10), sources=("lfw", "att"), unseen_shift=1.0)
    calibration = Calibration.of(scores)
    assert [each.name for each in calibration.sets] == ["att", "lfw"]
    kept = np.concatenate([each.score for each in calibration.sets])
    expected = scores.score[scores.external & (scores.split == "calibrate")]
    assert sorted(kept) == sorted(expected)
    again = Calibration.from_json(calibration.to_json())
    assert (again.p_values(scores.score) == calibration.p_values(scores.score)).all()


def test_what_cannot_calibrate_is_refused():
    scores = score_set(np.random.default_rng(11))
    with pytest.raises(UserError, match="no externals in calibrate"):
        Calibration.of(scores.where(scores.split == "test"))
    with pytest.raises(UserError, match="not a finite number"):
        conformal_p([np.nan], [1.0], ["a"])
    with pytest.raises(UserError, match="2 calibration scores but 1 identities"):
        conformal_p([0.0], [1.0, 2.0], ["a"])
    with pytest.raises(UserError, match="one identity for each"):
        CalibrationSet("empty", np.array([]), np.array([]))
