"""Files of a folder or an archive, alike: a path below it, a size, and a reader."""

import json
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from mint_lightning.errors import UserError
from mint_lightning.shards.sources.listed import ListedPhotos
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.scanned import Scan, Scanned
from mint_lightning.shards.sources.tarfiles import tar_files
from mint_lightning.shards.sources.walk import ReadFile, files, is_photo, text
from mint_lightning.shards.sources.zipfiles import zip_files

_TARS = (".tar", ".tar.gz", ".tgz")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file: `path` with "/" between its parts and none of them "..", `size` in bytes, and what reads it."""

    path: str
    size: int
    reader: Callable[[], bytes]

    @property
    def folders(self) -> Sequence[str]:
        """The folders on the way to it."""
        return self.path.split("/")[:-1]

    @property
    def file(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


def entries_of(path: Path) -> list[Entry]:
    """All files of a folder, a .zip, a .tar or a .tar.gz, sorted by path. Nothing is unpacked.

    Raises:
        UserError: there is none, it is damaged, or it is of another kind.
    """
    lower = path.name.lower()
    if path.is_dir():
        found = [
            Entry(text(str(Path(file).relative_to(path))), size or 0, ReadFile(file)) for file, size in files(str(path))
        ]
    elif not path.is_file():
        raise UserError(f"There is no folder or archive at {path}.")
    elif lower.endswith(".zip"):
        found = [Entry(*file) for file in zip_files(path)]
    elif lower.endswith(_TARS):
        found = [Entry(*file) for file in tar_files(path)]
    else:
        raise UserError(
            f"{path} is no folder, .zip, .tar or .tar.gz: unpack it, or where it is a .tar.xz or .tar.bz2 undo that "
            "compression alone (xz -d, bunzip2)."
        )
    return sorted(found, key=lambda entry: entry.path)


def photos_of(entries: Iterable[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Those that are photos by their ending, and the others, among them hidden files, as macOS leaves them."""
    photos: list[Entry] = []
    others: list[Entry] = []
    for entry in entries:
        hidden = any(part.startswith((".", "__MACOSX")) for part in entry.path.split("/"))
        (photos if is_photo(entry.path) and not hidden else others).append(entry)
    return photos, others


def last_of_each(entries: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """Of files of one name, as `tar -r` makes them, the last, and the names of the others; sorted as they come."""
    last = {entry.path: place for place, entry in enumerate(entries)}
    kept = [entry for place, entry in enumerate(entries) if last[entry.path] == place]
    return kept, [entry.path for place, entry in enumerate(entries) if last[entry.path] != place]


def shared_depth(photos: Sequence[Entry]) -> int:
    """How many folders all photos have in common that cannot be a person's: further folders lie below them."""
    depth = 0
    while photos:
        first = {tuple(entry.folders[: depth + 1]) for entry in photos}
        if len(first) > 1 or not any(len(entry.folders) > depth + 1 for entry in photos):
            break
        depth += 1
    return depth


class TreeSource(Scanned):
    """A database of photos that are files of a folder, a .zip, a .tar or a .tar.gz.

    A subclass says whose photos they are, in `found`. What is a photo by its ending and in none of those found is
    skipped, as is any other file that `found` did not read.

    Args:
        path: the folder or archive.
        name: name of the database; that of the folder or file up to its first "." by default.
    """

    kind: ClassVar[str]

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        self.path = Path(path).expanduser().absolute()
        self.name = name or self.path.name.split(".")[0] or self.kind

    def entries(self) -> Sequence[Entry]:
        """All files, sorted by path. Raises `UserError` as `entries_of`."""
        return entries_of(self.path)

    @abstractmethod
    def found(self, photos: Sequence[Entry], others: Sequence[Entry]) -> tuple[Sequence[Photo], Collection[str]]:
        """The photos, and the paths of files that are used in it; see `photos_of`.

        Raises:
            UserError: it is not this database.
        """

    def describe(self) -> dict[str, Any]:
        """Kind, name and a hash of names, people, boxes and sizes (not of the contents: those are read only once)."""
        photos, _, digest = self._scan
        return {"kind": self.kind, "name": self.name, "photos": len(photos), "listing": digest}

    @cached_property
    def _scan(self) -> Scan:
        entries, earlier = last_of_each(self.entries())
        images, others = photos_of(entries)
        photos, used = self.found(images, others)
        used = set(used)
        skipped = [entry.path for entry in [*others, *images] if entry.path not in used]
        skipped += [f"{path} (a later one of that name replaces it)" for path in earlier]
        if not photos:
            raise UserError(
                f"{self.path} has no photos as a source of the kind {self.kind!r} has them "
                f"(it has {', '.join(skipped[:3]) or 'nothing'})."
            )
        digest = sha256()
        for entry in images:
            if entry.path in used:
                digest.update(json.dumps([entry.path, entry.size]).encode() + b"\n")
        for photo in photos:
            facts = [photo.source, photo.identity, photo.origin, photo.box, dict(photo.attributes or {})]
            digest.update(json.dumps(facts).encode() + b"\n")
        return ListedPhotos.of(photos), skipped, digest.hexdigest()
