"""What an activation tells without its channels' names: figures that no order of the channels changes.

Channels of independently trained networks do not correspond, and a combination of channels can name who is on a photo.
These figures go from one network to another of its form. Databases may well differ in them: controls are due as ever.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

TINY: Final = 1e-6
MAGNITUDES: Final = 16
"""Order statistics of the outcome's magnitudes; fewer where it has fewer values."""


def uncorrelated(first: Tensor, second: Tensor) -> Tensor:
    """(B,) in [0, 2]: 1 less Pearson's correlation, over the channels, of (B, C) with (B, C).

    Half the square of the distance between the two, centred and of length 1: what is near 0 would be lost in 1 - 1.
    """
    a, b = (F.normalize(each - each.mean(1, keepdim=True)) for each in (first, second))
    return 0.5 * (a - b).square().sum(1)


def disagreement(views: Sequence[Tensor]) -> Tensor:
    """(B, pairs): log of 1 - correlation of each pair of views, (B, C) each. Correlations of views crowd below 1, where
    the logarithm tells them apart."""
    pairs = [uncorrelated(a, b).add(TINY).log() for a, b in combinations(views, 2)]
    return torch.stack(pairs, dim=1) if pairs else views[0].new_zeros(len(views[0]), 0)


def lengths(views: Sequence[Tensor]) -> Tensor:
    """(B, views): log length of each view's (B, C)."""
    return torch.stack([view.norm(dim=1).add(TINY).log() for view in views], dim=1)


def shape_figures(aad: Tensor) -> Tensor:
    """(B, 4) of (B, C): how its channels share its length. Log of spread by length, of mean magnitude by length, of the
    largest by length, and the share of channels above their mean."""
    length = aad.norm(dim=1).add(TINY)
    magnitude = aad.abs()
    spread = aad.std(1, correction=0) / length
    return torch.stack(
        [
            spread.add(TINY).log(),
            (magnitude.mean(1) / length).add(TINY).log(),
            (magnitude.amax(1) / length).add(TINY).log(),
            (aad > aad.mean(1, keepdim=True)).to(aad.dtype).mean(1),
        ],
        dim=1,
    )


def sorted_magnitudes(aad: Tensor) -> Tensor:
    """(B, min(C, 16)): order statistics of the magnitudes of (B, C), the largest first, by their mean."""
    magnitude = aad.abs().sort(dim=1, descending=True).values
    places = torch.linspace(0, aad.shape[1] - 1, min(MAGNITUDES, aad.shape[1]), device=aad.device).round().long()
    return magnitude[:, places] / magnitude.mean(1, keepdim=True).add(TINY)


def class_figures(views: Sequence[Tensor], one_hot: Tensor) -> Tensor:
    """(B, 2 * views + 2): by view the log odds of the photo's own class and its margin over the next, then mean and
    spread of the odds over the views; of a photo whose class is not known, all 0.

    Args:
        views: logits (B, classes) of each view.
        one_hot: (B, classes), all 0 where the class is not known.
    """
    own = one_hot.bool()
    odds, margins = [], []
    for logits in views:
        true = (logits * one_hot).sum(1)
        others = logits.masked_fill(own, -torch.inf)
        odds.append(true - torch.logsumexp(others, dim=1))  # log p / (1 - p)
        margins.append(true - others.amax(1))
    stacked = torch.stack(odds, dim=1)
    figures = [stacked, torch.stack(margins, dim=1), stacked.mean(1, keepdim=True)]
    found = torch.cat([*figures, stacked.std(1, correction=0, keepdim=True)], dim=1)
    return torch.where(own.any(1, keepdim=True), found, torch.zeros_like(found))


def log_distances(aad: Tensor) -> Tensor:
    """(B, L): logs of the distances from each BatchNorm layer's statistics, (B, L)."""
    return F.relu(aad).add(TINY).log()
