"""Files of a folder or an archive, alike: a path below it, a size, and a reader."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from mint_lightning.errors import UserError
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


def photos_of(entries: Iterable[Entry]) -> tuple[list[Entry], list[str]]:
    """Those that are photos by their ending, and the paths of the others; so are hidden files, as macOS leaves them."""
    photos: list[Entry] = []
    others: list[str] = []
    for entry in entries:
        hidden = any(part.startswith((".", "__MACOSX")) for part in entry.path.split("/"))
        if is_photo(entry.path) and not hidden:
            photos.append(entry)
        else:
            others.append(entry.path)
    return photos, others


def described(kind: str, name: str, entries: Iterable[Entry], **more: Any) -> dict[str, Any]:
    """What a source of these files says of itself: a hash of names and sizes, not of the contents."""
    digest = sha256()
    count = 0
    for entry in entries:
        digest.update(f"{len(entry.path)}:{entry.path}:{entry.size}\n".encode())
        count += 1
    return {"kind": kind, "name": name, "photos": count, "listing": digest.hexdigest(), **more}
