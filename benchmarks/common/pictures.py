"""Pictures that are no faces: drawn, and photographs that come with the libraries."""

from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Pictures = NDArray[np.uint8]


def cartoons(count: int, side: int = 112) -> Pictures:
    """uint8 (count, side, side, 3): a drawn head with eyes, nose and mouth, each in other colours."""
    found = []
    for seed in range(count):
        generator = np.random.default_rng(seed)
        image = Image.new("RGB", (112, 112), _colour(generator, 0))
        draw = ImageDraw.Draw(image)
        across, down = 56 + generator.integers(-6, 6), 56 + generator.integers(-6, 6)
        wide, high = generator.integers(28, 45), generator.integers(34, 52)
        box = (across - wide, down - high, across + wide, down + high)
        draw.ellipse(box, fill=_colour(generator, 100), outline=(0, 0, 0), width=2)
        for eye in (across - 16, across + 16):
            draw.ellipse((eye - 6, down - 14, eye + 6, down - 2), fill=(255, 255, 255), outline=(0, 0, 0))
            draw.ellipse((eye - 2, down - 10, eye + 2, down - 5), fill=(0, 0, 0))
        draw.line((across, down - 4, across - 4, down + 10, across + 2, down + 10), fill=(0, 0, 0), width=2)
        draw.arc((across - 16, down + 8, across + 16, down + 28), 10, 170, fill=(180, 0, 0), width=3)
        found.append(np.asarray(image.resize((side, side))))
    return np.stack(found)


def landscapes(count: int, side: int = 112) -> Pictures:
    """uint8 (count, side, side, 3): crops of the photograph of a palace and a lake that scikit-learn ships."""
    photo = Image.open(str(files("sklearn.datasets.images") / "china.jpg"))
    generator, found = np.random.default_rng(0), []
    for _ in range(count):
        width = int(generator.integers(side, photo.height))
        left, top = (int(generator.integers(0, most - width + 1)) for most in photo.size)
        found.append(np.asarray(photo.crop((left, top, left + width, top + width)).resize((side, side))))
    return np.stack(found)


def noise(count: int, side: int = 112) -> Pictures:
    """uint8 (count, side, side, 3)."""
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def portrait() -> str:
    """The file of a photograph of Grace Hopper (public domain), which matplotlib ships."""
    return str(files("matplotlib.mpl-data.sample_data") / "grace_hopper.jpg")


def _colour(generator: np.random.Generator, least: int) -> tuple[int, ...]:
    return tuple(generator.integers(least, 256, 3).tolist())
