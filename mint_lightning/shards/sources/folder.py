"""Photos in a folder with one folder for each person: root/identity/image."""

import os
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from mint_lightning.errors import UserError
from mint_lightning.shards.sources.listed import ListedPhotos
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.scanned import Scan, Scanned
from mint_lightning.shards.sources.walk import ReadFile, entries, files, text


class FolderSource(Scanned):
    """All images below `root/identity/`, at any depth; the first folder's name is the identity.

    Hidden files, files with another ending than an image's, and files that lie beside the identity folders are no
    photos: `skipped` names them.

    A photo's `origin` is its path below the root.

    Args:
        root: the folder.
        name: name of the database; the folder's own name by default.

    Raises:
        UserError: on listing, if the folder is missing or has no photos in folders by identity.
    """

    def __init__(self, root: str | Path, name: str | None = None) -> None:
        self.root = Path(root).expanduser().absolute()
        self.name = name or self.root.name

    def describe(self) -> dict[str, Any]:
        """Kind, name and a hash of all file names and sizes (not of the contents: those are read only once)."""
        photos, _, listing = self._scan
        return {"kind": "folder", "name": self.name, "photos": len(photos), "listing": listing}

    @cached_property
    def _scan(self) -> Scan:
        photos = ListedPhotos()
        skipped: list[str] = []
        digest = sha256()
        # Sorted, for equal folders are to give equal hashes on every file system.
        for entry in entries(self.root):
            if entry.name.startswith(".") or not entry.is_dir():
                skipped.append(text(entry.name))
                continue
            identity = text(entry.name)
            found = len(photos)
            for path, size in files(entry.path):
                origin = f"{identity}/{text(os.path.relpath(path, entry.path))}"
                if size is None:
                    skipped.append(origin)
                    continue
                digest.update(f"{len(origin)}:{origin}:{size}\n".encode())
                photos.append(Photo(self.name, identity, origin, ReadFile(path)))
            if len(photos) == found:
                skipped.append(f"{identity}/ (no image in it)")
        if not photos:
            raise UserError(
                f"{self.root} holds no photos by identity: give each person a folder with images in it, such as "
                f"{self.root.name}/NAME/photo.jpg (it has {', '.join(skipped[:3]) or 'nothing'})."
            )
        return photos, skipped, digest.hexdigest()
