"""Photos in an MXNet RecordIO file, such as train.rec of Glint360K and MS1M, read without mxnet."""

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.shards.columns import Distinct
from mint_lightning.shards.sources.photo import LazyPhotos, Photo
from mint_lightning.shards.sources.pieces import Broken, ReadPiece, read_pieces
from mint_lightning.shards.sources.recordlist import read_list
from mint_lightning.shards.sources.records import MAGIC, Pieces, Records, scan

_EXACT: Final = 2**24
"""From here on insightface's float32 numbers of images are rounded."""


class RecordIOSource:
    """Each record with an image is a photo of the person that its label numbers.

    insightface's first record (how many images and identities there are) and the records of identities (which images
    are whose) are checked against the images and give no photos. Beside NAME.rec, NAME.idx (numbers and places of the
    records) is used where it is there, so that damage is confined to single records; so is NAME.lst (numbers, labels
    and names of the photos), which then gives the names. Without them a photo's name is its record's number.

    The file is read once from its beginning to its end to find the photos, of which about 30 bytes each are kept, and
    then photo by photo.

    Args:
        path: the .rec file, or a folder with train.rec.
        name: name of the database; the file's name by default, or its folder's where the file is called train.rec.

    Raises:
        UserError: on listing, if the file is missing, damaged, or does not fit what lies beside it.
    """

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        path = Path(path).expanduser().absolute()
        self.path = path / "train.rec" if path.is_dir() else path
        self.name = name or (self.path.parent.name if self.path.stem == "train" else self.path.stem)

    def describe(self) -> dict[str, Any]:
        """Kind, name, number of photos and a hash of all numbers, sizes, labels and names (not of the contents)."""
        photos, records = self._photos, self._records
        digest = hashlib.sha256(b"".join((records.number, records.size, records.label)))
        for name in photos.names or ():
            digest.update(f"{len(name)}:{name}".encode())
        return {"kind": "recordio", "name": self.name, "photos": len(photos), "listing": digest.hexdigest()}

    def list(self) -> Sequence[Photo]:
        """All photos, each made when it is asked for; `origin` is its name in the list or its record's number."""
        return self._photos

    @cached_property
    def skipped(self) -> Sequence[str]:
        """Records of identities that are damaged or missing; they would have no image anyway."""
        records = self._records
        if records.header is None:
            return []
        first, end = records.header
        damaged = [f"record {number} ({reason})" for number, reason in records.broken if number >= first]
        missing = int(end) - records.count
        return [*damaged, *([f"{missing:,} records of identities that are not there"] if missing > 0 else [])]

    @cached_property
    def _records(self) -> Records:
        try:
            records = scan(self.path, _read_index(self.path.with_suffix(".idx")))
        except FileNotFoundError as error:
            raise UserError(f"There is no RecordIO file at {self.path}: give a .rec file.") from error
        except OSError as error:
            raise UserError(f"{self.path} cannot be read: {error.strerror}.") from error
        if not records.number:
            raise UserError(f"{self.path} has no images in {records.count} records: it is no RecordIO file of images.")
        _check_header(self.path, records)
        return records

    @cached_property
    def _photos(self) -> "_RecordPhotos":
        records = self._records
        first = records.header[0] if records.header else float("inf")
        broken = [(number, reason) for number, reason in records.broken if number < first]
        numbers = np.frombuffer(records.number, np.int64)
        labels = np.frombuffer(records.label, np.int64)
        names = read_list(self.path.with_suffix(".lst"), numbers, labels)
        return _RecordPhotos(str(self.path), self.name, records, broken, names)


class _RecordPhotos(LazyPhotos):
    """The photos of a file, made when they are asked for; the broken ones last."""

    def __init__(
        self, path: str, name: str, records: Records, broken: list[tuple[int, str]], names: Distinct | None
    ) -> None:
        self.path, self.name, self.records, self.broken, self.names = path, name, records, broken, names
        self._width = len(str(max([*records.number[-1:], records.count])))
        self._label_width = len(str(max(records.label)))

    def __len__(self) -> int:
        return len(self.records.number) + len(self.broken)

    def photo(self, row: int) -> Photo:
        """The one at `row`."""
        records = self.records
        if row >= len(records.number):
            number, reason = self.broken[row - len(records.number)]
            return Photo(self.name, "unknown", self._numbered(number), Broken(reason))
        reader = (
            ReadSplit(self.path, records.split[row])
            if row in records.split
            else ReadPiece(self.path, records.start[row], records.size[row])
        )
        origin = self._numbered(records.number[row]) if self.names is None else self.names[row]
        return Photo(self.name, f"{records.label[row]:0{self._label_width}d}", origin, reader)

    def _numbered(self, number: int) -> str:
        return f"{number:0{self._width}d}"


@dataclass(frozen=True, slots=True)
class ReadSplit:
    """Reads an image out of several parts of a record, between which its writer left out MAGIC."""

    path: str
    pieces: Pieces

    def __call__(self) -> bytes:
        """The image file's bytes."""
        return read_pieces(self.path, self.pieces, MAGIC)


def _read_index(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Numbers and offsets of all records by rising offset."""
    if not path.is_file():
        return None
    rule = f"The index {path} must have two numbers a line, a record's and its offset, with a tab between"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an empty file
            table = np.loadtxt(path, dtype=np.int64, delimiter="\t", ndmin=2, comments=None)
    except (ValueError, OverflowError) as error:
        raise UserError(f"{rule} ({error}).") from error
    if table.shape[1:] != (2,) or (table < 0).any():
        raise UserError(f"{rule}, none below 0.")
    table = table[np.argsort(table[:, 1], kind="stable")]
    if any(len(np.unique(column)) < len(table) for column in table.T):
        raise UserError(f"The index {path} has a number or an offset twice: it is damaged.")
    return np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1])


def _check_header(path: Path, records: Records) -> None:
    """What insightface's records say of the images must be so: a file cut between two records shows nowhere else."""
    if records.header is None:
        return
    images = records.header[0]
    there = len(records.number) + sum(number < images for number, _ in records.broken)
    if there < images - 1 - (images / _EXACT * 2 if images > _EXACT else 0):
        raise UserError(
            f"{path} says that it has {images - 1:,.0f} images, {there:,} are there: it is cut short, copy it again."
        )
    order = np.argsort(np.frombuffer(records.number, np.int64), kind="stable")
    numbers = np.frombuffer(records.number, np.int64)[order]
    label = np.frombuffer(records.label, np.int64)[order]
    ranges = np.array(records.ranges, dtype=np.float64).reshape(-1, 2)
    bounds = np.searchsorted(numbers, ranges[(ranges[:, 1] < _EXACT) & (ranges[:, 0] < ranges[:, 1])])
    for first, end in bounds.tolist():
        if first < end and label[first:end].min() != label[first:end].max():
            raise UserError(
                f"{path} says that its images {numbers[first]} to {numbers[end - 1]} are of one person, but they have "
                "several labels: it was changed or is damaged."
            )
