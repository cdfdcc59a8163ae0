"""The ROC curve and the histogram that reports draw, against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import roc_curve as sklearn_roc_curve

from mint_lightning.evidence import auc, clopper_pearson
from mint_lightning.evidence.curves import histogram, roc_curve
from tests.unit.evidence_data import score_set

pytestmark = pytest.mark.unit


def test_roc_points_lie_on_the_curve_and_are_dense_where_it_matters():
    generator = np.random.default_rng(3)
    member = np.arange(20_000) < 10_000
    score = generator.standard_normal(20_000) + member
    curve = roc_curve(score, member)
    fpr, tpr = np.array(curve.fpr), np.array(curve.tpr)
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)
    assert (np.diff(fpr) >= 0).all()
    assert (np.diff(tpr) >= 0).all()
    assert fpr.size <= 210
    assert np.count_nonzero((fpr > 0) & (fpr < 0.01)) >= 20
    assert np.trapezoid(tpr, fpr) == pytest.approx(auc(score, member), abs=0.005)
    whole = sklearn_roc_curve(member, score, drop_intermediate=False)
    corners = set(zip(whole[0].round(9).tolist(), whole[1].round(9).tolist(), strict=True))
    assert set(zip(fpr.round(9).tolist(), tpr.round(9).tolist(), strict=True)) <= corners


def test_the_whole_curve_of_a_small_set_is_kept_and_ties_make_one_step():
    curve = roc_curve([0.0, 1.0, 1.0, 2.0], [False, True, False, True])
    assert list(zip(curve.fpr, curve.tpr, strict=True)) == [(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)]


def test_the_band_holds_the_curve_and_is_that_of_as_many_people_as_the_members_are_worth():
    generator = np.random.default_rng(5)
    member = np.arange(400) < 200
    score = generator.standard_normal(400) + member
    alone = roc_curve(score, member, np.arange(400))
    low, tpr, high = map(np.array, (alone.low, alone.tpr, alone.high))
    assert (low <= tpr).all()
    assert (tpr <= high).all()
    middle = int(np.argmin(abs(tpr - 0.5)))
    assert (low[middle], high[middle]) == pytest.approx(clopper_pearson(tpr[middle] * 200, 200))
    crowded = roc_curve(score, member, np.arange(400) // 10)  # 20 people of ten photos
    assert high[middle] - low[middle] < crowded.high[middle] - crowded.low[middle]
    assert roc_curve(score, member).low == ()


def test_histogram_counts_every_image_once():
    scores = score_set(np.random.default_rng(4), shift=1.0, unseen_shift=0.5)
    found = histogram(scores.score, scores.member, scores.unseen)
    assert (sum(found.members), sum(found.externals), sum(found.unseen)) == (400, 400, 100)
    assert len(found.edges) == len(found.members) + 1
    assert sum(histogram(np.zeros(10), np.arange(10) < 5, np.zeros(10, bool)).members) == 5
