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
    """Where the AAD of a request is kept, and why in a few words."""

    place: Place
    why: str


def choose(needs: list[Need], disk: Disk, memory: int) -> dict[tuple[str, Request], Choice]:
    """Decide for each need; the ones that save most time for each byte come first.

    Storing is chosen where writing once and reading in every epoch takes less time than computing in every epoch, and
    half of the free disk has room; else memory, as far as `memory` bytes go; else the AAD is computed anew.
    """
    room, found = int(disk.free * (1 - SPARED)), {}
    for need in sorted(needs, key=lambda need: -_gain(need, disk) / max(1, need.bytes)):
        choice, gain = None, _gain(need, disk)
        size = f"{size_words(need.images * need.image_bytes)}"
        if need.missing == 0:
            choice = Choice("store", "stored already")
        elif need.bytes <= room and (need.image_bytes <= SMALL or gain > 0):
            room -= need.bytes
            choice = Choice("store", f"{size}{f', saves {time_words(gain)}' if need.seconds else ''}")
        elif need.images * need.image_bytes <= memory:
            choice = Choice("memory", f"{size}, {'no room on disk' if need.bytes > room else 'quicker than the disk'}")
            memory -= need.images * need.image_bytes
        else:
            why = "would not fit the disk" if need.bytes > room else "computing is quicker than reading"
            choice = Choice("recompute", f"{size} {why}")
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
    return {(need.network, need.request): Choice("store", size_words(need.images * need.image_bytes)) for need in needs}


def all_in_memory(needs: list[Need], memory: int) -> dict[tuple[str, Request], Choice]:
    """All in memory; `UserError` where it would exceed `memory` bytes."""
    total = sum(need.images * need.image_bytes for need in needs)
    if total > memory:
        images = max(need.images for need in needs)
        raise UserError(
            f"The AAD of {images} images would take {total / GIB:.1f} GiB of memory, over max_memory_gib = "
            f"{memory / GIB:g}: use --store auto, leave out rows that need maps (conv1 above all), or raise the limit."
        )
    return {
        (need.network, need.request): Choice("memory", size_words(need.images * need.image_bytes)) for need in needs
    }


def words(choices: Mapping[tuple[str, Request], Choice], folder: Path | None) -> list[str]:
    """What was chosen, a line for each tap and view, networks together."""
    groups: dict[tuple[Request, Place, str], list[str]] = {}
    for (network, request), choice in choices.items():
        groups.setdefault((request, choice.place, choice.why), []).append(network)
    verbs = {"store": f"stored in {folder}", "memory": "kept in memory", "recompute": "computed anew in every epoch"}
    lines = []
    for ((view, tap), place, why), names in groups.items():
        whose = names[0] if len(names) == 1 else f"{len(names)} networks"
        lines.append(f"AAD {tap}{'' if view == 'original' else f' ({view})'} of {whose}: {verbs[place]} ({why})")
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
