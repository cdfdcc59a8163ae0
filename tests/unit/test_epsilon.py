"""The bound on epsilon: the formula by hand, and never above the truth of randomised response."""

import numpy as np
import pytest
from scipy.stats import beta

from mint_lightning.errors import UserError
from mint_lightning.evidence import clustered_rate
from mint_lightning.evidence.epsilon import best_bound, epsilon_bound
from mint_lightning.evidence.estimates import OperatingPoint
from mint_lightning.evidence.scoreset import ScoreSet
from tests.unit.evidence_data import score_set

pytestmark = pytest.mark.unit


def point(hits: int, false: int, n: int = 200, fpr: float = 0.1) -> OperatingPoint:
    rates = [clustered_rate(np.arange(n) < count, np.arange(n)) for count in (hits, false)]
    return OperatingPoint(fpr, True, 0.0, *rates)


def test_it_is_the_formula_by_hand():
    low, high = beta.ppf(0.025, 120, 81), beta.ppf(0.975, 11, 190)
    found = best_bound([point(120, 10)])
    assert found.low == pytest.approx(np.log(low / high))
    assert (found.fpr_target, found.points, found.images, found.identities) == (0.1, 1, 400, 400)
    assert best_bound([point(120, 10)], delta=0.1).low == pytest.approx(np.log((low - 0.1) / high))


def test_those_who_do_not_pass_speak_too():
    """Nearly all members pass, and half the externals: who does not pass is no member."""
    low, high = beta.ppf(0.025, 199, 2), beta.ppf(0.975, 101, 100)
    assert np.log((1 - high) / (1 - low)) > np.log(low / high)
    assert best_bound([point(199, 100)]).low == pytest.approx(np.log((1 - high) / (1 - low)))


def test_where_nothing_better_is_shown_it_is_0():
    found = best_bound([point(10, 10), point(20, 30)])
    assert (found.low, found.fpr_target, found.points) == (0.0, None, 2)
    assert best_bound([]) is None
    with pytest.raises(UserError, match=r"delta is 1\.0"):
        best_bound([point(10, 10)], delta=1.0)


def test_points_that_were_tried_share_the_error():
    scores = score_set(np.random.default_rng(0), shift=3.0, identities=4000, photos=1)
    found = epsilon_bound(scores)
    assert found.points == 2
    test = scores.split == "test"
    expected = []
    for fpr in (0.1, 0.01):
        externals = np.sort(scores.score[scores.external & ~test])[::-1]
        cut = externals[int(np.floor(fpr * (externals.size + 1) + 1e-9)) - 1]
        tpr = clustered_rate(scores.score[test & scores.member] > cut, np.arange(2000), level=0.975)
        fall = clustered_rate(scores.score[test & scores.external] > cut, np.arange(2000), level=0.975)
        expected += [np.log(tpr.low / fall.high), np.log((1 - fall.high) / (1 - tpr.low))]
    assert found.low == pytest.approx(max(expected))
    assert epsilon_bound(scores, level=0.99).low < found.low
    assert epsilon_bound(scores, targets=(0.001,)) is None


def randomised_response(generator: np.random.Generator, epsilon: float, people: int) -> ScoreSet:
    """Each person answers truthfully with probability e^epsilon / (1 + e^epsilon): exactly (epsilon, 0)-private."""
    member = np.arange(2 * people) < people
    truthful = generator.random(2 * people) < 1 / (1 + np.exp(-epsilon))
    return ScoreSet(
        score=(member == truthful).astype(float),
        member=member,
        unseen=np.zeros(2 * people, bool),
        identity=np.array([f"db/{each}" for each in range(2 * people)]),
        split=np.where(np.arange(2 * people) % 2, "test", "calibrate"),
        key=np.array([f"k{each}" for each in range(2 * people)]),
        network="randomised response",
    )


@pytest.mark.parametrize("epsilon", [3.0, 4.5])
def test_the_bound_lies_below_the_epsilon_of_randomised_response(epsilon):
    generator = np.random.default_rng(1)
    found = np.array([epsilon_bound(randomised_response(generator, epsilon, 1200)).low for _ in range(150)])
    assert (found <= epsilon).mean() >= 0.95
    assert np.median(found) > 0.75 * epsilon


def test_where_nothing_is_known_the_bound_is_nearly_always_0():
    generator = np.random.default_rng(2)
    found = [epsilon_bound(score_set(generator, identities=600, photos=2)).low for _ in range(60)]
    assert np.mean(np.array(found) > 0) <= 0.05 + 0.05
