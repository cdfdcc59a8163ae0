"""The measurements of benchmarks/stream. Each gives plain numbers as JSON keeps them; repeats are interleaved."""

import contextlib
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mint_lightning.audited import AuditedNetwork, NetworkSource
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
    from mint_lightning.cli import main

    root = Path("shards") / f"fit_{fit_images}"
    source = f"synthetic:identities={identities_for(fit_images)},photos={PHOTOS},difficulty=plain"
    partitions = '{"members": 0.5, "externals": 0.5}'
    request = ["--source", source, "--out", str(root), "--partitions", partitions, "--reuse", "true"]
    if main(["pack", *request, "--overwrite", "true"]):
        raise SystemExit(f"{root} could not be packed.")
    return root


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


def prepared(network: AuditedNetwork, images: Tensor) -> Tensor:
    """uint8 images as the network's module gets them in the product: float32, channels_last."""
    return network.preprocessing(images).contiguous(memory_format=torch.channels_last)


def bare(module: nn.Module, batches: Sequence[Tensor]) -> Callable[[], float]:
    """A clocked forward of the module on batches in memory, without hooks or gradients: gives its seconds."""

    @torch.no_grad()
    def run() -> float:
        module.eval()
        start = time.perf_counter()
        for batch in batches:
            module(batch)
        return time.perf_counter() - start

    return run


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
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).absolute().parents[2])}
    process = subprocess.Popen(
        [sys.executable, "-m", "mint_lightning", "fit", "--config", str(yaml)],
        env=environment, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    peaks = {"Pss": 0, "Rss": 0}
    while process.poll() is None:
        here = [usage(number) for number in family(process.pid)]
        for name in peaks:
            peaks[name] = max(peaks[name], sum(one.get(name, 0) for one in here))
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit("fit failed.")
    return {"images": images, "pss_kib": peaks["Pss"], "rss_kib": peaks["Rss"]}


def family(number: int) -> set[int]:
    """A process and all its descendants."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            # the name, in brackets, may hold anything
            parents[int(path.parent.name)] = int(path.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    found, more = {number}, {number}
    while more := {child for child, parent in parents.items() if parent in more} - found:
        found |= more
    return found


def usage(number: int) -> dict[str, int]:
    """KiB of a process by kind: Rss counts shared pages in each process, Pss shares them out."""
    try:
        lines = Path(f"/proc/{number}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return {}
    return {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
