"""Scores that need no fitting."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from mint_lightning.errors import UserError
from mint_lightning.evidence import agreement, embedding_norm

pytestmark = pytest.mark.unit


def test_norm_is_euclidean_and_grows_with_the_embedding():
    embedding = np.random.default_rng(0).standard_normal((5, 8)).astype(np.float32)
    assert embedding_norm(embedding) == pytest.approx(np.linalg.norm(embedding, axis=1), rel=1e-6)
    assert embedding_norm(2 * embedding) == pytest.approx(2 * embedding_norm(embedding))


def test_agreement_is_the_cosine_of_scikit_learn_and_one_for_equal_views():
    generator = np.random.default_rng(1)
    first, second = generator.standard_normal((6, 16)), generator.standard_normal((6, 16))
    assert agreement(first, second) == pytest.approx(np.diag(cosine_similarity(first, second)), abs=1e-12)
    assert agreement(first, 3 * first) == pytest.approx(np.ones(6))
    assert (agreement(first, first) <= 1.0).all()
    assert agreement(first, -first) == pytest.approx(-np.ones(6))


def test_agreement_of_an_empty_embedding_is_zero():
    assert agreement(np.zeros((2, 4)), np.ones((2, 4))).tolist() == [0.0, 0.0]


def test_half_precision_does_not_overflow():
    embedding = np.full((1, 4096), 300.0, np.float16)
    assert embedding_norm(embedding)[0] == pytest.approx(300 * 64)
    assert agreement(embedding, embedding)[0] == pytest.approx(1.0)


def test_other_shapes_are_refused():
    with pytest.raises(UserError, match=r"\(images, dimensions\), not \(3,\)"):
        embedding_norm(np.zeros(3))
    with pytest.raises(UserError, match="one shape"):
        agreement(np.zeros((2, 3)), np.zeros((3, 3)))
