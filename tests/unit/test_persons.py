"""Several photos of one person: p-values by hand, their special cases, and what they are held against."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mint_lightning.errors import UserError
from mint_lightning.evidence import Calibration, PersonCalibration, conformal_p
from mint_lightning.evidence.conformal import CalibrationSet
from mint_lightning.evidence.persons import SUBSAMPLES, subsamples

pytestmark = pytest.mark.unit


def calibration(sizes: list[int], seed: int = 0, name: str = "db") -> CalibrationSet:
    generator = np.random.default_rng(seed)
    identity = np.repeat(np.arange(len(sizes)), sizes)
    return CalibrationSet(name, generator.standard_normal(identity.size).round(1), identity.astype(str))


def by_hand(known: CalibrationSet, scores: list[float], k: int) -> float:
    """The formula of the docstring, one subsample after the other."""
    p = []
    for mine in combinations(scores, k):
        shares = []
        for person in dict.fromkeys(known.identity.tolist()):
            own = known.score[known.identity == person]
            if len(own) >= k:
                means = [np.mean(each) for each in combinations(own, k)]
                shares.append(np.mean([mean >= np.mean(mine) - 1e-9 for mean in means]))
        p.append((1 + sum(shares)) / (len(shares) + 1))
    return float(np.mean(p))


@pytest.mark.parametrize("k", [1, 2, 3])
def test_it_is_the_formula(k: int) -> None:
    known = calibration([3, 4, 5, 3, 3, 4, 2, 5, 3])
    people = PersonCalibration(Calibration((known,)))
    scores = [0.5, 0.5, 0.1, 1.2]
    alpha = {1: 1 / 10, 2: 1 / 10, 3: 1 / 9}[k]  # nine people have two photos or more, eight have three
    found = people.p(scores[: max(k, 2)] if k < 3 else scores, alpha)
    if k > 1:
        assert found.used == k
        assert found.p == pytest.approx(by_hand(known, scores[: max(k, 2)] if k < 3 else scores, k))
        assert found.floor == 1 / (found.identities + 1)


@settings(deadline=None, max_examples=40)
@given(
    score=st.floats(-3, 3),
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=12),
    seed=st.integers(0, 100),
)
def test_one_photo_is_the_p_value_of_an_image(score: float, sizes: list[int], seed: int) -> None:
    known = calibration(sizes, seed)
    found = PersonCalibration(Calibration((known,))).p([score], 0.05)
    assert found.p == pytest.approx(float(conformal_p([score], known.score, known.identity)[0]), abs=1e-12)
    assert (found.photos, found.used) == (1, 1)


def test_k_is_the_largest_that_enough_people_have_in_every_set() -> None:
    many, few = calibration([4] * 30 + [8] * 10), calibration([3] * 19, name="other")
    assert PersonCalibration(Calibration((many,))).k_for(20, 0.05) == 4
    assert PersonCalibration(Calibration((many,))).k_for(20, 0.1) == 8
    assert PersonCalibration(Calibration((many,))).k_for(3, 0.05) == 3
    assert PersonCalibration(Calibration((many, few))).k_for(20, 0.05) == 3
    assert PersonCalibration(Calibration((many, few))).k_for(20, 0.01) == 1  # not even one: the floor tells
    assert PersonCalibration(Calibration((many, few))).p([0.0] * 5, 0.01).floor == 1 / 20


def test_the_largest_p_of_the_sets_counts() -> None:
    low, high = calibration([2] * 30, 1), calibration([2] * 30, 2, "high")
    high = CalibrationSet("high", high.score + 5, high.identity)
    both, alone = PersonCalibration(Calibration((low, high))), PersonCalibration(Calibration((high,)))
    assert both.p([2.0, 2.0], 0.05).p == alone.p([2.0, 2.0], 0.05).p


def test_the_order_of_photos_and_people_is_irrelevant() -> None:
    known, scores = calibration([5] * 40), np.linspace(-1, 2, 7)
    turned = CalibrationSet("db", known.score[::-1], known.identity[::-1])
    one = PersonCalibration(Calibration((known,))).p(scores, 0.05)
    other = PersonCalibration(Calibration((turned,))).p(scores, 0.05)
    assert one.p == pytest.approx(other.p, abs=0.02)  # subsamples are drawn by place
    assert (one.used, one.identities) == (other.used, other.identities)


@pytest.mark.parametrize(("photos", "k"), [(5, 1), (5, 5), (7, 2), (40, 3), (500, 250)])
def test_subsamples_are_all_or_as_many_as_stated_and_the_same_each_time(photos: int, k: int) -> None:
    found = subsamples(photos, k)
    subsamples.cache_clear()
    assert np.array_equal(found, subsamples(photos, k))
    assert found.shape[1] == k
    assert len(found) <= SUBSAMPLES
    assert all(len(set(row)) == k for row in found.tolist())
    assert found.min() >= 0
    assert found.max() < photos


@pytest.mark.parametrize("scores", [[], [float("nan")], [float("inf"), 0.0]])
def test_scores_that_are_none(scores: list[float]) -> None:
    with pytest.raises(UserError):
        PersonCalibration(Calibration((calibration([2] * 5),))).p(scores, 0.1)


def test_valid_on_fresh_people_with_correlated_photos() -> None:
    """A quick look; tests/slow has the rates with their errors."""
    generator = np.random.default_rng(3)
    passed, asked, alpha, people, photos = 0, 0, 0.1, 60, 4
    for _ in range(40):
        person = generator.standard_normal((people + 25, 1))
        scores = 0.6**0.5 * person + 0.4**0.5 * generator.standard_normal((people + 25, photos))
        identity = np.repeat(np.arange(people), photos).astype(str)
        known = PersonCalibration(Calibration((CalibrationSet("x", scores[:people].ravel(), identity),)))
        passed += sum(known.p(each, alpha).p <= alpha for each in scores[people:])
        asked += 25
    assert passed / asked < alpha + 3 * (alpha / 40 / people**0.5 + (alpha * 0.9 / asked) ** 0.5)
