"""Label-free variants of an image; whether a network treats them alike tells of training on it."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from mint_lightning.errors import UserError

View = Callable[[Tensor], Tensor]
_BINOMIAL: Final = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
_KEPT: Final = 7 / 8  # of the side, by a crop
_MOVED: Final = 1 / 16  # of the side, by a shift


def _original(images: Tensor) -> Tensor:
    return images


def _flip(images: Tensor) -> Tensor:
    return images.flip(3)


def _jitter(images: Tensor) -> Tensor:
    """Three pixels to the left and two up, edges repeated, a tenth darker: small changes that training with mirrored
    photos alone has not seen."""
    moved = functional.pad(images.float(), (0, 3, 0, 2), mode="replicate")[:, :, 2:, 3:]
    return (0.9 * moved).round().to(images.dtype)


def _blur(images: Tensor) -> Tensor:
    """A binomial filter of five pixels across and down, edges repeated."""
    weights = torch.tensor(_BINOMIAL, device=images.device)
    padded = functional.pad(images.float(), (2, 2, 2, 2), mode="replicate")
    across = functional.conv2d(padded, weights.view(1, 1, 1, 5).expand(3, 1, 1, 5), groups=3)
    return _rounded(functional.conv2d(across, weights.view(1, 1, 5, 1).expand(3, 1, 5, 1), groups=3), images)


def _shift(images: Tensor) -> Tensor:
    """A sixteenth of the side to the right and down, edges repeated."""
    height, width = images.shape[2:]
    down, right = max(1, round(_MOVED * height)), max(1, round(_MOVED * width))
    padded = functional.pad(images.float(), (right, 0, down, 0), mode="replicate")
    return _rounded(padded[:, :, :height, :width], images)


def _crop(images: Tensor) -> Tensor:
    """The middle seven eighths of the side, at the size of the whole."""
    height, width = images.shape[2:]
    top, left = round((1 - _KEPT) / 2 * height), round((1 - _KEPT) / 2 * width)
    middle = images[:, :, top : height - top, left : width - left].float()
    return _rounded(functional.interpolate(middle, (height, width), mode="bilinear", align_corners=False), images)


def _rounded(pixels: Tensor, like: Tensor) -> Tensor:
    return pixels.round().clamp(0, 255).to(like.dtype)


# Each takes and gives uint8 (B, 3, H, W) and draws nothing at random, so that AAD can be stored by view's name.
VIEWS: Final[dict[str, View]] = {
    "original": _original,
    "flip": _flip,
    "jitter": _jitter,
    "blur": _blur,
    "shift": _shift,
    "crop": _crop,
}


def view(name: str) -> View:
    """The function of a view's name; an unknown one is an error that lists the known."""
    if name not in VIEWS:
        raise UserError(f"There is no view {name!r}; known are {', '.join(VIEWS)}.")
    return VIEWS[name]
