"""Small pictures of four classes, discs and squares in red and blue, and shard sets of them, made on the spot."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mint_lightning.shards.columns import Repeated
from mint_lightning.shards.keys import KeyList
from mint_lightning.shards.manifest import Manifest
from mint_lightning.shards.pack import pack
from mint_lightning.shards.sources.photo import Photo

CLASSES = ("blue disc", "blue square", "red disc", "red square")


class ShapesSource:
    """`number` pictures, each an identity of its own, or several of one (`together`), of the classes in turn."""

    name = "shapes"

    def __init__(self, number: int, size: int, together: int = 1) -> None:
        self.number, self.size, self.together = number, size, together

    def describe(self) -> Mapping[str, Any]:
        return {"kind": "shapes", "name": self.name, "number": self.number, "size": self.size, "each": self.together}

    def list(self) -> Sequence[Photo]:
        return [
            Photo(
                self.name,
                f"i{number // self.together:05d}",
                f"{number}.png",
                partial(shape, number, self.size, number // self.together % 4),
                attributes={"class": CLASSES[number // self.together % 4]},
            )
            for number in range(self.number)
        ]


def shape(number: int, size: int, kind: int) -> NDArray[np.uint8]:
    """A disc or square somewhere on noise."""
    rng = np.random.default_rng(number)
    pixels = rng.integers(60, 196, (size, size, 3), dtype=np.uint8)
    radius = size // 4
    y, x = rng.integers(radius, size - radius, 2)
    down, across = np.mgrid[:size, :size]
    down, across = abs(down - y), abs(across - x)
    inside = down**2 + across**2 <= radius**2 if kind % 2 == 0 else np.maximum(down, across) <= 0.8 * radius
    pixels[inside, 0 if kind >= 2 else 2] = 230
    return pixels


def pack_shapes(root: Path, *, number: int = 320, size: int = 16, together: int = 1, **arguments: Any) -> Path:
    """Pack them at `root`, half of the identities "members" and half "others"."""
    settings: dict[str, Any] = {"encoder": "png", "partitions": {"members": 0.5, "others": 0.5}, "lanes": 4}
    pack(ShapesSource(number, size, together), root, image_size=size, **(settings | arguments))
    return root


def name_classes(root: Path, known: Mapping[str, str]) -> None:
    """Write the class of each photo, by its origin, to the shard set; "" where it is not among the `known`."""
    manifest = Manifest.load(root)
    keys = KeyList.load(root, manifest)
    named = replace(keys, class_name=Repeated.of(known.get(origin, "") for origin in keys.origin))
    replace(manifest, classes=CLASSES, keys_sha256=named.save(root)).save(root)
