"""One array of an .npz archive, and readers of single images in it."""

import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ReadSlice:
    """Reads one encoded image of a row of bytes."""

    path: str
    key: str
    start: int
    stop: int

    def __call__(self) -> bytes:
        """The image file's bytes."""
        return bytes(mapped(self.path, self.key)[self.start : self.stop].tobytes())


@dataclass(frozen=True, slots=True)
class ReadPixels:
    """Reads the pixels of one image of an array."""

    path: str
    key: str
    row: int

    def __call__(self) -> NDArray[np.uint8]:
        """uint8 (H, W) or (H, W, 3)."""
        pixels = np.ascontiguousarray(mapped(self.path, self.key)[self.row], dtype=np.uint8)
        return pixels[:, :, 0] if pixels.shape[2:] == (1,) else pixels


def mapped(path: str, key: str) -> NDArray[Any]:
    """The array, mapped from disk where the archive is not compressed, so that processes share it."""
    return _mapped(path, key, Path(path).stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _mapped(path: str, key: str, changed: int) -> NDArray[Any]:
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(f"{key}.npy")
        stored = entry.compress_type == zipfile.ZIP_STORED
    if not stored:
        with np.load(path, allow_pickle=False) as arrays:
            return np.asarray(arrays[key])
    with open(path, "rb") as stream:
        stream.seek(entry.header_offset + 26)
        # The lengths of name and extra field in the local header differ from those in the directory.
        lengths = stream.read(4)
        stream.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), 1)
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_column, dtype = read_header(stream)
        order: Any = "F" if by_column else "C"
        return np.memmap(stream, dtype=dtype, mode="r", offset=stream.tell(), shape=shape, order=order)
