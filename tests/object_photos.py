"""Photos of objects drawn by code: a class is a shape and a colour, a track several photos of one object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mint_lightning.shards.sources import Photo

SHAPES = ("disc", "frame", "stripe", "wedge")


def drawn(shape: int, item: int, photo: int = 0, size: int = 16) -> NDArray[np.uint8]:
    """uint8 (size, size, 3) RGB: one object of a class, its colour and place by `item`, noise by `photo`."""
    random = np.random.default_rng([shape, item])
    colour, ground = (tuple(int(value) for value in random.integers(0, 256, 3)) for _ in range(2))
    x, y = random.uniform(0.1, 0.4, 2) * size
    box = [x, y, x + size * 0.5, y + size * 0.5]
    image = Image.new("RGB", (size, size), ground)
    draw = ImageDraw.Draw(image)
    if SHAPES[shape] == "disc":
        draw.ellipse(box, fill=colour)
    elif SHAPES[shape] == "frame":
        draw.rectangle(box, outline=colour, width=max(1, size // 8))
    elif SHAPES[shape] == "stripe":
        draw.line([0, y + size / 4, size, y + size / 4], fill=colour, width=max(1, size // 5))
    else:
        draw.polygon([(box[0], box[3]), (box[2], box[3]), (box[0], box[1])], fill=colour)
    noise = np.random.default_rng([shape, item, photo]).normal(0, 20, (size, size, 3))
    return (np.asarray(image) + noise).clip(0, 255).astype(np.uint8)


@dataclass
class ObjectPhotos:
    """`items` objects of each of the shapes, `photos` of each, in a database "objects_train", and `test` single
    photos of each shape in "objects_test"; objects are numbered from `begin` on."""

    items: int = 12
    photos: int = 1
    test: int = 0
    size: int = 16
    name: str = "objects"
    classes: Sequence[str] = SHAPES
    begin: int = 0

    def describe(self) -> Mapping[str, Any]:
        return {"kind": "drawn", "name": self.name, "photos": len(self.list()), "size": self.size}

    def list(self) -> Sequence[Photo]:
        return [
            Photo(
                f"{self.name}_{part}",
                f"{SHAPES[shape]}_{item:04d}",
                f"{SHAPES[shape]}/{item:04d}_{photo}.png",
                partial(drawn, shape, item, photo, self.size),
                attributes={"class": SHAPES[shape]},
            )
            for part, first, last, each in (
                ("train", self.begin, self.begin + self.items, self.photos),
                ("test", self.begin + self.items, self.begin + self.items + self.test, 1),
            )
            for shape in range(len(SHAPES))
            for item in range(first, last)
            for photo in range(each)
        ]
