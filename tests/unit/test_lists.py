"""Lists of answers: Benjamini-Hochberg against scipy, and what it holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from mint_lightning.errors import UserError
from mint_lightning.evidence import benjamini_hochberg, conformal_p

pytestmark = pytest.mark.unit


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_it_is_scipys(p: list[float]) -> None:
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p), rtol=1e-12, atol=1e-300)


def test_nothing_and_nonsense() -> None:
    assert benjamini_hochberg([]).shape == (0,)
    for bad in ([1.1], [-0.1], [float("nan")]):
        with pytest.raises(UserError):
            benjamini_hochberg(bad)


def test_the_share_of_false_ones_is_held_on_conformal_p_values() -> None:
    generator, shares = np.random.default_rng(0), []
    for _ in range(200):
        known = generator.standard_normal(1000)
        member = np.arange(100) < 30
        p = conformal_p(generator.standard_normal(100) + 3.5 * member, known, np.arange(1000))
        listed = benjamini_hochberg(p) <= 0.1
        shares.append((listed & ~member).sum() / max(listed.sum(), 1))
    assert 0.02 < np.mean(shares) < 0.1 * 0.7 + 3 * np.std(shares) / 200**0.5
