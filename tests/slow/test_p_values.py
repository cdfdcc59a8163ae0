"""p-values on fresh people, by simulation: of one photo, of several, in lists; photos of a person are correlated."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import betabinom

from mint_lightning.evidence import Calibration, PersonCalibration, benjamini_hochberg, conformal_p
from mint_lightning.evidence.conformal import CalibrationSet

pytestmark = pytest.mark.slow

ALPHAS = (0.01, 0.05, 0.1)
RUNS = 400
PEOPLE = 400
FRESH = 200


def scores(
    generator: np.random.Generator, sizes: NDArray[np.int64], correlation: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(n,) scores of people with `sizes` photos each, and whose each is."""
    identity = np.repeat(np.arange(len(sizes)), sizes)
    person = generator.standard_normal(len(sizes))[identity]
    return correlation**0.5 * person + (1 - correlation) ** 0.5 * generator.standard_normal(identity.size), identity


def unequal(generator: np.random.Generator, people: int) -> NDArray[np.int64]:
    """Sizes as in photo collections: most have one photo, a few have many."""
    return np.minimum(generator.zipf(2.0, people), 60)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6])
def test_one_photo_of_a_fresh_person_passes_as_often_as_it_may(correlation: float) -> None:
    generator = np.random.default_rng(int(10 * correlation))
    shares = np.empty((RUNS, len(ALPHAS)))
    for run in range(RUNS):
        known, identity = scores(generator, unequal(generator, PEOPLE), correlation)
        p = conformal_p(generator.standard_normal(FRESH), known, identity)
        shares[run] = [(p <= alpha).mean() for alpha in ALPHAS]
    for alpha, own in zip(ALPHAS, shares.T, strict=True):
        error = own.std(ddof=1) / RUNS**0.5
        print(f"one photo, correlation {correlation}, alpha {alpha}: {own.mean():.4f} +- {error:.4f}")
        assert own.mean() < alpha + 3 * error


@pytest.mark.parametrize("alpha", ALPHAS)
def test_with_a_photo_for_each_person_the_number_that_passes_is_beta_binomial(alpha: float) -> None:
    """Calibration and test spread together: of m fresh photos against K, betabinom(m, j, K + 1 - j), j = floor of
    alpha (K + 1)."""
    generator = np.random.default_rng(7)
    passed = [
        int(
            (
                conformal_p(generator.standard_normal(FRESH), generator.standard_normal(PEOPLE), np.arange(PEOPLE))
                <= alpha
            ).sum()
        )
        for _ in range(4 * RUNS)
    ]
    rank = int(np.floor(alpha * (PEOPLE + 1) + 1e-9))
    known = betabinom(FRESH, rank, PEOPLE + 1 - rank)
    for level in (0.05, 0.25, 0.5, 0.75, 0.95):
        quantile = int(known.ppf(level))
        share = np.mean(np.array(passed) <= quantile)
        expected = float(known.cdf(quantile))
        assert abs(share - expected) < 4 * (expected * (1 - expected) / len(passed)) ** 0.5 + 1e-9
    assert np.var(passed) == pytest.approx(known.var(), rel=0.2)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("given", [1, 2, 4, 9, 30])
def test_several_photos_of_a_fresh_person_pass_no_more_often(given: int, correlation: float) -> None:
    generator = np.random.default_rng(given + int(100 * correlation))
    runs, fresh = 150, 100
    shares = np.empty((runs, len(ALPHAS)))
    used = set()
    for run in range(runs):
        known, identity = scores(generator, unequal(generator, PEOPLE), correlation)
        people = PersonCalibration(Calibration((CalibrationSet("x", known, identity.astype(str)),)))
        asked = scores(generator, np.full(fresh, given), correlation)[0].reshape(fresh, given)
        for place, alpha in enumerate(ALPHAS):
            answers = [people.p(each, alpha) for each in asked]
            shares[run, place] = np.mean([each.p <= alpha for each in answers])
            used.add((alpha, answers[0].used))
    for alpha, own in zip(ALPHAS, shares.T, strict=True):
        error = own.std(ddof=1) / runs**0.5
        compared = sorted(k for level, k in used if level == alpha)
        print(
            f"{given} photos, correlation {correlation}, alpha {alpha}, k {compared}: {own.mean():.4f} +- {error:.4f}"
        )
        assert own.mean() < alpha + 3 * error


@pytest.mark.parametrize("correlation", [0.0, 0.6])
@pytest.mark.parametrize("target", [0.05, 0.1])
@pytest.mark.parametrize("members", [0, 20])
def test_the_share_of_false_ones_in_a_list_is_held(members: int, target: float, correlation: float) -> None:
    generator = np.random.default_rng(members + int(100 * target))
    false = np.empty(RUNS)
    for run in range(RUNS):
        known, identity = scores(generator, unequal(generator, 1500), correlation)
        member = np.arange(100) < members
        p = conformal_p(generator.standard_normal(100) + 4.0 * member, known, identity)
        listed = benjamini_hochberg(p) <= target
        false[run] = (listed & ~member).sum() / max(int(listed.sum()), 1)
    error = false.std(ddof=1) / RUNS**0.5
    print(f"{members} of 100 members, correlation {correlation}, target {target}: {false.mean():.4f} +- {error:.4f}")
    assert false.mean() < target + 3 * error


@pytest.mark.parametrize("correlation", [0.0, 0.6])
@pytest.mark.parametrize("target", [0.05, 0.2])
def test_a_list_of_people_with_many_photos_is_held_too(target: float, correlation: float) -> None:
    """Each person is judged by all photos given, at the alpha of the list's own rate, as `audit` does."""
    generator = np.random.default_rng(int(100 * target + 10 * correlation))
    runs = RUNS // 4
    false, found = np.empty(runs), np.empty(runs)
    member = np.arange(60) < 15
    for run in range(runs):
        known, identity = scores(generator, unequal(generator, 1500), correlation)
        people = PersonCalibration(Calibration((CalibrationSet("x", known, identity.astype(str)),)))
        sizes = unequal(generator, len(member))
        asked, whose = scores(generator, sizes, correlation)
        asked += 3.0 * member[whose]
        p = np.array([people.p(asked[whose == person], 0.01).p for person in range(len(member))])
        listed = benjamini_hochberg(p) <= target
        false[run] = (listed & ~member).sum() / max(int(listed.sum()), 1)
        found[run] = listed[member].mean()
    error = false.std(ddof=1) / runs**0.5
    print(f"people, correlation {correlation}, target {target}: {false.mean():.4f} +- {error:.4f}, {found.mean():.2f}")
    assert false.mean() < target + 3 * error
    assert found.mean() > 0.1
