"""Scores of a classifier's logits that need no fitting. Each is the larger the more like a training photo."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp, xlogy

from mint_lightning.errors import UserError

Floats = NDArray[np.float64]


def loss_score(logits: ArrayLike, label: ArrayLike) -> Floats:
    """(B,) minus the cross-entropy of (B, C) logits at (B,) labels: what was trained on has a low loss (Yeom et al.,
    CSF 2018)."""
    log_p, own = _log_probabilities(logits), _labels(logits, label)
    return log_p[np.arange(len(own)), own]


def confidence(logits: ArrayLike) -> Floats:
    """(B,) the largest probability (Salem et al., NDSS 2019). Where it rounds to 1, images tie."""
    return np.exp(_log_probabilities(logits).max(axis=1))


def negative_entropy(logits: ArrayLike) -> Floats:
    """(B,) minus the entropy of the probabilities, in nats (Salem et al., NDSS 2019)."""
    log_p = _log_probabilities(logits)
    return (np.exp(log_p) * log_p).sum(axis=1)


def negative_modified_entropy(logits: ArrayLike, label: ArrayLike) -> Floats:
    """(B,) minus the modified entropy, in nats (Song and Mittal, USENIX Security 2021).

    -(1 - p_y) log p_y - sum over other classes of p_i log(1 - p_i): unlike the entropy, it is large for a sure but
    wrong prediction.
    """
    log_p, own = _log_probabilities(logits), _labels(logits, label)
    p, place = np.exp(log_p), np.arange(len(own))
    # 1 - p of the right class from the others, or it would be 0 wherever p rounds to 1.
    others = p.copy()
    others[place, own] = 0.0
    rest = others.sum(axis=1)
    wrong = xlogy(others, -np.expm1(np.minimum(log_p, -1e-300)))  # finite where another class has all of it
    return rest * log_p[place, own] + wrong.sum(axis=1)


def margin(logits: ArrayLike, label: ArrayLike) -> Floats:
    """(B,) logit of the right class less the largest other one, which is monotone in the scaled confidence log(p_y /
    (1 - p_y)) of Carlini et al. (2112.03570) where one other class counts."""
    values, own = _matrix(logits), _labels(logits, label)
    place = np.arange(len(own))
    others = values.copy()
    others[place, own] = -np.inf
    return values[place, own] - others.max(axis=1)


def _log_probabilities(logits: ArrayLike) -> Floats:
    values = _matrix(logits)
    return values - logsumexp(values, axis=1, keepdims=True)


def _matrix(logits: ArrayLike) -> Floats:
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 2:
        raise UserError(f"Logits must have the shape (images, classes) with two classes or more, not {values.shape}.")
    return values


def _labels(logits: ArrayLike, label: ArrayLike) -> NDArray[np.int64]:
    own, (count, classes) = np.asarray(label), np.shape(logits)
    if own.shape != (count,) or (len(own) and not (own.min() >= 0 and own.max() < classes)):
        raise UserError(f"Labels must be {count} numbers from 0 to {classes - 1}, one for each image.")
    return own.astype(np.int64)
