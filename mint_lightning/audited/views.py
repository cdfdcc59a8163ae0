"""Label-free variants of an image; whether a network treats them alike tells of training on it."""

from collections.abc import Callable
from typing import Final

from torch import Tensor

from mint_lightning.errors import UserError

View = Callable[[Tensor], Tensor]


def _original(images: Tensor) -> Tensor:
    return images


def _flip(images: Tensor) -> Tensor:
    return images.flip(3)


# Each takes and gives uint8 (B, 3, H, W) and draws nothing at random, so that AAD can be stored by view's name.
VIEWS: Final[dict[str, View]] = {"original": _original, "flip": _flip}


def view(name: str) -> View:
    """The function of a view's name; an unknown one is an error that lists the known."""
    if name not in VIEWS:
        raise UserError(f"There is no view {name!r}; known are {', '.join(VIEWS)}.")
    return VIEWS[name]
