"""Encoded images from the tars, in a given order."""

import re
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.shards.keys import KeyList
from mint_lightning.shards.manifest import Manifest, Shard
from mint_lightning.shards.remote import opened_tar

OPEN_SHARDS = 64

_BLOCK = 512  # of a tar: headers are one, contents are filled up to whole ones
_PIECE = 1 << 18  # what is read of a tar at a time
_OCTAL = re.compile(rb" *([0-7]+)[ \0]*")
_REGULAR = b"0\0"


def read_rows(
    root: Path, manifest: Manifest, keys: KeyList, rows: NDArray[np.int64], suffix: str
) -> Iterator[tuple[int, bytes]]:
    """Yield (row, encoded image) in the order of `rows`, going through each tar once, from its start as far as needed.

    Of images that lie in a tar before the one asked for only their place is kept, and they are read when it is their
    turn, from the system's page cache as a rule; so memory hardly grows with the window of `lane_order`. Tars of which
    nothing is asked are not opened. At most 64 tars are open; where an order jumps between more, the one opened first
    is read out, and its images are held.

    Args:
        root: folder of the shard set. Only files named in the manifest are opened, as plain files: no url, no pipe.
        manifest, keys: of that shard set.
        rows: int64, each at most once.
        suffix: file name ending of the images in the tars.

    Raises:
        UserError: a tar is missing, cut short, damaged, or does not hold an image that the key list names.
    """
    if len(np.unique(rows)) != len(rows):
        raise ValueError("a row is asked for twice in one reading")
    by_shard = np.argsort(keys.shard[rows], kind="stable")
    shards, starts = np.unique(keys.shard[rows][by_shard], return_index=True)
    wanted = dict(zip(shards.tolist(), np.split(rows[by_shard], starts[1:]), strict=False))
    held: dict[int, bytes] = {}
    opened: dict[int, _Shard] = {}
    try:
        for row in _numbers(rows):
            if row in held:
                yield row, held.pop(row)
                continue
            number = int(keys.shard[row])
            if number not in opened:
                if len(opened) == OPEN_SHARDS:
                    first = next(iter(opened))
                    held.update(opened[first].rest())
                    opened.pop(first).close()
                opened[number] = _Shard(Path(root), manifest.shards[number], keys, wanted.pop(number), suffix)
            data = opened[number].take(row)
            if opened[number].done:
                opened.pop(number).close()
            yield row, data
    finally:
        for shard in opened.values():
            shard.close()


def _numbers(rows: NDArray[np.int64]) -> Iterator[int]:
    for start in range(0, len(rows), 4096):  # as a list of Python's own, an epoch of 10 million takes 400 MB
        yield from rows[start : start + 4096].tolist()


class _Shard:
    """The wanted images of one tar, in any order; the tar is searched from its start only as far as they need.

    Images lie in a tar in the order of the key list, so that a look at the next wanted name is enough, and 25 bytes an
    image say what is where. Tars are those that packing writes: a set that another tool put into tars anew, with names
    such as "./KEY.jpg", is refused as not holding its images.
    """

    def __init__(self, root: Path, shard: Shard, keys: KeyList, rows: NDArray[np.int64], suffix: str) -> None:
        self._path = root / shard.name
        self._keys, self._suffix = keys, suffix
        self._rows = np.sort(rows)
        self._places, self._sizes = array("q"), array("l")  # of the first images of `_rows`, as far as searched
        self._taken = bytearray(len(rows))
        self._left = len(rows)
        self._wanted = self._name()
        self._next = 0  # where the next header is
        self._piece, self._start = b"", 0
        try:
            self._file, self._size = opened_tar(root, shard)
        except OSError as error:
            raise self._damaged(error.strerror) from error

    def take(self, row: int) -> bytes:
        """The image of that row, once."""
        number = int(np.searchsorted(self._rows, row))
        while number >= len(self._places):
            self._search()
        self._taken[number] = True
        self._left -= 1
        return self._read(self._places[number], self._sizes[number])

    def rest(self) -> Iterator[tuple[int, bytes]]:
        """All images that have not been taken."""
        for row, taken in zip(self._rows.tolist(), bytes(self._taken), strict=True):
            if not taken:
                yield row, self.take(row)

    @property
    def done(self) -> bool:
        """Whether all have been taken."""
        return not self._left

    def close(self) -> None:
        self._file.close()

    def _search(self) -> None:
        """Note the place of the next file in the tar, if it is the next that is wanted."""
        if not 0 <= self._next - self._start <= len(self._piece) - _BLOCK:
            # A whole piece, so that what is passed over now is in the page cache when its turn comes.
            self._piece, self._start = self._read(self._next, min(_PIECE, max(0, self._size - self._next))), self._next
        header = self._piece[self._next - self._start :][:_BLOCK]
        if len(header) < _BLOCK:
            raise self._damaged()
        if not header.strip(b"\0"):
            more = len(self._rows) - len(self._places) - 1
            raise UserError(
                f"The shard {self._path} does not hold {self._wanted.decode()} and {more} more images of the key "
                "list: it is cut short, damaged or of another shard set, copy it again."
            )
        checksum, size = _octal(header[148:156]), _octal(header[124:136])
        if size is None or checksum != sum(header) - sum(header[148:156]) + 8 * ord(" "):
            raise self._damaged()
        at = self._next + _BLOCK
        self._next = at + -(-size // _BLOCK) * _BLOCK
        if at + size > self._size:
            raise self._damaged()
        if header[156] in _REGULAR and header[:100].rstrip(b"\0") == self._wanted:
            self._places.append(at)
            self._sizes.append(size)
            self._wanted = self._name()

    def _name(self) -> bytes:
        """Of the next image to be found; empty where there is none."""
        found = len(self._places)
        return f"{self._keys.key[self._rows[found]]}.{self._suffix}".encode() if found < len(self._rows) else b""

    def _read(self, at: int, size: int) -> bytes:
        start = at - self._start
        if start >= 0 and start + size <= len(self._piece):
            return self._piece[start : start + size]
        try:
            self._file.seek(at)
            pieces, left = [], size
            while left and (piece := self._file.read(left)):  # a file system may give less than was asked for
                pieces.append(piece)
                left -= len(piece)
            data = b"".join(pieces)
        except OSError as error:
            raise self._damaged(error.strerror) from error
        if len(data) < size:
            raise self._damaged()
        return data

    def _damaged(self, reason: str | None = None) -> UserError:
        return UserError(
            f"The shard {self._path} cannot be read to its end{f' ({reason})' if reason else ''}: it is cut short or "
            "damaged, copy it again."
        )


def _octal(field: bytes) -> int | None:
    found = _OCTAL.fullmatch(field)
    return int(found[1], 8) if found else None
