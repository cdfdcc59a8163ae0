"""Photos in WebDataset tars, others' and ours, read without unpacking or unpickling anything."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from glob import glob
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from mint_lightning.errors import UserError
from mint_lightning.shards.image import BrokenImage
from mint_lightning.shards.manifest import MANIFEST_NAME, Manifest
from mint_lightning.shards.sources.listed import ListedPhotos
from mint_lightning.shards.sources.names import inside, plain
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.pieces import Broken
from mint_lightning.shards.sources.scanned import Scan, Scanned
from mint_lightning.shards.sources.tarfiles import tar_files
from mint_lightning.shards.sources.walk import is_photo

_NAME: Final = re.compile(r"((?:.*/)?[^/.]+)\.([^/]+)")
_RANGE: Final = re.compile(r"\{(\d+)\.\.(\d+)\}")
_FACTS: Final = ("json", "cls")
_FACE: Final = re.compile(r"-[0-9a-f]{20}-(\d+)$")
_MOST_FACTS: Final = 2**20
_MOST_TARS: Final = 100_000
_WHO: Final = ("identity", "cls", "label")
"""Where a sample says who is shown, the first that it has: a key of its .json, or its .cls."""

Reader = Callable[[], bytes]


@dataclass
class _Sample:
    key: str
    images: dict[str, tuple[int, Reader]] = field(default_factory=dict)
    facts: dict[str, tuple[int, Reader]] = field(default_factory=dict)


class WebDatasetSource(Scanned):
    """Each sample, files of one tar that share their name up to the first ".", with an image is a photo.

    Who is shown stands in its .json (identity or label) or its .cls; where no sample has either, each is of an identity
    of its own. Samples that we packed keep source, identity and name. A .pickle or .pth is never opened.

    A photo's `origin` is the sample's key, with its tar's name before it where there are several.

    Args:
        path: a folder with tars, one tar, or several by "x-{000..099}.tar" or "x-*.tar".
        name: name of the database; that of the folder or of the first tar by default. Samples with a source in their
            .json keep that, and this names only the whole.

    Raises:
        UserError: on listing, if there are no tars, one is damaged or missing, or none has an image.
    """

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        self.path = Path(path).expanduser().absolute()
        self.name = name or re.split(r"[.{*?\[]", self.path.name)[0].rstrip("-_") or self.path.parent.name

    def describe(self) -> dict[str, Any]:
        """Kind, name, a hash of names, people and sizes, and how the photos were aligned where the tars are ours."""
        photos, _, digest = self._scan
        known = {}
        if self._manifest is not None:
            known = {"alignment": self._manifest.alignment, "border": self._manifest.border}
        return {"kind": "webdataset", "name": self.name, "photos": len(photos), "listing": digest, **known}

    @cached_property
    def _manifest(self) -> Manifest | None:
        if not (self.path / MANIFEST_NAME).is_file():
            return None
        manifest = Manifest.load(self.path)
        if missing := [shard.name for shard in manifest.shards if not (self.path / shard.name).is_file()]:
            raise UserError(f"The shard set {self.path} lacks {missing[0]}: copy the whole of it.")
        return manifest

    @cached_property
    def _scan(self) -> Scan:
        tars = self._tars()
        photos = ListedPhotos()
        skipped: list[str] = []
        unknown = 0
        digest = sha256()
        for tar in tars:
            stem = f"{tar.name.split('.')[0]}/" if len(tars) > 1 else ""
            for sample in _samples(tar):
                if not sample.images:
                    skipped.append(stem + sample.key)
                    continue
                photo, size = _photo(sample, self.name, stem + sample.key)
                unknown += not photo.identity
                digest.update(json.dumps([photo.source, photo.identity, photo.origin, size]).encode() + b"\n")
                photos.append(photo)
        if not photos:
            raise UserError(f"{self.path} has no samples with an image: WebDataset tars hold KEY.jpg beside KEY.json.")
        if unknown:
            photos = ListedPhotos.of(_told(photo, nobody=unknown == len(photos)) for photo in photos)
        return photos, skipped, digest.hexdigest()

    def _tars(self) -> Sequence[Path]:
        if self._manifest is not None:
            return [self.path / shard.name for shard in self._manifest.shards]
        if self.path.is_dir():
            found = sorted(path for path in self.path.iterdir() if path.name.endswith((".tar", ".tar.gz", ".tgz")))
        elif ranged := _RANGE.search(str(self.path)):
            first, last = map(int, ranged.groups())
            if last - first >= _MOST_TARS:
                raise UserError(f"{self.path.name} names {last - first + 1:,} tars: at most {_MOST_TARS:,} are read.")
            numbers = (f"{number:0{len(ranged[1])}d}" for number in range(first, last + 1))
            found = [Path(str(self.path).replace(ranged[0], number, 1)) for number in numbers]
        elif self.path.is_file():
            found = [self.path]
        else:
            found = sorted(map(Path, glob(str(self.path))))
        if missing := [path for path in found if not path.is_file()]:
            raise UserError(f"There is no tar at {missing[0]}.")
        if not found:
            raise UserError(f"There are no tars at {self.path}.")
        return found


def _samples(tar: Path) -> Iterator[_Sample]:
    sample = _Sample("")
    for name, size, reader in tar_files(tar):
        match = _NAME.fullmatch(name)
        key, ending = (match[1], match[2].lower()) if match else (name, "")
        if key != sample.key:
            if sample.key:
                yield sample
            sample = _Sample(key)
        if is_photo(f"x.{ending}"):
            sample.images[ending] = (size, reader)
        elif ending in _FACTS:
            sample.facts[ending] = (size, reader)
    if sample.key:
        yield sample


def _photo(sample: _Sample, name: str, origin: str) -> tuple[Photo, int]:
    """The photo, its identity "" where the sample says nothing, and its size."""
    (size, reader), *more = sample.images.values()
    if more:
        reader = Broken(f"its sample has several images, {', '.join(sample.images)}")
    try:
        facts = _facts(sample)
    except BrokenImage as error:
        return Photo(name, "unknown", origin, Broken(str(error))), size
    who = next((facts[key] for key in _WHO if key in facts), "")
    if isinstance(who, bool) or not isinstance(who, str | int) or (who == "" and any(key in facts for key in _WHO)):
        return Photo(name, "unknown", origin, Broken(f"who it is must be a text or a number, not {who!r}"[:200])), size
    source, own = facts.get("source"), facts.get("origin")
    if isinstance(source, str) and source and isinstance(own, str) and inside(own)[1] is None:
        name, origin = plain(source), plain(own)
        if face := _FACE.search(sample.key):  # of a photo that we cut several of
            origin += f"#{face[1]}"
    known = facts.get("class_name")
    attributes = {"class": plain(known)} if isinstance(known, str) and known else None
    return Photo(name, plain(str(who)), origin, reader, attributes=attributes), size


def _told(photo: Photo, *, nobody: bool) -> Photo:
    """A photo of which the sample says nothing: its own identity where `nobody` is told of, else broken."""
    if photo.identity:
        return photo
    if nobody:
        return replace(photo, identity=photo.origin)
    reason = "it has no .cls and no .json that says who it is, as others do"
    return replace(photo, identity="unknown", reader=Broken(reason))


def _facts(sample: _Sample) -> Mapping[str, Any]:
    facts: dict[str, Any] = {}
    for ending, (size, reader) in sample.facts.items():
        if size > _MOST_FACTS:
            raise BrokenImage(f"its .{ending} is larger than {_MOST_FACTS // 2**20} MiB")
        try:
            text = reader().decode()
            found = {"cls": text.strip()} if ending == "cls" else json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BrokenImage(f"its .{ending} is damaged") from error
        if not isinstance(found, dict):
            raise BrokenImage(f"its .{ending} is no object")
        facts |= found
    return facts
