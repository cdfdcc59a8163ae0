"""Images that lie in a large file as planes of red, green and blue, as CIFAR's batches have them."""

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mint_lightning.shards.image import BrokenImage
from mint_lightning.shards.sources.pieces import ReadPiece
from mint_lightning.shards.sources.tarfiles import ReadPacked
from mint_lightning.shards.sources.walk import ReadFile
from mint_lightning.shards.sources.zipfiles import ReadZipped

SIDE: Final = 32
PLANES: Final = 3 * SIDE * SIDE
_MOST: Final = 256 * 2**20  # CIFAR-100's training images are 147 MiB
_KEPT: Final = 8  # the files of CIFAR-10 are six

FileReader = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Block:
    """Where pixels lie: `size` bytes from `start` on of a file; `text` where they are UTF-8, a letter for each."""

    file: FileReader
    start: int
    size: int
    text: bool = False


@dataclass(frozen=True, slots=True)
class ReadPlanar:
    """Reads one image: 3,072 bytes from `at` on of the pixels, one every `step` bytes."""

    block: Block
    at: int
    step: int = 1

    def __call__(self) -> NDArray[np.uint8]:
        """uint8 (32, 32, 3), RGB. Raises `BrokenImage` where the file has changed or cannot be read."""
        found = pixels(self.block)[self.at : self.at + PLANES * self.step : self.step]
        if len(found) < PLANES:
            raise BrokenImage("it is cut short: its file ends before it does")
        return np.ascontiguousarray(found.reshape(3, SIDE, SIDE).transpose(1, 2, 0))


def pixels(block: Block) -> NDArray[np.uint8]:
    """The bytes of a block, one row, kept in this process from one image to the next. Raises as `contents`."""
    return _pixels(block, _changed(block.file))


def contents(file: FileReader) -> mmap.mmap | bytes:
    """What a file holds: mapped where it lies on the disk as it is, else read and kept in this process.

    Raises:
        BrokenImage: it cannot be read, is empty, or larger than 256 MiB.
    """
    return _contents(file, _changed(file))


@lru_cache(maxsize=_KEPT)
def _pixels(block: Block, changed: int) -> NDArray[np.uint8]:
    data = _contents(block.file, changed)
    if not block.text:
        return np.frombuffer(memoryview(data)[block.start : block.start + block.size], np.uint8)
    try:
        return np.frombuffer(data[block.start : block.start + block.size].decode().encode("latin1"), np.uint8)
    except ValueError as error:
        raise BrokenImage("its pixels are no bytes") from error


@lru_cache(maxsize=_KEPT)
def _contents(file: FileReader, changed: int) -> mmap.mmap | bytes:
    try:
        if isinstance(file, ReadFile):
            with open(file.path, "rb") as stream:
                data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            if len(data) > _MOST:
                raise BrokenImage(f"larger than {_MOST // 2**20} MiB")
            return data
        if isinstance(file, ReadPiece | ReadPacked | ReadZipped):
            return file(_MOST)
        return file()
    except (OSError, ValueError) as error:  # an empty file cannot be mapped
        raise BrokenImage(f"it cannot be read ({error})") from error


def _changed(file: FileReader) -> int:
    path = getattr(file, "path", None)
    try:
        return Path(path).stat().st_mtime_ns if path else 0
    except OSError as error:
        raise BrokenImage(f"it cannot be read ({error.strerror})") from error
