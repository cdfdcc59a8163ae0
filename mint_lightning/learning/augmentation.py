"""How photos are changed while a network learns: functions of (seed, step, row) alone, whatever process holds them."""

from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Rows = NDArray[np.int64]
Augment = Literal["none", "flip", "crop_flip"]

PADDING: Final = 4


def augmented(images: Tensor, rows: Tensor, augment: Augment, seed: int, step: int) -> Tensor:
    """Images (B, C, H, W) of these rows, int64 (B,), as the network sees them in this step: the same shape and dtype.

    "flip" mirrors half of them; "crop_flip" also moves each by up to 4 pixels, as a random crop of the image padded by
    its own mirror image does (He et al., 1512.03385, section 4.2, pad with zeros: black borders that no photo has).
    """
    if augment == "none":
        return images
    where = rows.cpu().numpy()
    mirrored = torch.from_numpy(flips(where, seed, step)).to(images.device)
    if augment == "flip":
        return torch.where(mirrored[:, None, None, None], images.flip(3), images)
    down, right = (torch.from_numpy(moves).to(images.device) for moves in shifts(where, seed, step))
    return _moved(images, down, right, mirrored)


def flips(rows: Rows, seed: int, step: int) -> NDArray[np.bool_]:
    """Which images to mirror: bool (B,), a function of (seed, step, row) alone."""
    return (_drawn(rows, seed, step) >> np.uint64(63)).astype(bool)


def shifts(rows: Rows, seed: int, step: int) -> tuple[Rows, Rows]:
    """By how many pixels each image is moved up and to the left: int64 (B,) each, -4 to 4, likewise."""
    wide = np.uint64(2 * PADDING + 1)
    up, left = ((_drawn(rows, seed, step, axis) % wide).astype(np.int64) - PADDING for axis in (1, 2))
    return up, left


def step_seed(seed: int, step: int) -> int:
    """Of whatever else is drawn in a step, such as dropout: a function of (seed, step), 63 bits."""
    return int(_drawn(np.zeros(1, np.int64), seed, step)[0] >> np.uint64(1))


def mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Each number as another that looks drawn: the finaliser of SplitMix64 (Steele, Lea & Flood, 2014)."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _drawn(rows: Rows, *parts: int) -> NDArray[np.uint64]:
    state = rows.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for part in parts:
        state = mixed(state ^ np.uint64(part % 2**64))
    return mixed(state)


def _moved(images: Tensor, up: Tensor, left: Tensor, mirrored: Tensor) -> Tensor:
    number, channels, height, width = images.shape
    vertical = _reflected(torch.arange(height, device=images.device) + up[:, None], height)
    across = torch.arange(width, device=images.device).expand(number, -1)
    horizontal = _reflected(torch.where(mirrored[:, None], width - 1 - across, across) + left[:, None], width)
    image = torch.arange(number, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[None, :, None, None]
    return images[image, channel, vertical[:, None, :, None], horizontal[:, None, None, :]]


def _reflected(places: Tensor, length: int) -> Tensor:
    """Places beyond an edge as those that lie as far within it."""
    inner = places.abs()
    return torch.where(inner >= length, 2 * (length - 1) - inner, inner)
