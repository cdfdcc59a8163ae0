"""Images through a `TrainLoader`, with what its processes hold meanwhile: many images, and many tars."""

import os
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.processes import family, files, own_pages, usage
from benchmarks.scale.sets import noise_set
from mint_lightning.shards import EpochOrder, KeyList, Manifest, TrainLoader

Snapshot = dict[str, float]


def soak(images: int, packed: int, batch: int, points: int) -> dict[str, Any]:
    """So many images, epoch after epoch of a set of `packed` small ones, by one worker."""
    return streamed(noise_set(packed), images, batch, points)


def shards(images: int, tar: int, passes: int, batch: int, points: int) -> dict[str, Any]:
    """The same images in tars of at most `tar`, or (0) in as few as there can be: so many passes by one worker."""
    return streamed(noise_set(images, tar), passes * images, batch, points)


def streamed(root: Path, images: int, batch: int, points: int) -> dict[str, Any]:
    """Snapshots of this process and its worker, `points` of them evenly over the images."""
    manifest = Manifest.load(root)
    keys = KeyList.load(root, manifest)
    loader = TrainLoader(root, EpochOrder(keys, (np.arange(len(keys)),), batch, seed=0), workers=1)
    watch, seen, most = _Watch(), 0, 0
    snapshots: list[Snapshot] = []
    try:
        while seen < images:
            for part in loader:
                seen += len(part["row"])
                if part["broken"]:
                    raise SystemExit(f"{part['broken'][0]} could not be read.")
                if loader.batches % 16 == 0:
                    most = max(most, watch.aside(watch.open_files))
                if seen * points >= images * (len(snapshots) + 1):
                    snapshots.append({"images": seen, "seconds": watch.seconds(), **watch.aside(watch.snapshot)})
                if seen >= images:
                    break
    finally:
        loader.close()
    return {
        "images": seen,
        "tars": len(manifest.shards),
        "packed": len(keys),
        "most_open": max(most, *(int(each["files"]) for each in snapshots)),
        "snapshots": snapshots,
    }


class _Watch:
    """A clock that stands still while it looks at this process and its worker."""

    def __init__(self) -> None:
        self._start, self._aside = time.perf_counter(), 0.0

    def seconds(self) -> float:
        return time.perf_counter() - self._start - self._aside

    def aside(self, look: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        found = look()
        self._aside += time.perf_counter() - start
        return found

    def open_files(self) -> int:
        """Handles of the family, all kinds."""
        return sum(len(list(Path(f"/proc/{number}/fd").iterdir())) for number in family(os.getpid()))

    def snapshot(self) -> Snapshot:
        numbers = family(os.getpid())
        here = [usage(number) for number in numbers]
        return {
            "once_kib": own_pages(here) + sum(files(numbers).values()),
            "rss_kib": sum(each.get("Rss", 0) for each in here),
            "files": self.open_files(),
        }


def window(found: Mapping[str, Any], first: float, last: float) -> dict[str, float]:
    """Of the snapshots between two shares of the images: images a second, and the medians of what is held."""
    chosen = [each for each in found["snapshots"] if first < each["images"] / found["images"] <= last]
    if len(chosen) < 2:
        raise ValueError("fewer than two snapshots: take more points")
    seconds = chosen[-1]["seconds"] - chosen[0]["seconds"]
    held = {name: statistics.median(each[name] for each in chosen) for name in ("once_kib", "rss_kib", "files")}
    return {"rate": (chosen[-1]["images"] - chosen[0]["images"]) / seconds, **held}
