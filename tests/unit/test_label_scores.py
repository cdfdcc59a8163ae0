"""Scores of class logits: against torch and by the formulas, stable where probabilities round."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy

from mint_lightning.errors import UserError
from mint_lightning.evidence.label_scores import (
    confidence,
    loss_score,
    margin,
    negative_entropy,
    negative_modified_entropy,
)

pytestmark = pytest.mark.unit

LOGITS = arrays(np.float64, (6, 5), elements=st.floats(-30, 30))
LABELS = arrays(np.int64, 6, elements=st.integers(0, 4))


def probabilities(logits: np.ndarray) -> np.ndarray:
    return torch.softmax(torch.from_numpy(logits), dim=1).numpy()


@settings(max_examples=60)
@given(logits=LOGITS, label=LABELS)
def test_against_torch_and_scipy(logits: np.ndarray, label: np.ndarray) -> None:
    given, own = torch.from_numpy(logits), torch.from_numpy(label)
    expected = -torch.nn.functional.cross_entropy(given, own, reduction="none").numpy()
    np.testing.assert_allclose(loss_score(logits, label), expected, atol=1e-9)
    p = probabilities(logits)
    np.testing.assert_allclose(confidence(logits), p.max(axis=1), atol=1e-12)
    np.testing.assert_allclose(negative_entropy(logits), -entropy(p, axis=1), atol=1e-9)


@settings(max_examples=60)
@given(logits=arrays(np.float64, (6, 5), elements=st.floats(-5, 5)), label=LABELS)
def test_modified_entropy_and_margin_by_their_formulas(logits: np.ndarray, label: np.ndarray) -> None:
    p = probabilities(logits)
    for row, (own, score, gap) in enumerate(
        zip(label, negative_modified_entropy(logits, label), margin(logits, label), strict=True)
    ):
        others = [i for i in range(5) if i != own]
        expected = -(1 - p[row, own]) * np.log(p[row, own]) - sum(p[row, i] * np.log(1 - p[row, i]) for i in others)
        assert score == pytest.approx(-expected, abs=1e-9)
        assert gap == pytest.approx(logits[row, own] - max(logits[row, i] for i in others))


def test_sure_predictions_stay_finite_and_in_order() -> None:
    logits = np.array([[800.0, 0.0, -800.0], [40.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    right, wrong = np.zeros(3, np.int64), np.array([2, 1, 1])
    for score in (loss_score, negative_modified_entropy, margin):
        assert np.isfinite(score(logits, right)).all()
        assert np.isfinite(score(logits, wrong)).all()
        assert (np.diff(score(logits, right)) <= 0).all()
        assert (np.diff(score(logits, wrong)) >= 0).all()  # surer and wrong looks less like training


@pytest.mark.parametrize("label", [[0, 1], [0, 1, 5], [0, 1, -1], [[0], [1], [2]]])
def test_labels_that_do_not_fit(label: list) -> None:
    with pytest.raises(UserError):
        loss_score(np.zeros((3, 5)), label)
    with pytest.raises(UserError):
        confidence(np.zeros((3, 1)))
