"""Parts of the test images: their figures, their level, and "too few" where there are too few."""

import numpy as np
import pytest

from mint_lightning.errors import UserError
from mint_lightning.evidence import ScoreSet, auc_interval, clustered_rate, operating_point
from mint_lightning.evidence.slices import EXTERNAL_SET, PHOTOS, slices
from tests.unit.evidence_data import score_set

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def scores() -> ScoreSet:
    """Identities of three databases, of 1, 2 or 4 photos; 3,000 people a class, half of them on test."""
    whole = score_set(
        np.random.default_rng(0), shift=1.5, unseen_shift=0.5, identities=3000, photos=4, sources=("lfw", "att", "cfp")
    )
    photo = np.array([int(key[-5:]) % 4 for key in whole.key])
    person = whole.person
    return whole.where(whole.unseen | (photo < np.array([1, 2, 4])[person % 3]))


def by_kind(found, kind):
    return {each.name: each for each in found if each.kind == kind}


def test_an_external_set_stands_against_all_members_at_the_one_threshold(scores):
    found = by_kind(slices(scores), EXTERNAL_SET)
    assert list(found) == ["att", "cfp", "lfw"]
    test = (scores.split == "test") & ~scores.unseen
    level = 1 - 0.05 / 3
    passed = scores.score >= operating_point(scores, 0.01).threshold
    for name, part in found.items():
        own = test & scores.external & (scores.source == name)
        rows = own | (test & scores.member)
        assert part.auc == auc_interval(scores.score[rows], scores.member[rows], scores.identity[rows], level=level)
        assert part.realised_fpr == clustered_rate(passed[own], scores.identity[own], level=level)
        assert part.tpr.value == operating_point(scores, 0.01).tpr.value
        assert part.images == np.count_nonzero(rows)
        assert part.external_identities == np.unique(scores.identity[own]).size


def test_photos_per_identity_are_those_among_the_scored_images(scores):
    found = by_kind(slices(scores), PHOTOS)
    assert list(found) == ["1 photo", "2 to 3 photos", "4 to 9 photos"]
    test = (scores.split == "test") & ~scores.unseen
    names, counts = np.unique(scores.identity[test], return_counts=True)
    of = dict(zip(names.tolist(), counts.tolist(), strict=True))
    size = np.array([of.get(name, 0) for name in scores.identity.tolist()])
    for name, sizes in (("1 photo", [1]), ("2 to 3 photos", [2, 3]), ("4 to 9 photos", [4])):
        rows = test & np.isin(size, sizes)
        assert found[name].images == np.count_nonzero(rows)
        assert found[name].auc.value == auc_interval(scores.score[rows], scores.member[rows], scores.person[rows]).value
    assert sum(part.images for part in found.values()) == np.count_nonzero(test)


def test_attributes_are_parts_of_their_own_level_and_small_ones_have_no_figures(scores):
    people = scores.person % 40
    group = np.where(people < 20, "young", np.where(people < 38, "old", "")).astype(object)
    group[scores.person < 8] = "rare"
    label = np.where(scores.person // 2 % 2, "odd", "even")
    found = slices(scores, {"age": group.astype(str), "class": label})
    age = by_kind(found, "age")
    assert list(age) == ["", "old", "rare", "young"]
    assert age["rare"].reason == "too few: 0 identities of externals, 10 needed"
    assert age["rare"].auc is age["rare"].tpr is age["rare"].realised_fpr is None
    assert age["young"].auc.level == pytest.approx(1 - 0.05 / 3)
    assert [part.auc.level for part in by_kind(found, "class").values()] == pytest.approx([0.975, 0.975])
    rows = (scores.split == "test") & ~scores.unseen & (group == "young")
    assert age["young"].images == np.count_nonzero(rows)


def test_a_kind_with_one_part_repeats_nothing():
    assert slices(score_set(np.random.default_rng(1), identities=100)) == ()


def test_rates_that_are_not_resolvable_are_left_out_and_the_auc_stays():
    scores = score_set(np.random.default_rng(2), identities=200, sources=("lfw", "att"))
    found = slices(scores)
    assert [part.name for part in found] == ["att", "lfw"]
    assert all(part.tpr is part.realised_fpr is None and part.auc is not None for part in found)


def test_cross_fitted_scores_are_sliced_whole():
    scores = score_set(np.random.default_rng(3), identities=600, out_of_fold=True, sources=("lfw", "att"))
    found = by_kind(slices(scores), EXTERNAL_SET)
    assert found["lfw"].tpr.images == np.count_nonzero(scores.member)


def test_an_attribute_of_another_length_is_refused(scores):
    with pytest.raises(UserError, match=r"'age' has the shape \(1,\)"):
        slices(scores, {"age": ["young"]})


def test_the_intervals_of_a_kind_hold_together():
    """No part differs from the rest: all intervals hold the truth in about 95 % of tables."""
    generator, held = np.random.default_rng(4), 0
    for _ in range(100):
        scores = score_set(generator, identities=240, sources=("a", "b", "c"))
        held += all(part.auc.low <= 0.5 <= part.auc.high for part in slices(scores))
    assert held >= 89
