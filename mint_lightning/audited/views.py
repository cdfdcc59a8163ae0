"""Label-free variants of an image; whether a network treats them alike tells of training on it."""

from collections.abc import Callable
from typing import Final

from torch import Tensor
from torch.nn import functional

from mint_lightning.errors import UserError

View = Callable[[Tensor], Tensor]


def _original(images: Tensor) -> Tensor:
    return images


def _flip(images: Tensor) -> Tensor:
    return images.flip(3)


def _jitter(images: Tensor) -> Tensor:
    """Three pixels to the left and two up, edges repeated, a tenth darker: small changes that training with mirrored
    photos alone has not seen."""
    moved = functional.pad(images.float(), (0, 3, 0, 2), mode="replicate")[:, :, 2:, 3:]
    return (0.9 * moved).round().to(images.dtype)


# Each takes and gives uint8 (B, 3, H, W) and draws nothing at random, so that AAD can be stored by view's name.
VIEWS: Final[dict[str, View]] = {"original": _original, "flip": _flip, "jitter": _jitter}


def view(name: str) -> View:
    """The function of a view's name; an unknown one is an error that lists the known."""
    if name not in VIEWS:
        raise UserError(f"There is no view {name!r}; known are {', '.join(VIEWS)}.")
    return VIEWS[name]
