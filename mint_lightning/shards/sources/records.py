"""The records of an MXNet RecordIO file: where each lies, and what its header says, found without mxnet.

The format is that of dmlc-core's recordio.h; the headers of images are those of mxnet.recordio.IRHeader.
"""

import math
import os
import struct
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.shards.image import BrokenImage

MAGIC: Final = struct.pack("<I", 0xCED7230A)
_LENGTH: Final = 2**29 - 1
_HEADER: Final = struct.Struct("<IfQQ")  # number of labels that follow, label, two numbers
_BUFFER: Final = 2**20
Pieces = tuple[tuple[int, int], ...]


@dataclass
class Records:
    """Of n images the number, place and label in arrays of 28 bytes an image; the rest is few.

    number, start, size, label: of each image: its record's number, where its file lies, and its class.
    split: index of an image -> the (start, size) of its parts: where MAGIC is in an image, its writer cuts it out.
    broken: (number, reason) of records that cannot be read.
    header: insightface's first record: images have numbers below its first value, identities below its second.
    ranges: (first, end) image numbers of each identity, as its own record says.
    count: records in all.
    """

    number: "array[int]" = field(default_factory=lambda: array("q"))
    start: "array[int]" = field(default_factory=lambda: array("q"))
    size: "array[int]" = field(default_factory=lambda: array("i"))
    label: "array[int]" = field(default_factory=lambda: array("q"))
    split: dict[int, Pieces] = field(default_factory=dict)
    broken: list[tuple[int, str]] = field(default_factory=list)
    header: tuple[float, float] | None = None
    ranges: list[tuple[float, float]] = field(default_factory=list)
    count: int = 0


def scan(path: Path, index: tuple[NDArray[np.int64], NDArray[np.int64]] | None) -> Records:
    """Read the headers of all records, from the first to the last, the images passed over.

    Args:
        path: the .rec file.
        index: numbers and offsets of the records, by rising offset; None numbers them as they come.

    Raises:
        UserError: the file and the index are not of one packing, or a record is damaged and no index says where the
            next begins.
    """
    found = Records()
    with path.open("rb", buffering=_BUFFER) as stream:
        end = os.fstat(stream.fileno()).st_size
        if index is not None:
            _scan_indexed(stream, path, end, index, found)
            return found
        at = 0
        while at < end:
            try:
                pieces, at_next = _pieces(stream, at, end)
            except BrokenImage as error:
                raise UserError(
                    f"{path} is damaged at byte {at:,} (record {found.count}: {error}): copy it again, or put its "
                    f"{path.stem}.idx beside it, which says where the records behind it begin."
                ) from error
            _add(stream, found.count, pieces, found)
            at = at_next
    return found


def _scan_indexed(
    stream: IO[bytes], path: Path, end: int, index: tuple[NDArray[np.int64], NDArray[np.int64]], found: Records
) -> None:
    numbers, offsets = index
    if len(offsets) and offsets[0]:
        raise _of_two_packings(path, 0)
    for row, (number, at) in enumerate(zip(numbers.tolist(), offsets.tolist(), strict=True)):
        limit = min(int(offsets[row + 1]) if row + 1 < len(offsets) else end, end)
        try:
            pieces, at_next = _pieces(stream, at, limit)
            if at_next != limit:
                stream.seek(at_next)
                if stream.read(4) == MAGIC:
                    raise _of_two_packings(path, at_next)
                raise BrokenImage("its length is wrong")
        except BrokenImage as error:
            found.broken.append((number, str(error)))
            found.count += 1
        else:
            _add(stream, number, pieces, found)


def _of_two_packings(path: Path, at: int) -> UserError:
    return UserError(
        f"{path.stem}.idx does not list the record at byte {at:,} of {path}: the two are not of one packing. Put the "
        "right one there, or take it away: the records are then numbered as they come."
    )


def _pieces(stream: IO[bytes], at: int, limit: int) -> tuple[Pieces, int]:
    """(start, size) of the parts of the record at `at`, and where the next begins."""
    pieces: list[tuple[int, int]] = []
    while True:
        stream.seek(at)
        head = stream.read(8)
        if head[:4] != MAGIC or len(head) < 8:
            raise BrokenImage("no record begins there")
        word = int.from_bytes(head[4:], "little")
        part, length = word >> 29, word & _LENGTH
        if part not in ((2, 3) if pieces else (0, 1)):
            raise BrokenImage("its parts are out of order")
        pieces.append((at + 8, length))
        at += 8 + (length + 3 & ~3)
        if at > limit:
            raise BrokenImage("it is cut short")
        if part in (0, 3):
            return tuple(pieces), at


def _add(stream: IO[bytes], number: int, pieces: Pieces, found: Records) -> None:
    found.count += 1
    start, size = pieces[0]
    stream.seek(start)
    head = stream.read(min(size, _HEADER.size + 8))
    try:
        labels, skip = _labels(head)
        if skip > size:
            raise BrokenImage("its header is damaged")
        if size == skip and len(labels) == 2 and len(pieces) == 1 and (number == 0 or found.header):
            if number == 0:
                found.header = (labels[0], labels[1])
            else:
                found.ranges.append((labels[0], labels[1]))
            return
        if not 0 <= labels[0] < 2**31 or labels[0] % 1:
            raise BrokenImage(f"its label is {labels[0]:g}, not a whole number")
    except BrokenImage as error:
        found.broken.append((number, str(error)))
        return
    if len(pieces) > 1:
        found.split[len(found.number)] = ((start + skip, size - skip), *pieces[1:])
    found.number.append(number)
    found.start.append(start + skip)
    found.size.append(size - skip)
    found.label.append(int(labels[0]))


def _labels(head: bytes) -> tuple[tuple[float, ...], int]:
    """One or two labels of a record, and how many bytes its header takes."""
    if len(head) < _HEADER.size:
        raise BrokenImage("its header is damaged")
    count, label, _, _ = _HEADER.unpack_from(head)
    if not count:
        return (_finite(label),), _HEADER.size
    skip = _HEADER.size + 4 * count
    shown = struct.unpack_from(f"<{min(count, 2)}f", head.ljust(_HEADER.size + 8, b"\0"), _HEADER.size)
    return tuple(map(_finite, shown)) + ((0.0,) if count > 2 else ()), skip


def _finite(label: float) -> float:
    return label if math.isfinite(label) else -1.0
