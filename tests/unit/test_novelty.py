"""What lies outside: the shrinkage against scikit-learn, the rate on known photos, and what is flagged."""

import numpy as np
import pytest
import torch
from sklearn.covariance import LedoitWolf, ledoit_wolf_shrinkage

from mint_lightning.auditor.novelty import NoveltyCheck
from mint_lightning.errors import UserError
from mint_lightning.evidence.novelty import Novelty
from mint_lightning.evidence.novelty import ledoit_wolf_shrinkage as ours

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("count", "width"), [(50, 20), (30, 80), (400, 100), (5, 3)])
def test_the_shrinkage_is_scikit_learns(count: int, width: int) -> None:
    generator = np.random.default_rng(count)
    features = generator.standard_normal((count, width)) @ generator.standard_normal((width, width))
    features -= features.mean(axis=0)
    assert ours(features) == pytest.approx(ledoit_wolf_shrinkage(features, assume_centered=True), rel=1e-9)


def people(generator: np.random.Generator, count: int, mixing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features of `count` people with three correlated photos each."""
    width = len(mixing)
    person = np.repeat(generator.standard_normal((count, width)), 3, axis=0)
    photo = generator.standard_normal((3 * count, width))
    return (0.6 * person + 0.8 * photo) @ mixing, np.repeat(np.arange(count), 3)


def fitted(seed: int = 0, width: int = 40) -> tuple[Novelty, np.random.Generator, np.ndarray]:
    generator = np.random.default_rng(seed)
    mixing = generator.standard_normal((width, width))
    known, _ = people(generator, 400, mixing)
    calibration, identity = people(generator, 600, mixing)
    return Novelty.fit(known, calibration, identity), generator, mixing


def test_all_components_give_the_distance_of_ledoit_and_wolf() -> None:
    generator = np.random.default_rng(1)
    features = generator.standard_normal((200, 10)) * np.arange(1, 11)
    model = Novelty.fit(features, features[:20], np.arange(20), components=10)
    standard = (features - features.mean(axis=0)) / features.std(axis=0)
    expected = LedoitWolf(assume_centered=True).fit(standard).mahalanobis(standard)
    np.testing.assert_allclose(model.distances(features), expected, rtol=1e-4)


def test_known_photos_pass_and_far_ones_do_not() -> None:
    model, generator, mixing = fitted()
    fresh, _ = people(generator, 2000, mixing)
    rate = model.outside(fresh, 0.01).mean()
    assert 0.003 < rate < 0.02
    assert model.outside(fresh + 40.0, 0.01).all()
    assert model.outside(20 * generator.standard_normal(fresh.shape), 0.01).mean() > 0.99


def test_few_components_keep_the_rest_as_one_variance() -> None:
    generator = np.random.default_rng(2)
    mixing = generator.standard_normal((40, 40))
    known, _ = people(generator, 400, mixing)
    calibration, identity = people(generator, 600, mixing)
    model = Novelty.fit(known, calibration, identity, components=5)
    assert model.components.shape == (5, 40)
    fresh, _ = people(generator, 1000, mixing)
    assert model.outside(fresh, 0.01).mean() < 0.03
    assert model.outside(fresh + 60.0, 0.01).all()


def test_a_feature_that_never_varied_is_compared_as_it_is() -> None:
    generator = np.random.default_rng(3)
    known = generator.standard_normal((300, 4))
    known[:, 3] = 7.0
    model = Novelty.fit(known[:200], known[200:], np.arange(100))
    strange = known[:5].copy()
    strange[:, 3] = 100.0
    assert model.outside(strange).all()
    assert not model.outside(known[:100]).all()


def test_with_few_people_only_what_lies_beyond_all_is_outside() -> None:
    generator = np.random.default_rng(4)
    known = generator.standard_normal((300, 4))
    model = Novelty.fit(known[:280], known[280:], np.arange(20))
    assert not model.outside(known[280:]).any()
    assert model.outside(known[:1] + 100.0).all()


@pytest.mark.parametrize(
    ("features", "calibration"),
    [
        (np.zeros((1, 3)), np.zeros((2, 3))),
        (np.zeros((5, 3)), np.zeros((2, 4))),
        (np.full((5, 3), np.nan), np.zeros((2, 3))),
    ],
)
def test_features_that_cannot_be_compared(features: np.ndarray, calibration: np.ndarray) -> None:
    with pytest.raises(UserError):
        Novelty.fit(features, calibration, np.arange(2))


def test_it_is_kept_exactly(tmp_path) -> None:
    model, generator, mixing = fitted(width=904 // 8)
    fresh, _ = people(generator, 20, mixing)
    NoveltyCheck(model).save(tmp_path / "n.safetensors")
    again = NoveltyCheck.load(tmp_path / "n.safetensors").model
    assert np.array_equal(again.distances(fresh), model.distances(fresh))
    assert np.array_equal(again.p_values(fresh), model.p_values(fresh))
    from safetensors.torch import save_file

    save_file({"mean": torch.zeros(3)}, str(tmp_path / "other.safetensors"))
    with pytest.raises(UserError, match="lacks 'scale'"):
        NoveltyCheck.load(tmp_path / "other.safetensors")
