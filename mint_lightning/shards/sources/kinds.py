"""The kinds of sources that a text can name, each with an example and what it reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from mint_lightning.shards.sources.archive import ArchiveSource
from mint_lightning.shards.sources.databases import DatabasesSource
from mint_lightning.shards.sources.evaluation import EvaluationSource
from mint_lightning.shards.sources.folder import FolderSource
from mint_lightning.shards.sources.npz import NpzSource
from mint_lightning.shards.sources.parquet import ParquetSource
from mint_lightning.shards.sources.photo import PhotoSource
from mint_lightning.shards.sources.recordio import RecordIOSource
from mint_lightning.shards.sources.webdataset import WebDatasetSource


@dataclass(frozen=True)
class Kind:
    """A kind of source.

    Attributes:
        example: what comes behind "KIND:" in an example.
        reads: what is read, in a few words.
        opened: makes the source of a path and a name, which is None where the source's own is to be taken.
    """

    example: str
    reads: str
    opened: Callable[[str, str | None], PhotoSource]


KINDS: Final[Mapping[str, Kind]] = {
    "folder": Kind("photos", "a folder for each person: photos/NAME/1.jpg", FolderSource),
    "databases": Kind("databases", "several such: databases/DATABASE/NAME/1.jpg", DatabasesSource),
    "zip": Kind("photos.zip", "the same in a .zip: NAME/1.jpg, or below folders that all share", ArchiveSource),
    "tar": Kind("photos.tar", "the same in a .tar or .tar.gz", ArchiveSource),
    "npz": Kind("faces.npz", "arrays blob, offset, label, or pixels and label", NpzSource),
    "webdataset": Kind("tars", "WebDataset tars, ours or others': a folder, a tar, x-{000..099}.tar", WebDatasetSource),
    "parquet": Kind(
        "train.parquet", "a column of image bytes and one of labels, as Hugging Face has it", ParquetSource
    ),
    "bin": Kind("lfw.bin", "an evaluation set of insightface, of which nothing is unpickled", EvaluationSource),
    "recordio": Kind("ms1m/train.rec", "MXNet RecordIO, with .idx and .lst where they lie beside it", RecordIOSource),
}
