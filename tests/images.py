"""Small face-like images drawn by code, and folders of them."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw


def face(identity: int, photo: int = 0, size: int = 32, seed: int = 0) -> NDArray[np.uint8]:
    """A face-like image, uint8 (size, size, 3) RGB. Colours and eyes depend on the identity, noise on the photo."""
    person = np.random.default_rng([seed, identity])
    skin, background, eye = (tuple(int(value) for value in person.integers(40, 216, 3)) for _ in range(3))
    width, gap = person.uniform(0.5, 0.8), person.uniform(0.14, 0.24)
    image = Image.new("RGB", (size, size), background)
    draw = ImageDraw.Draw(image)
    draw.ellipse([size * (1 - width) / 2, size * 0.08, size * (1 + width) / 2, size * 0.92], fill=skin)
    for x in (0.5 - gap, 0.5 + gap):
        draw.ellipse([size * (x - 0.06), size * 0.36, size * (x + 0.06), size * 0.46], fill=eye)
    draw.line([size * 0.38, size * 0.7, size * 0.62, size * 0.7], fill=eye, width=max(1, size // 24))
    noise = np.random.default_rng([seed, identity, photo]).normal(0, 12, (size, size, 3))
    return (np.asarray(image) + noise).clip(0, 255).astype(np.uint8)


def encoded(pixels: NDArray[Any] | Image.Image, format: str = "PNG", **options: Any) -> bytes:
    """An image file's bytes."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def face_folder(root: Path, identities: int = 20, photos: int = 3, size: int = 32, seed: int = 0) -> Path:
    """Write `root/person_000/0.png` and so on, and return `root`."""
    for identity in range(identities):
        folder = root / f"person_{identity:03d}"
        folder.mkdir(parents=True)
        for photo in range(photos):
            (folder / f"{photo}.png").write_bytes(encoded(face(identity, photo, size, seed)))
    return root
