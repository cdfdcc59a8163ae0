"""Pixels as a network: a control that knows the pictures and cannot know what any network was trained on."""

import math
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mint_lightning.audited.network import AuditedNetwork
from mint_lightning.audited.preprocessing import Preprocessing
from mint_lightning.errors import UserError

_VERSION: Final = 1  # part of the fingerprint: raise it when a figure is computed differently
_SIDE: Final = 16
_PICTURE_SIDE: Final = 32
_BINS: Final = 16
_BLOCK: Final = 8
_PIECE: Final = 16  # images
_LUMINANCE: Final = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in JPEG

STATISTICS: Final[dict[str, int]] = {
    "colour means R, G, B": 3,
    "colour standard deviations R, G, B": 3,
    "correlations RG, GB, BR": 3,
    "mean absolute differences RG, GB, BR (0 in grey pictures)*": 3,
    "histogram of R, G, B in 16 bins each, shares*": 3 * _BINS,
    "8x8 DCT of luminance: log mean absolute coefficient of each frequency, blocks as in JPEG": _BLOCK * _BLOCK,
    "sharpness: log mean square of the Laplacian": 1,
    "noise: log mean absolute response of Immerkaer's operator (1996)": 1,
    "gradients: log mean absolute difference across, down": 2,
    "blockiness: gradients at the borders of 8x8 blocks less those within, across, down": 2,
    "mean luminance of the outermost line top, bottom, left, right": 4,
    "shares of pixels nearly black (channels below 4), nearly white (above 251)*": 2,
}
"""What the tap `statistics` holds, in order, with the number of values of each, 136 in all. Logarithms are log1p on
the scale 0..255; the rest is on 0..1. Starred: of every second pixel both ways."""


class PixelNetwork(AuditedNetwork):
    """Looks like an audited network; its taps are functions of the picture alone.

    `pixels`: the image averaged down to 16x16, (B, 768), scale 0..1, the order of (3, 16, 16).
    `statistics`: (B, 136), listed in `STATISTICS`.
    `picture`: the image averaged down to 32x32 (its own size where it is smaller), (B, 3, 32, 32), scale 0..1.

    Args:
        size: Height and width of the shards' images, so that nothing is resized; others are, which changes the
            statistics.

    Raises:
        UserError: images under 16 pixels a side.
    """

    def __init__(self, size: tuple[int, int] = (112, 112)) -> None:
        if min(size) < _SIDE:
            raise UserError(
                f"The pixel control needs images of {_SIDE}x{_SIDE} pixels or more, not {size[0]}x{size[1]}."
            )
        super().__init__(
            _PixelModule(),
            taps={"pixels": "pixels", "statistics": "statistics", "picture": "picture"},
            preprocessing=Preprocessing(size=size, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
            name="pixels",
            channels_last=False,
        )


class _PixelModule(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pixels = _Thumbnail()
        self.statistics = _Statistics()
        self.picture = _Picture()

    def forward(self, images: Tensor) -> Tensor:
        parts = (self.pixels(images), self.statistics(images), self.picture(images))
        return torch.cat([part.flatten(1) for part in parts], dim=1)


class _InPieces(nn.Module):
    """Works through a batch in pieces that stay in a core's cache: half the time on a processor."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat([self.compute(piece) for piece in images.split(_PIECE)])

    def compute(self, images: Tensor) -> Tensor:
        raise NotImplementedError


class _Thumbnail(_InPieces):
    def compute(self, images: Tensor) -> Tensor:
        return _averaged(images, _SIDE).flatten(1)


class _Picture(_InPieces):
    def compute(self, images: Tensor) -> Tensor:
        return _averaged(images, min(_PICTURE_SIDE, *images.shape[2:]))


def _averaged(images: Tensor, side: int) -> Tensor:
    # Adaptive average pooling as two products with its own matrices: three times as fast as torch's pooling.
    height, width = (F.adaptive_avg_pool1d(torch.eye(size).to(images), side) for size in images.shape[2:])
    return (height.T @ (images @ width)) / 255


class _Statistics(_InPieces):
    dct: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("dct", _dct_basis(), persistent=False)
        self.register_buffer("version", torch.tensor(_VERSION), persistent=False)

    def compute(self, images: Tensor) -> Tensor:
        # Every second pixel both ways is sample enough for shares of pixels, and four times as fast.
        sample = images[:, :, ::2, ::2].contiguous()
        weights = images.new_tensor(_LUMINANCE).expand(len(images), 1, 3)
        luminance = (weights @ images.flatten(2)).unflatten(2, images.shape[2:]).squeeze(1)
        return torch.cat(
            [
                _colours(images.flatten(2), sample),
                _histogram(sample),
                F.conv2d(luminance.unsqueeze(1), self.dct, stride=_BLOCK).abs().mean((2, 3)).log1p(),
                _edges(luminance),
                _borders(luminance),
                _extremes(sample),
            ],
            dim=1,
        )


def _colours(flat: Tensor, sample: Tensor) -> Tensor:
    mean = flat.mean(2, keepdim=True)
    centred = flat - mean
    # One small product: torch's own variance takes ten times as long.
    covariance = centred @ centred.transpose(1, 2) / flat.shape[2]
    std = covariance.diagonal(dim1=1, dim2=2).sqrt()
    following = [1, 2, 0]
    # One squared grey level more in the denominator: a picture of one colour has correlation 0, not 0 / 0.
    correlation = covariance[:, [0, 1, 2], following] / (std * std[:, following] + 1)
    difference = [(sample[:, a] - sample[:, b]).abs().mean((1, 2)) / 255 for a, b in enumerate(following)]
    return torch.cat([mean.flatten(1) / 255, std / 255, correlation, torch.stack(difference, dim=1)], dim=1)


def _histogram(sample: Tensor) -> Tensor:
    bins = (sample * (_BINS / 256)).long().flatten(2)
    counts = sample.new_zeros(*bins.shape[:2], _BINS)
    counts.scatter_add_(2, bins, counts.new_ones(()).expand_as(bins))
    return counts.flatten(1) / bins.shape[2]


def _edges(luminance: Tensor) -> Tensor:
    across, down = luminance.diff(dim=2), luminance.diff(dim=1)
    across_twice, down_twice = across.diff(dim=2), down.diff(dim=1)
    laplacian = across_twice[:, 1:-1] + down_twice[:, :, 1:-1]
    noise = across_twice.diff(n=2, dim=1)
    # The Laplacian's mean is next to nothing, so its mean square is its variance.
    sharpness = [laplacian.square().mean((1, 2)).log1p(), noise.abs().mean((1, 2)).log1p()]
    profiles = (across.abs().mean(1), down.abs().mean(2))
    strength = [profile.mean(1).log1p() for profile in profiles]
    return torch.stack([*sharpness, *strength, *(_blockiness(profile) for profile in profiles)], dim=1)


def _blockiness(profile: Tensor) -> Tensor:
    border = torch.arange(1, profile.shape[1] + 1, device=profile.device) % _BLOCK == 0
    return profile[:, border].mean(1).log1p() - profile[:, ~border].mean(1).log1p()


def _borders(luminance: Tensor) -> Tensor:
    lines = (luminance[:, 0], luminance[:, -1], luminance[:, :, 0], luminance[:, :, -1])
    return torch.stack([line.mean(1) / 255 for line in lines], dim=1)


def _extremes(sample: Tensor) -> Tensor:
    shares = (sample.amax(1) < 4, sample.amin(1) > 251)
    return torch.stack([share.float().mean((1, 2)) for share in shares], dim=1)


def _dct_basis() -> Tensor:
    """Orthonormal two-dimensional DCT-II of 8x8 blocks as 64 filters (64, 1, 8, 8), frequency down first."""
    position = torch.arange(_BLOCK, dtype=torch.float64)
    basis = torch.cos(math.pi / _BLOCK * (position + 0.5) * position[:, None]) * math.sqrt(2 / _BLOCK)
    basis[0] /= math.sqrt(2)
    return torch.einsum("uy,vx->uvyx", basis, basis).reshape(-1, 1, _BLOCK, _BLOCK).float()
