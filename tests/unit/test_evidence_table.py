"""A table of rows weighed against their controls: planted truth is found, nothing is found in noise."""

import numpy as np
import pytest

from mint_lightning.evidence import (
    Outcome,
    auc,
    auc_difference,
    auc_interval,
    balanced_accuracy,
    excess,
    holm,
)
from tests.unit.evidence_data import counted, table

pytestmark = pytest.mark.unit


def test_a_planted_row_is_found_and_claimed_and_a_row_of_noise_is_not():
    _, _, evidence = table()
    planted, noise = evidence.rows
    assert planted.finds
    assert not noise.finds
    assert evidence.claim.may_claim
    assert evidence.claim.row == "row 0"
    assert evidence.claim == planted.claim
    assert noise.claim.outcome is Outcome.NOT_DISTINGUISHABLE


def test_figures_are_those_of_the_test_split_at_the_bonferroni_level():
    rows, _, evidence = table(rows=4)
    scores = rows[0].audited
    images = counted(scores)
    row = evidence.rows[0]
    cut = (scores.score[images], scores.member[images], scores.identity[images])
    assert evidence.level == pytest.approx(1 - 0.05 / 4)
    assert row.auc == auc_interval(*cut, level=evidence.level)
    assert row.accuracy_logit0.value == balanced_accuracy(*cut, 0.0).value
    assert row.accuracy.value == balanced_accuracy(*cut, row.threshold).value
    assert evidence.rows[1].accuracy_logit0 is None
    assert [point.fpr_target for point in row.operating] == [0.1, 0.01, 0.001, 0.0001]
    assert [point.resolvable for point in row.operating] == [True, False, False, False]


def test_excess_is_over_the_best_pixel_head_by_validate_the_mean_of_the_twins_and_each_reference():
    rows, pixels, evidence = table(references=(0.2, 0.4), rows=1)
    images = counted(rows[0].audited)
    cut = rows[0].audited.member[images], rows[0].audited.identity[images]

    def gap(*sets):
        return auc_difference(rows[0].audited.score[images], [each.score[images] for each in sets], *cut)

    terms = [gap(pixels[1][2]), gap(*rows[0].twins), *(gap(each) for each in rows[0].references)]
    found, expected = evidence.rows[0].excess, excess(terms)
    assert (found.value, found.low, found.high) == (expected.value, expected.low, expected.high)
    assert found.p >= expected.p
    counting = [control.name for control in evidence.rows[0].controls if control.counts]
    assert counting == ["small", "mean of 3 untrained twins", "reference 0", "reference 1"]
    twins = [control.auc.value for control in evidence.rows[0].controls if control.kind == "twin"]
    mean = next(control for control in evidence.rows[0].controls if control.kind == "twins")
    assert mean.auc.value == pytest.approx(np.mean(twins))
    assert not any(control.name == "complement" for control in evidence.rows[0].controls)


def test_p_is_adjusted_over_the_rows():
    _, _, evidence = table(rows=5, shift=0.3)
    p_values = [row.excess.p for row in evidence.rows]
    assert [row.excess.p_holm for row in evidence.rows] == pytest.approx(holm(p_values).tolist())
    assert [row.finds for row in evidence.rows] == [row.excess.p_holm < 0.05 for row in evidence.rows]


def test_a_control_that_does_as_well_takes_the_finding_away():
    _, _, evidence = table(control=1.0)
    assert evidence.rows[0].auc.low > 0.6
    assert not evidence.rows[0].finds
    assert not evidence.claim.may_claim
    _, _, shifted = table(control=1.0, random_partition=False)
    assert shifted.rows[0].claim.outcome is Outcome.CANNOT_TELL


def test_across_databases_only_references_allow_a_claim():
    _, _, without = table(random_partition=False)
    assert without.rows[0].finds
    assert not without.claim.may_claim
    assert without.claim.outcome is Outcome.CANNOT_TELL
    _, _, close = table(random_partition=False, references=(0.1, 0.8), shift=1.2)
    assert close.rows[0].finds
    assert not close.claim.may_claim
    _, _, apart = table(random_partition=False, references=(0.1, 0.1, 0.15, 0.1), shift=1.5, identities=600)
    assert apart.rows[0].reference_test.passes
    assert apart.claim.route == "references"
    _, _, one = table(random_partition=False, references=(0.0,))
    assert one.rows[0].reference_test is None
    assert not one.claim.may_claim


def test_unseen_photos_never_count_and_tell_photo_from_person():
    rows, _, evidence = table(unseen=0.0)
    assert evidence.claim.about == "this photo"
    scores = rows[0].audited
    test = scores.split == "test"
    outside = test & ~scores.member
    assert evidence.rows[0].unseen_auc.value == pytest.approx(auc(scores.score[outside], scores.unseen[outside]))
    assert evidence.rows[0].auc.images == np.count_nonzero(counted(scores))
    _, _, person = table(unseen=1.0)
    assert person.claim.about == "this person"
    _, _, nothing = table(unseen=None)
    assert nothing.rows[0].unseen_auc is nothing.rows[0].photo_auc is nothing.claim.about is None


def test_photo_auc_compares_photos_of_people_who_have_both():
    rows, _, evidence = table(unseen=0.2)
    scores = rows[0].audited
    people = set(scores.identity[scores.unseen])
    both = np.array([name in people for name in scores.identity]) & (scores.split == "test")
    figure = evidence.rows[0].photo_auc
    assert figure.value == pytest.approx(auc(scores.score[both], scores.member[both]))
    assert figure.identities == len(people)


def test_the_complement_stands_beside():
    rows, _, evidence = table()
    images = counted(rows[0].audited)
    expected = auc(rows[0].complement.score[images], rows[0].complement.member[images])
    assert evidence.rows[0].complement_auc.value == pytest.approx(expected)
    assert expected < 0.5


def test_cross_fitted_tables_are_weighed_on_every_image():
    rows, _, evidence = table(out_of_fold=True)
    assert evidence.rows[0].cross_fitted
    assert evidence.rows[0].auc.images == np.count_nonzero(~rows[0].audited.unseen)
    assert evidence.rows[0].operating[0].resolvable
    assert evidence.claim.may_claim
    assert {group.split for group in evidence.groups} == {"out-of-fold"}


def test_groups_and_external_sets_are_counted():
    _, _, evidence = table()
    sizes = {(group.group, group.split): (group.images, group.identities) for group in evidence.groups}
    assert sizes == {
        ("members", "calibrate"): (200, 100),
        ("externals", "calibrate"): (200, 100),
        ("members", "test"): (200, 100),
        ("externals", "test"): (200, 100),
        ("unseen", "test"): (100, 100),
    }
    assert evidence.external_sets == ("db",)


def test_noise_is_seldom_found():
    found = sum(any(row.finds for row in table(seed, shift=0.0, rows=3, identities=80)[2].rows) for seed in range(20))
    assert found <= 3


@pytest.mark.slow
def test_the_family_wise_rate_of_findings_in_noise_is_held():
    found = sum(any(row.finds for row in table(seed, shift=0.0, rows=5)[2].rows) for seed in range(400))
    assert found / 400 <= 0.05 + 0.022
