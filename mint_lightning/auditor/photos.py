"""Photos to be asked about, brought to pixels by the auditor's pipeline: from files, folders or a shard set."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mint_lightning.errors import UserError
from mint_lightning.printable import printable
from mint_lightning.shards import EvalLoader, KeyList, Manifest
from mint_lightning.shards.decode import decode_image
from mint_lightning.shards.image import BrokenImage, Encoder, encoder_named, standardise
from mint_lightning.shards.sources.walk import SUFFIXES, ReadFile

AT_ONCE = 64


@dataclass(frozen=True)
class PhotoBatch:
    """Faces side by side: images uint8 (B, 3, H, W) RGB, their names, the photo each is of, who is on them, how sure
    the detector was (B,), NaN where none ran, and the split of the set they lie in, "" of files; left_out: (photo,
    reason) of what could not be used."""

    images: Tensor
    names: list[str]
    photos: list[str]
    identities: list[str]
    detected: NDArray[np.float64]
    splits: list[str]
    left_out: list[tuple[str, str]] = field(default_factory=list)


class Photos(Protocol):
    """Photos to be asked about. barred: name of the sentence why nothing may be claimed of them, None where it may;
    shards: hash of the manifest of the set they are, None of files; detector: what cut the faces, in words, None where
    none did."""

    @property
    def barred(self) -> str | None: ...

    @property
    def shards(self) -> str | None: ...

    @property
    def detector(self) -> str | None: ...

    def __len__(self) -> int:
        """How many there are, those that cannot be read included."""
        ...

    def batches(self) -> Iterator[PhotoBatch]:
        """All of them, once."""
        ...


class Cut(Protocol):
    """From a decoded photo to faces of one size."""

    def __call__(self, content: bytes) -> list[tuple[NDArray[np.uint8], float]]:
        """(uint8 (S, S, 3) RGB, detector's score) of each face to be asked about."""
        ...


@dataclass(frozen=True)
class PhotoFiles:
    """Image files; a face's name is that of its file, with #2, #3 for further faces.

    cut finds and aligns the faces of a photo; None: the photos are aligned already, which the user declares. pixels:
    of the auditor's card; barred, detector: see `Photos`.
    """

    files: Sequence[tuple[str, str, Path]]  # name, identity, path
    pixels: Mapping[str, Any]
    cut: Cut | None = None
    barred: str | None = None
    shards: str | None = None
    detector: str | None = None

    def __len__(self) -> int:
        return len(self.files)

    def batches(self) -> Iterator[PhotoBatch]:
        """64 photos at a time."""
        size, encoder = int(self.pixels["image_size"]), encoder_named(str(self.pixels["encoder"]))
        for start in range(0, len(self.files), AT_ONCE):
            images, names, photos, identities, detected, left_out = [], [], [], [], [], []
            for name, identity, path in self.files[start : start + AT_ONCE]:
                try:
                    faces = self._faces(path)
                    for number, (face, score) in enumerate(faces, 1):
                        images.append(_through(face, size, encoder))
                        names.append(name if number == 1 else f"{name}#{number}")
                        photos.append(name)
                        identities.append(identity)
                        detected.append(score)
                    if not faces:
                        left_out.append((name, "no face was found in it"))
                except BrokenImage as error:
                    left_out.append((name, str(error)))
                except OSError as error:
                    left_out.append((name, f"it cannot be read ({error.strerror})"))
            pixels = np.stack(images) if images else np.empty((0, size, size, 3), np.uint8)
            faces_ = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))
            sure, splits = np.array(detected, np.float64), [""] * len(names)
            yield PhotoBatch(faces_, names, photos, identities, sure, splits, left_out)

    def _faces(self, path: Path) -> list[tuple[bytes | NDArray[np.uint8], float]]:
        content = ReadFile(str(path))()
        return [(content, float("nan"))] if self.cut is None else list(self.cut(content))


def _through(face: bytes | NDArray[np.uint8], size: int, encoder: Encoder) -> NDArray[np.uint8]:
    """The face as it would come out of a shard: encoding leaves traces, which a head may have learnt to expect."""
    return decode_image(standardise(face, size, encoder), encoder.suffix)


def photo_files(paths: Sequence[str]) -> list[tuple[str, str, Path]]:
    """(name, identity, path) of image files and of the images in folders, sorted within a folder.

    The identity is the folder in which a photo lies, below the folder that was given; of a file it is empty.

    Raises:
        UserError: a path is empty or not there, or none of them holds an image.
    """
    if "" in paths:
        raise UserError("A photo's name is empty: name image files, folders of images, or one shard set.")
    found: list[tuple[str, str, Path]] = []
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and _plain(p, path))
            found += [(_relative(p, path), _identity(p, path), p) for p in inside if p.is_file()]
        elif path.is_file():
            found.append((printable(path.name), "", path))
        else:
            raise UserError(f"There is no photo, folder or shard set at {printable(given)}.")
    if not found:
        raise UserError(f"No image is in {', '.join(paths)}: photos end in {', '.join(sorted(SUFFIXES)[:6])} ...")
    once: dict[Path, tuple[str, str, Path]] = {}
    for name, identity, path in found:  # a photo given twice is one, and whose it is may be said either time
        earlier = once.setdefault(path.resolve(), (name, identity, path))
        if identity and not earlier[1]:
            once[path.resolve()] = (name, identity, path)
    found = list(once.values())
    names = [name for name, _, _ in found]
    if len(set(names)) == len(names):
        return found
    return [(printable(str(path)), identity, path) for _, identity, path in found]


def _plain(path: Path, root: Path) -> bool:
    return not any(part.startswith(".") for part in path.relative_to(root).parts)


def _relative(path: Path, root: Path) -> str:
    return printable(path.relative_to(root).as_posix())


def _identity(path: Path, root: Path) -> str:
    parts = path.relative_to(root).parts
    return printable(parts[0]) if len(parts) > 1 else ""


class ShardPhotos:
    """All photos of a shard set, streamed; a photo's name is its key.

    Raises:
        UserError: its photos were brought to pixels otherwise than the auditor's.
    """

    def __init__(self, root: Path, pixels: Mapping[str, Any], *, workers: int = 0) -> None:
        self.root, self.workers = Path(root), workers
        self.manifest = Manifest.load(self.root)
        for name in ("image_size", "encoder", "alignment", "border"):
            here, wanted = getattr(self.manifest, name), pixels[name]
            if here != wanted:
                raise UserError(
                    f"The photos of {root} came to pixels by another pipeline than the auditor's: their {name} is "
                    f"{here!r}, it was calibrated on {wanted!r}. Pack them as its own were."
                )
        self.keys = KeyList.load(self.root, self.manifest)
        self.shards: str | None = self.manifest.hash
        self.barred: str | None = None
        self.detector: str | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def batches(self) -> Iterator[PhotoBatch]:
        """Batches of the loader."""
        keys = self.keys
        loader = EvalLoader(self.root, keys, np.arange(len(keys)), batch_size=2 * AT_ONCE, workers=self.workers)
        for batch in loader:
            rows = batch["row"].numpy()
            names = [str(name) for name in keys.key[rows]]
            pairs = zip(keys.source[rows], keys.identity[rows], strict=True)
            identities = [sys.intern(printable(f"{source}/{identity}")) for source, identity in pairs]
            splits = [sys.intern(str(split)) for split in keys.split[rows]]
            left_out = [(key, "it cannot be decoded") for key in batch["broken"]]
            unseen = np.full(len(rows), np.nan)
            yield PhotoBatch(batch["images"], names, names, identities, unseen, splits, left_out)
