"""The measurements of benchmarks/packing. Each gives plain numbers as JSON keeps them: seconds of processor time."""

import io
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.common.processes import ONCE, peaks

PHOTOS = 5
SCENE = 256
SMALL = 16


def stages(images: int, repeats: int) -> dict[str, Any]:
    """Each stage alone on 112x112 JPEG files: decode, align by five points, encode, hash, write."""
    from mint_lightning.shards.align import TEMPLATE, align
    from mint_lightning.shards.image import decode, encoder_named, standardise

    cv2.setNumThreads(1)
    encoder = encoder_named("jpeg95")
    files = [_jpeg(_drawn(number)) for number in range(images)]
    decoded = [decode(file) for file in files]
    pixels = [np.asarray(image) for image in decoded]
    runs: dict[str, Callable[[], Any]] = {
        "decode": lambda: [decode(file) for file in files],
        "align": lambda: [align(each, TEMPLATE + 1.7) for each in pixels],
        "encode": lambda: [standardise(each, 112, encoder) for each in pixels],
        "hash and write": partial(_written, [standardise(each, 112, encoder) for each in pixels]),
    }
    found: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(repeats + 1):
        for name, run in runs.items():
            start = time.process_time()
            run()
            if turn:
                found[name].append(time.process_time() - start)
    return {"images": images, **found}


def plain(images: int, repeats: int) -> dict[str, Any]:
    """`pack` of a folder of 112x112 JPEG files, without detection, in one process: listing to manifest."""
    from mint_lightning.shards import open_source, pack

    cv2.setNumThreads(1)
    root = _folder(Path(f"faces_{images}"), images, _drawn, "jpg")
    processor, wall = [], []
    for turn in range(repeats + 1):
        with tempfile.TemporaryDirectory(dir=".") as folder:
            start = time.perf_counter(), time.process_time()
            pack(open_source(f"folder:{root}"), Path(folder) / "set", workers=0)
            if turn:
                wall.append(time.perf_counter() - start[0])
                processor.append(time.process_time() - start[1])
    return {"images": images, "processor": processor, "wall": wall}


def detection(detector: str, photos: int, repeats: int) -> dict[str, Any]:
    """Faces found, aligned and encoded in 256x256 photos, against the detector's network alone on inputs that are
    ready, in the batches that packing makes ("bare") and one by one ("single")."""
    from mint_lightning.shards.align import CutSettings, cut_of
    from mint_lightning.shards.fill import encode_photos
    from mint_lightning.shards.image import encoder_named
    from mint_lightning.shards.sources.photo import Photo

    cv2.setNumThreads(1)
    settings = CutSettings(
        detector, realign=True, padding=0.01
    )  # a drawn face that is not found is aligned all the same
    listed = [Photo("scenes", f"p{i}", f"{i}", partial(_jpeg, _scene(i))) for i in range(photos)]
    network: Any = cut_of(settings).detector
    blobs: list[NDArray[np.float32]] = []
    forward = network.model.__class__.__call__

    def kept(model: Any, blob: NDArray[np.float32]) -> Any:
        blobs.append(blob)
        return forward(model, blob)

    network.model.__class__.__call__ = kept
    try:
        encode_photos(listed, 112, encoder_named("jpeg95"), settings)
    finally:
        network.model.__class__.__call__ = forward
    alone = [blob[place : place + 1] for blob in blobs for place in range(len(blob))]
    runs: dict[str, Callable[[], Any]] = {
        "whole": lambda: encode_photos(listed, 112, encoder_named("jpeg95"), settings),
        "bare": lambda: [network.model(blob) for blob in blobs],
        "single": lambda: [network.model(blob) for blob in alone],
    }
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            start = time.process_time()
            run()
            found[name].append(time.process_time() - start)
    return {"images": photos, "input": list(blobs[0].shape), **found}


def memory(images: int) -> dict[str, Any]:
    """Peak memory of `pack` with one worker, in a process of its own, of a folder of 16x16 PNG files."""
    root = _folder(Path(f"small_{images}"), images, _noise, "png")
    out = Path(f"packed_{images}")
    shutil.rmtree(out, ignore_errors=True)
    words = ["--source", f"folder:{root}", "--out", str(out), "--image-size", str(SMALL), "--encoder", "png"]
    start = time.perf_counter()
    most = peaks(["pack", *words, "--workers", "1"])
    seconds = time.perf_counter() - start
    shutil.rmtree(out)
    shutil.rmtree(root)
    return {"images": images, "once_kib": most[ONCE], "rss_kib": most["Rss"], "seconds": seconds}


def _drawn(number: int) -> NDArray[np.uint8]:
    from mint_lightning.shards.synthetic.faces import draw_photo

    return draw_photo(0, number // PHOTOS, number % PHOTOS, 0.5)


def _scene(number: int) -> NDArray[np.uint8]:
    scene = np.full((SCENE, SCENE, 3), 120, np.uint8)
    scene[72:184, 72:184] = _drawn(number)
    return scene


def _noise(number: int) -> NDArray[np.uint8]:
    return np.random.default_rng(number).integers(0, 256, (SMALL, SMALL, 3), dtype=np.uint8)


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _folder(root: Path, images: int, make: Callable[[int], NDArray[np.uint8]], ending: str) -> Path:
    """A folder by identity, made once."""
    if (root / "whole").exists():
        return root
    for number in range(images):
        person = root / f"p{number // PHOTOS:06d}"
        if number % PHOTOS == 0:
            person.mkdir(parents=True, exist_ok=True)
        Image.fromarray(make(number)).save(
            person / f"{number % PHOTOS}.{ending}", **{"jpg": {"quality": 90}}.get(ending, {})
        )
    (root / "whole").mkdir()
    return root


def _written(files: Sequence[bytes]) -> None:
    from mint_lightning.shards.listing import Packed
    from mint_lightning.shards.writer import GroupWriter

    packed = Packed(len(files))
    facts = {"source": "drawn", "identity": "person", "label": 0, "partition": "all", "origin": "person/photo"}
    with tempfile.TemporaryDirectory(dir=".") as folder:
        writer = GroupWriter(Path(folder), "all", "fit", suffix="jpg", lanes=8, shard_bytes=2**26)
        with writer:
            for number, file in enumerate(files):
                packed.place(number, 0, file, "", *writer.write(f"drawn-{number:020d}", file, facts))
