"""The similarity from which on two photos are taken for one person's, at a false match rate that was measured."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError

LEAST_MATCHES: Final = 10
_BLOCK = 2048
_DRAWS = 1000


@dataclass(frozen=True)
class FalseMatches:
    """A threshold with the rate at which pairs of different people pass it.

    rate: measured share, with the 95 % interval low .. high (bootstrap of identities, for the pairs of one person are
    not independent). pairs, images, identities: what it was measured on.
    """

    threshold: float
    rate: float
    low: float
    high: float
    pairs: int
    images: int
    identities: int


def false_match_threshold(embedding: NDArray[np.float32], label: NDArray[np.int64], rate: float) -> FalseMatches:
    """The smallest threshold that at most the share `rate` of the pairs of different people pass.

    Args:
        embedding: (n, d), of length 1. label: (n,), who is shown.

    Raises:
        UserError: the rate is none, or so small that fewer than 10 of the pairs there are would pass.
    """
    if not 0 < rate < 1:
        raise UserError(f"false_match_rate is {rate:g}: it is a share, between 0 and 1.")
    people, code, size = np.unique(label, return_inverse=True, return_counts=True)
    pairs = (len(label) ** 2 - int((size**2).sum())) // 2
    allowed = int(rate * pairs)
    if allowed < LEAST_MATCHES:
        least = f"{LEAST_MATCHES / pairs:.1g}" if pairs else "any"
        raise UserError(
            f"A false match rate of {rate:g} cannot be measured on {pairs:,} pairs of different people "
            f"({len(label):,} photos of {len(people):,}): it takes {LEAST_MATCHES / rate:,.0f}; ask for {least} "
            "or more."
        )
    value = np.zeros(0, np.float32)
    ends = np.zeros((0, 2), np.int64)
    for start in range(0, len(code), _BLOCK):
        for at in range(start, len(code), _BLOCK):
            products = embedding[start : start + _BLOCK] @ embedding[at : at + _BLOCK].T
            differ = code[start : start + _BLOCK, None] != code[None, at : at + _BLOCK]
            if at == start:
                differ &= np.triu(np.ones(differ.shape, bool), 1)
            if len(value) > allowed:
                differ &= products >= value.min()
            rows, columns = np.nonzero(differ)
            value = np.concatenate([value, products[rows, columns]])
            ends = np.concatenate([ends, np.stack([code[start + rows], code[at + columns]], axis=1)])
            if len(value) > allowed + 1:
                highest = np.argpartition(-value, allowed)[: allowed + 1]
                value, ends = value[highest], ends[highest]
    threshold = float(np.nextafter(value.min(), np.float32(np.inf)))
    passed = ends[value >= threshold]
    low, high = _interval(passed, size)
    return FalseMatches(threshold, len(passed) / pairs, low, high, pairs, len(label), len(people))


def _interval(passed: NDArray[np.int64], size: NDArray[np.int64]) -> tuple[float, float]:
    generator = np.random.default_rng(0)
    rates = []
    for _ in range(_DRAWS):
        weight = np.bincount(generator.integers(0, len(size), len(size)), minlength=len(size))
        images = weight * size
        pairs = (int(images.sum()) ** 2 - int((images**2).sum())) / 2
        if pairs:
            rates.append(float((weight[passed[:, 0]] * weight[passed[:, 1]]).sum()) / pairs)
    return float(np.quantile(rates, 0.025)), float(np.quantile(rates, 0.975))
