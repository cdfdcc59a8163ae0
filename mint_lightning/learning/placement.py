"""Where the AAD of each tap is kept: in a store on disk, in memory, or nowhere and computed anew in every epoch."""

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mint_lightning.errors import UserError
from mint_lightning.learning.bank import Request

Place = Literal["store", "memory", "recompute"]
GIB = 2**30
SPARED = 0.5  # of the free disk is left to others
SMALL = 64 * 1024
"""Bytes of an image's AAD up to which it is stored without measuring: vectors, of which the longest takes 16 KB."""
SAMPLE = 64 * 2**20
ALREADY = "already"


@dataclass(frozen=True)
class Need:
    """What is known of the AAD of one request of one network.

    images: to be kept in all; missing: of these, not stored yet; image_bytes: of one; reads: how often an image is read
    in the whole table (epochs); seconds: of computing one image up to the tap, from the stream, None if not measured.
    """

    network: str
    request: Request
    images: int
    missing: int
    image_bytes: int
    reads: int
    seconds: float | None = None

    @property
    def bytes(self) -> int:
        """That are still to be written."""
        return self.missing * self.image_bytes


@dataclass(frozen=True)
class Disk:
    """Free bytes, and bytes a second written and read (not from memory)."""

    free: int
    write: float
    read: float


@dataclass(frozen=True)
class Choice:
    """Where the AAD of a request is kept, the bytes it takes there, and why in a few words, or "already" there."""

    place: Place
    bytes: int
    why: str = ""


def choose(needs: list[Need], disk: Disk, memory: int) -> dict[tuple[str, Request], Choice]:
    """Decide for each need; the ones that save most time for each byte come first.

    Storing is chosen where writing once and reading in every epoch takes less time than computing in every epoch, and
    half of the free disk has room; else memory, as far as `memory` bytes go; else the AAD is computed anew.
    """
    room, found = int(disk.free * (1 - SPARED)), {}
    for need in sorted(needs, key=lambda need: -_gain(need, disk) / max(1, need.bytes)):
        whole = need.images * need.image_bytes
        full, quick = need.bytes > room, need.image_bytes > SMALL and _gain(need, disk) <= 0
        if need.missing == 0:
            choice = Choice("store", whole, ALREADY)
        elif not full and not quick:
            room -= need.bytes
            choice = Choice("store", whole)
        elif whole <= memory:
            memory -= whole
            choice = Choice("memory", whole, "the disk has no room" if full else "computing is quicker than the disk")
        else:
            choice = Choice("recompute", whole, "too much for the disk" if full else "quicker than reading it")
        found[need.network, need.request] = choice
    return found


def _gain(need: Need, disk: Disk) -> float:
    """Seconds that storing saves over computing in every epoch."""
    if need.seconds is None:
        return float("inf") if need.image_bytes <= SMALL else 0.0
    stored = need.bytes / disk.write + need.reads * need.images * need.image_bytes / disk.read
    return need.seconds * (need.reads * need.images - need.missing) - stored


def measure_disk(folder: Path) -> Disk:
    """Free space, and the speed of 64 MiB written to and read from `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path, data = folder / f".speed-{os.getpid()}", os.urandom(SAMPLE)
    try:
        with path.open("wb", buffering=0) as file:
            start = time.perf_counter()
            file.write(data)
            os.fsync(file.fileno())
            write = SAMPLE / (time.perf_counter() - start)
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        start = time.perf_counter()
        path.read_bytes()
        read = SAMPLE / (time.perf_counter() - start)
    except OSError as error:
        raise UserError(f"The activation store {folder} cannot be written: {error.strerror}.") from error
    finally:
        path.unlink(missing_ok=True)
    return Disk(shutil.disk_usage(folder).free, write, read)


def free_disk(folder: Path) -> Disk:
    """Free space where nothing is weighed, so that the speed does not count."""
    return Disk(shutil.disk_usage(_standing(folder)).free, float("inf"), float("inf"))


def store_all(needs: list[Need], folder: Path) -> dict[tuple[str, Request], Choice]:
    """All stored, as a named store means it; `UserError` where the disk has no room."""
    total, free = sum(need.bytes for need in needs), shutil.disk_usage(_standing(folder)).free
    if total > free:
        raise UserError(
            f"The activation store {folder} would take {size_words(total)}, but only {size_words(free)} are free: use "
            "--store auto, which recomputes what does not fit, fewer images, or vectors in place of maps."
        )
    return {
        (need.network, need.request): Choice("store", need.images * need.image_bytes, "" if need.missing else ALREADY)
        for need in needs
    }


def all_in_memory(needs: list[Need], memory: int) -> dict[tuple[str, Request], Choice]:
    """All in memory; `UserError` where it would exceed `memory` bytes."""
    total = sum(need.images * need.image_bytes for need in needs)
    if total > memory:
        images = max(need.images for need in needs)
        raise UserError(
            f"The AAD of {images} images would take {total / GIB:.1f} GiB of memory, over max_memory_gib = "
            f"{memory / GIB:g}: use --store auto, leave out rows that need maps (conv1 above all), or raise the limit."
        )
    return {(need.network, need.request): Choice("memory", need.images * need.image_bytes) for need in needs}


def words(choices: Mapping[tuple[str, Request], Choice], folder: Path | None) -> list[str]:
    """What was chosen, taps and networks of which the same holds in one line."""
    verbs = {"store": f"stored in {folder}", "memory": "kept in memory", "recompute": "computed anew in every epoch"}
    networks: dict[tuple[Place, str, Request], list[str]] = {}
    for (network, request), choice in choices.items():
        networks.setdefault((choice.place, choice.why, request), []).append(network)
    groups: dict[tuple[Place, str, tuple[str, ...]], list[Request]] = {}
    for (place, why, request), names in networks.items():
        groups.setdefault((place, why, tuple(names)), []).append(request)
    lines = []
    for (place, why, own), requests in groups.items():
        size = size_words(sum(choices[name, request].bytes for name in own for request in requests))
        taps = ", ".join(tap if view == "original" else f"{tap} ({view})" for view, tap in requests)
        whose = own[0] if len(own) == 1 else f"{len(own)} networks"
        verb = f"{verbs[place]} {why}" if why == ALREADY else verbs[place]
        lines.append(f"{taps} of {whose}: {verb} ({size}{f'; {why}' if why not in ('', ALREADY) else ''})")
    return lines


def _standing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def size_words(count: float) -> str:
    """12.3 MB"""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def time_words(seconds: float) -> str:
    """90 s, 12 min, 5 h"""
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else (f"{seconds / 3600:.0f} h")
    )
