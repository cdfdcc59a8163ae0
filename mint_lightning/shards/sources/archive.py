"""Photos in an archive with a folder for each person, read without unpacking it."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from mint_lightning.errors import UserError
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.tree import Entry, described, entries_of, photos_of


class ArchiveSource:
    """All images of a .zip, .tar or .tar.gz below `identity/`, at any depth; folders that all have in common come off.

    So `lfw.zip` may hold lfw/NAME/1.jpg or NAME/1.jpg. Nothing is unpacked to disk; a name that leads out of the
    archive and a link are listed as broken; a file that is larger than a photo may be is not unpacked at all.

    Args:
        path: the archive.
        name: name of the database; the file's name up to the first "." by default.

    Raises:
        UserError: on listing, if it is missing, damaged, or has no photos in folders by identity.
    """

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        self.path = Path(path).expanduser().absolute()
        self.name = name or self.path.name.split(".")[0]

    def describe(self) -> dict[str, Any]:
        """Kind, name and a hash of all file names and sizes."""
        return described("archive", self.name, self._scan[0])

    def list(self) -> Sequence[Photo]:
        """All photos; `origin` is the path below the folders that all have in common."""
        entries, depth, _ = self._scan
        return [
            Photo(self.name, entry.folders[depth], "/".join(entry.path.split("/")[depth:]), entry.reader)
            for entry in entries
        ]

    @property
    def skipped(self) -> Sequence[str]:
        """Paths of files that are no photos."""
        return self._scan[2]

    @cached_property
    def _scan(self) -> tuple[Sequence[Entry], int, Sequence[str]]:
        photos, others = photos_of(entries_of(self.path))
        depth = shared_depth(photos)
        beside = [entry.path for entry in photos if len(entry.folders) <= depth]
        inside = [entry for entry in photos if len(entry.folders) > depth]
        if not inside:
            raise UserError(
                f"{self.path} holds no photos by identity: give each person a folder with images in it, such as "
                f"NAME/photo.jpg (it has {', '.join([*beside, *others][:3]) or 'nothing'})."
            )
        return inside, depth, [*others, *beside]


def shared_depth(photos: Sequence[Entry]) -> int:
    """How many folders all photos have in common that cannot be a person's: further folders lie below them."""
    depth = 0
    while photos:
        first = {tuple(entry.folders[: depth + 1]) for entry in photos}
        if len(first) > 1 or not any(len(entry.folders) > depth + 1 for entry in photos):
            break
        depth += 1
    return depth
