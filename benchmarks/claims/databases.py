"""The generated databases: people who are called members, and outsiders who differ by more than membership."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mint_lightning.shards import Photo
from mint_lightning.shards.image import decode
from mint_lightning.shards.synthetic import SyntheticSource

Pixels = NDArray[np.uint8]
PHOTOS = 3


def _jpeg(pixels: Pixels) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=60)
    return np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGB"))


def _blur(pixels: Pixels) -> Pixels:
    return cv2.GaussianBlur(pixels, (0, 0), 0.8)


def _border(pixels: Pixels) -> Pixels:
    return cv2.copyMakeBorder(pixels[3:-3, 3:-3], 3, 3, 3, 3, cv2.BORDER_CONSTANT, value=(0, 0, 0))


def _grey(pixels: Pixels) -> Pixels:
    return np.repeat(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2)


CHANGES: Mapping[str, Callable[[Pixels], Pixels] | None] = {
    "JPEG of quality 60": _jpeg,
    "slight blur": _blur,
    "black border": _border,
    "grey": _grey,
    "another database": None,
}
"""What happened to the outsiders; those of another database are drawn with plainer identities and less variation."""


def changed(photo: Photo, change: Callable[[Pixels], Pixels]) -> Pixels:
    """A photo's pixels after the change; a function of its own, so that workers can be sent it."""
    content = photo.read()
    return change(np.asarray(decode(content)) if isinstance(content, bytes) else content)


@dataclass(frozen=True)
class Groups:
    """`identities` people called members, and as many outsiders, none of whom any network of the pool saw."""

    change: str
    seed: int
    identities: int

    @property
    def name(self) -> str:
        """Of the source."""
        return "groups"

    def describe(self) -> dict[str, Any]:
        """The arguments."""
        return {
            "kind": "claims",
            "name": self.name,
            "change": self.change,
            "seed": self.seed,
            "people": self.identities,
        }

    def list(self) -> Sequence[Photo]:
        """All photos, of the databases "d" and "e"."""
        change = CHANGES[self.change]
        difficulty = "hard" if change else "0.4"
        first = SyntheticSource(self.identities, PHOTOS, "hard", 1000 + 2 * self.seed, "d").list()
        second = SyntheticSource(self.identities, PHOTOS, difficulty, 1001 + 2 * self.seed, "e").list()
        if change:
            second = [replace(photo, reader=partial(changed, photo, change)) for photo in second]
        return [*first, *second]
