"""The kinds of sources that a text can name, each with an example and what it reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from mint_lightning.shards.sources.adience import AdienceSource
from mint_lightning.shards.sources.archive import ArchiveSource
from mint_lightning.shards.sources.cifar import Cifar10Source, Cifar100Source
from mint_lightning.shards.sources.csvfile import CsvSource
from mint_lightning.shards.sources.databases import DatabasesSource
from mint_lightning.shards.sources.each import ClassesSource, FlatSource
from mint_lightning.shards.sources.evaluation import EvaluationSource
from mint_lightning.shards.sources.fddb import FddbSource
from mint_lightning.shards.sources.folder import FolderSource
from mint_lightning.shards.sources.gandiffface import GanDiffFaceSource
from mint_lightning.shards.sources.gtsrb import GtsrbSource
from mint_lightning.shards.sources.ijbc import IjbcSource
from mint_lightning.shards.sources.lfw import LfwSource
from mint_lightning.shards.sources.npz import NpzSource
from mint_lightning.shards.sources.parquet import ParquetSource
from mint_lightning.shards.sources.parquetobjects import ParquetObjectsSource
from mint_lightning.shards.sources.photo import PhotoSource
from mint_lightning.shards.sources.recordio import RecordIOSource
from mint_lightning.shards.sources.utkface import UtkFaceSource
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
    "tar": Kind("photos.tar.gz", "the same in a .tar or .tar.gz", ArchiveSource),
    "csv": Kind(
        "photos/who.csv", "columns photo (a path), identity, and where known x0, y0, x1, y1, others", CsvSource
    ),
    "classes": Kind("signs", "a folder for each class: signs/CLASS/1.jpg; each photo its own identity", ClassesSource),
    "flat": Kind("photos", "photos of nobody known: each its own identity", FlatSource),
    "npz": Kind("faces.npz", "arrays: blob, offset, label (encoded files) or x, label (pixels)", NpzSource),
    "parquet": Kind(
        "train.parquet", "a column of image bytes and one of labels, as Hugging Face has it", ParquetSource
    ),
    "objects": Kind("cifar100/data", "the same of objects: each row its own identity, its class", ParquetObjectsSource),
    "webdataset": Kind("tars", "WebDataset tars, ours or others': a folder, a tar, x-{000..099}.tar", WebDatasetSource),
    "recordio": Kind(
        "ms1m/train.rec", "MXNet RecordIO (Glint360K, MS1M), with .idx and .lst beside it", RecordIOSource
    ),
    "bin": Kind("lfw.bin", "an evaluation set of insightface, of which nothing is unpickled", EvaluationSource),
    "lfw": Kind("lfw.tgz", "LFW: NAME/NAME_0001.jpg", LfwSource),
    "ijbc": Kind("IJB-C", "IJB-C: images, and protocols with boxes (ijbc_metadata.csv)", IjbcSource),
    "fddb": Kind("FDDB", "FDDB: originalPics, and FDDB-fold-NN-ellipseList.txt", FddbSource),
    "adience": Kind("Adience", "Adience: images, and fold_N_data.txt", AdienceSource),
    "utkface": Kind("UTKFace.tar.gz", "UTKFace: AGE_GENDER_RACE_DATE.jpg; each photo its own identity", UtkFaceSource),
    "gandiffface": Kind("GANDiffFace.zip", "GANDiffFace: GROUP/IDENTITY/1.png", GanDiffFaceSource),
    "cifar10": Kind(
        "cifar-10-python.tar.gz", "CIFAR-10: its python or binary version, or train/CLASS/1.png", Cifar10Source
    ),
    "cifar100": Kind("cifar-100-python.tar.gz", "CIFAR-100, likewise", Cifar100Source),
    "gtsrb": Kind("GTSRB", "GTSRB: its folders or .zip files; a track is an identity", GtsrbSource),
}
