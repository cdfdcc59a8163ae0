"""Pictures that are no faces: everyday ones of CIFAR-10's test split, enlarged, a landscape's parts, and drawn ones."""

import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.common.pictures import cartoons, landscapes

SIZE = 112
MANY = 200
KINDS_OF_CIFAR = ("cat (CIFAR-10)", "horse (CIFAR-10)", "ship (CIFAR-10)")


def pictures() -> dict[str, list[NDArray[np.uint8]]]:
    """BGR (112, 112, 3) by kind; the same ones each time."""
    generator = np.random.default_rng(0)
    across, down = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    slopes = generator.uniform(-2.0, 2.0, (MANY, 3, 2))
    return {
        **_cifar(generator),
        "cartoons": [each[:, :, ::-1] for each in cartoons(MANY)],
        "landscape": [each[:, :, ::-1] for each in landscapes(MANY)],
        "noise": list(generator.integers(0, 256, (MANY, SIZE, SIZE, 3), dtype=np.uint8)),
        "one colour": [np.full((SIZE, SIZE, 3), colour, np.uint8) for colour in generator.integers(0, 256, (MANY, 3))],
        "gradients": [
            np.stack([128 + a * (across - SIZE / 2) + b * (down - SIZE / 2) for a, b in each], -1)
            .clip(0, 255)
            .astype(np.uint8)
            for each in slopes
        ],
    }


def write_pictures(folder: Path) -> Path:
    """Write them as PNGs, in a folder for each kind."""
    for kind, own in pictures().items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for number, picture in enumerate(own):
            cv2.imwrite(str(folder / kind / f"{number:03d}.png"), picture)
    return folder


def _cifar(generator: np.random.Generator) -> dict[str, list[NDArray[np.uint8]]]:
    path = Path(os.environ.get("MINT_DATA", "")) / "cifar10/cifar10_jpeg75_full.npz"
    with np.load(path) as archive:
        blob, offset, label, classes = (archive[name] for name in ("blob_test", "offset_test", "label_test", "classes"))
    found: dict[str, list[NDArray[np.uint8]]] = {}
    for number, name in enumerate(classes.astype(str).tolist()):
        if f"{name} (CIFAR-10)" not in KINDS_OF_CIFAR:
            continue
        chosen = np.sort(generator.choice(np.flatnonzero(label == number), MANY, replace=False))
        encoded = (blob[offset[place] : offset[place + 1]] for place in chosen)
        decoded = (cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_COLOR) for each in encoded)
        found[f"{name} (CIFAR-10)"] = [
            cv2.resize(each, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC) for each in decoded
        ]
    return found
