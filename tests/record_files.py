"""RecordIO files as mxnet and insightface write them, made by code."""

import itertools
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

MAGIC = struct.pack("<I", 0xCED7230A)


def record(content: bytes) -> bytes:
    """One record; where the content has MAGIC at a multiple of four it is cut there, as dmlc's writer does."""
    cuts = [at for at in range(0, len(content) - 3, 4) if content[at : at + 4] == MAGIC] if MAGIC in content else []
    parts = []
    start = 0
    for cut in [*cuts, len(content)]:
        parts.append(content[start:cut])
        start = cut + 4
    written = b""
    for number, part in enumerate(parts):
        kind = 0 if len(parts) == 1 else 1 if number == 0 else 3 if number == len(parts) - 1 else 2
        written += MAGIC + struct.pack("<I", kind << 29 | len(part)) + part + b"\0" * (-len(part) % 4)
    return written


def packed(labels: float | Sequence[float], number: int, image: bytes) -> bytes:
    """The content of a record as mxnet.recordio.pack makes it: one label in the header, or several behind it."""
    if isinstance(labels, int | float):
        return struct.pack("<IfQQ", 0, labels, number, 0) + image
    return struct.pack("<IfQQ", len(labels), 0, number, 0) + struct.pack(f"<{len(labels)}f", *labels) + image


def write_records(path: Path, contents: Iterable[bytes], index: bool = True) -> Path:
    """Write NAME.rec, and NAME.idx beside it."""
    at = 0
    with path.open("wb") as stream, path.with_suffix(".idx").open("w") as places:
        for number, content in enumerate(contents):
            places.write(f"{number}\t{at}\n")
            at += stream.write(record(content))
    if not index:
        path.with_suffix(".idx").unlink()
    return path


def insightface(images: Sequence[tuple[int, bytes]]) -> list[bytes]:
    """Contents of all records of (label, image), sorted by label: the header's, the images', the identities'."""
    first = {}
    for number, (label, _) in enumerate(images, start=1):
        first.setdefault(label, number)
    starts = [*first.values(), len(images) + 1]
    people = [
        packed((one, end), len(images) + 1 + place, b"") for place, (one, end) in enumerate(itertools.pairwise(starts))
    ]
    pictures = [packed(float(label), number, image) for number, (label, image) in enumerate(images, start=1)]
    header = packed((float(len(images) + 1), float(len(images) + 1 + len(people))), 0, b"")
    return [header, *pictures, *people]
