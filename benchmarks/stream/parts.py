"""The measurements of benchmarks/stream. Each gives plain numbers as JSON keeps them; repeats are interleaved."""

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.common.forward import bare, drawn_set, prepared
from benchmarks.common.processes import ONCE, peaks
from mint_lightning.audited import NetworkSource
from mint_lightning.files import write_json

PHOTOS = 5
BATCH = 128


def identities_for(fit_images: int) -> int:
    """People to draw so that random partitions and splits leave half of `fit_images` to each side, and 3 sigma more.

    An identity is a member with probability 1/2 and in the fit split with probability 1/2.
    """
    needed = fit_images / 2 / PHOTOS
    return math.ceil(4 * (needed + 3 * math.sqrt(needed)))


def shard_set(fit_images: int) -> Path:
    """Drawn faces enough for `fit_images`, packed once, with the door's own command."""
    return drawn_set(Path("shards") / f"fit_{fit_images}", identities_for(fit_images), PHOTOS)


def config(path: Path, network: Mapping[str, Any], root: Path, images: int, epochs: int, clock: bool) -> Path:
    """The YAML of one `fit`; JSON is YAML."""
    data = {
        "shards": str(root),
        "network": dict(network),
        "members": ["members"],
        "externals": ["externals"],
        "samples": images,
        "batch_size": BATCH,
    }
    trainer: dict[str, Any] = {"max_epochs": epochs, "accelerator": "cpu"}
    if clock:
        trainer["callbacks"] = [{"class_path": "benchmarks.stream.clock.Clock"}]
    head = {"class_path": "mint_lightning.learning.VanillaMINT", "init_args": {"taps": ["outcome"]}}
    content = {
        "name": "stream",
        "model": head,
        "data": {"class_path": "datamodules.Faces", "init_args": data},
        "trainer": trainer,
    }
    write_json(path, content)
    return path


def fit_against_bare(network: Mapping[str, Any], images: int, repeats: int) -> dict[str, Any]:
    """`fit` of two epochs through the front door, in turn with the bare forward on as many images in memory."""
    from benchmarks.stream.clock import RECORDS, STOPWATCH, watched
    from datamodules import Faces
    from mint_lightning.cli import main

    root = shard_set(images)
    yaml = config(Path("fit.yaml"), network, root, images, epochs=2, clock=True)
    audited = NetworkSource(**network).load()
    data = Faces(
        str(root), NetworkSource(**network), ["outcome"], None, ["members"], ["externals"],
        batch_size=BATCH, samples=images,
    )  # fmt: skip
    loaders = data.fit_images(), data.eval_loader(data.rows("validate"))
    batches = [prepared(audited, batch["images"]) for loader in loaders for batch in loader]
    forward = bare(audited.module, batches)
    forward()
    seconds, records = [], []
    for _ in range(repeats):
        seconds.append(forward())
        with watched(STOPWATCH):
            if main(["fit", "--config", str(yaml)]):
                raise SystemExit("fit failed.")
        records.append(RECORDS.pop())
    return {"images": sum(map(len, batches)), "bare": seconds, "fit": records}


def cut(network: Mapping[str, Any], images: int, repeats: int, batch: int) -> dict[str, Any]:
    """A tap at conv1 against the same network physically cut after layer1, and against its whole forward."""
    audited = NetworkSource(**network).load()
    stem: Any = audited.module
    short = nn.Sequential(stem.conv1, stem.bn1, stem.prelu, stem.layer1).eval()
    generator = torch.Generator().manual_seed(0)
    size = (batch, 3, *audited.preprocessing.size)
    pictures = [
        torch.randint(256, size, dtype=torch.uint8, generator=generator) for _ in range(math.ceil(images / batch))
    ]
    runs: dict[str, Callable[[Tensor], Any]] = {
        "tap": lambda x: audited(x, ["conv1"]),
        "cut": lambda x: short(prepared(audited, x)),
        "whole": lambda x: stem(prepared(audited, x)),
    }

    @torch.no_grad()
    def seconds(name: str) -> float:
        start = time.perf_counter()
        for picture in pictures:
            runs[name](picture)
        return time.perf_counter() - start

    for name in ("tap", "cut"):
        seconds(name)
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(repeats):
        for name in ("whole", "tap", "cut") if turn % 2 else ("whole", "cut", "tap"):
            taken[name].append(seconds(name))
    share = next(tap.share for tap in audited.describe() if tap.name == "conv1")
    return {"images": batch * len(pictures), "share": share, **taken}


def decoding(images: int, repeats: int) -> dict[str, Any]:
    """Reading and decoding alone, one core, every image of a shard set of faces as JPEG 95 at 112x112."""
    import cv2

    from mint_lightning.shards import EvalLoader, KeyList, Manifest

    root = shard_set(images)
    keys = KeyList.load(root, Manifest.load(root))
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    wall, processor = [], []
    try:
        for turn in range(repeats + 1):
            start = time.perf_counter(), time.process_time()
            count = sum(len(b["row"]) for b in EvalLoader(root, keys, np.arange(len(keys)), batch_size=BATCH))
            if turn:  # the first warms the page cache: what is measured is reading and decoding, not the disk
                wall.append(time.perf_counter() - start[0])
                processor.append(time.process_time() - start[1])
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
    return {"images": count, "wall": wall, "processor": processor}


def memory(network: Mapping[str, Any], images: int) -> dict[str, Any]:
    """Peak memory of a `fit` of one epoch in a process of its own, its workers included."""
    root = shard_set(images)
    yaml = config(Path(f"memory_{images}.yaml"), network, root, images, epochs=1, clock=False)
    most = peaks(["fit", "--config", str(yaml)])
    return {"images": images, "once_kib": most[ONCE], "pss_kib": most["Pss"], "rss_kib": most["Rss"]}
