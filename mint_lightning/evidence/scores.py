"""Scores that need no fitting. Each is the larger the more like a training photo: the direction is fixed beforehand."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mint_lightning.errors import UserError


def embedding_norm(embedding: ArrayLike) -> NDArray[np.float64]:
    """(B,) Euclidean norms of (B, D) embeddings: a face network grows surer, and its embeddings longer, on what it
    was trained on."""
    return np.linalg.norm(_matrix(embedding), axis=1)


def agreement(embedding: ArrayLike, other: ArrayLike) -> NDArray[np.float64]:
    """(B,) cosines, in [-1, 1], of (B, D) embeddings with those of another view of the same images, such as the flip.

    Training pulls the views of a training photo together (the idea of EncoderMI: Liu et al., CCS 2021). An embedding
    of length 0 agrees with nothing: 0.
    """
    first, second = _matrix(embedding), _matrix(other)
    if first.shape != second.shape:
        raise UserError(f"Embeddings of two views must have one shape, not {first.shape} and {second.shape}.")
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    products = np.einsum("bd,bd->b", first, second)
    return np.clip(np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0), -1.0, 1.0)


def similarity(embeddings: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """(B,) mean cosine of each two of k photos of a person, (B, D) of each photo: a network that learnt the person has
    drawn them together. The order of the photos does not matter."""
    return np.mean([agreement(first, second) for first, second in combinations(embeddings, 2)], axis=0)


def _matrix(embedding: ArrayLike) -> NDArray[np.float64]:
    matrix = np.asarray(embedding, dtype=np.float64)
    if matrix.ndim != 2:
        raise UserError(f"Embeddings must have the shape (images, dimensions), not {matrix.shape}.")
    return matrix
