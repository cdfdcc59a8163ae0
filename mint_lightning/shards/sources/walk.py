"""Files of a folder at any depth, and which of them are photos."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mint_lightning.errors import UserError
from mint_lightning.shards.image import MAX_BYTES, BrokenImage

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pnm")
)


@dataclass(frozen=True, slots=True)
class ReadFile:
    """Reads one file."""

    path: str

    def __call__(self) -> bytes:
        """The file's bytes. Raises `BrokenImage` for a file too large to be a photo, before reading it."""
        if os.stat(self.path).st_size > MAX_BYTES:
            raise BrokenImage(f"larger than {MAX_BYTES // 2**20} MiB")
        with open(self.path, "rb") as stream:
            return stream.read()


def entries(folder: str | Path) -> "list[os.DirEntry[str]]":
    """What lies in a folder, sorted by name. Raises `UserError` where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(f"The folder {folder} cannot be read: {error.strerror}.") from error


def files(folder: str) -> Iterator[tuple[str, int | None]]:
    """Path and size of each photo at any depth; the size is None where it is no photo."""
    for entry in entries(folder):
        if entry.name.startswith("."):
            yield entry.path, None
        elif entry.is_dir(follow_symlinks=False):
            yield from files(entry.path)
        elif entry.is_file() and is_photo(entry.name):
            yield entry.path, entry.stat().st_size
        else:
            yield entry.path, None


def text(name: str) -> str:
    """A file's name with "/" between its parts; bytes that are no UTF-8 become escapes."""
    # File names are bytes; those that are no UTF-8 would fail in JSON and parquet.
    return name.replace(os.sep, "/").encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def is_photo(name: str) -> bool:
    """Whether a file's name ends as an image's does."""
    return os.path.splitext(name)[1].lower() in SUFFIXES
