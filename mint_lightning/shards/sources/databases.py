"""Several databases of photos in one folder: root/database/identity/image."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from mint_lightning.errors import UserError
from mint_lightning.files import sha256_json
from mint_lightning.shards.sources.folder import FolderSource
from mint_lightning.shards.sources.listed import ListedPhotos
from mint_lightning.shards.sources.photo import Photo


class DatabasesSource:
    """Each folder of `root` is a database, as `FolderSource` reads it, named after its folder.

    Args:
        root: the folder.
        name: what the whole is called; the folder's own name by default.

    Raises:
        UserError: on listing, if the folder is missing, has no folders, or one of them no photos by identity.
    """

    def __init__(self, root: str | Path, name: str | None = None) -> None:
        self.root = Path(root).expanduser().absolute()
        self.name = name or self.root.name

    def describe(self) -> dict[str, Any]:
        """Kind, name, number of photos and a hash of all names and sizes."""
        described = [database.describe() for database in self._databases]
        photos = sum(each["photos"] for each in described)
        return {"kind": "databases", "name": self.name, "photos": photos, "listing": sha256_json(described)}

    def list(self) -> Sequence[Photo]:
        """All photos; `source` of each is its database, `origin` the path below that."""
        return self._photos

    @cached_property
    def _photos(self) -> Sequence[Photo]:
        return ListedPhotos.of(photo for database in self._databases for photo in database.list())

    @property
    def skipped(self) -> Sequence[str]:
        """Paths below the root that are no photos."""
        return [f"{database.name}/{path}" for database in self._databases for path in database.skipped]

    @cached_property
    def _databases(self) -> Sequence[FolderSource]:
        try:
            folders = sorted(path for path in self.root.iterdir() if path.is_dir() and not path.name.startswith("."))
        except OSError as error:
            raise UserError(f"The folder {self.root} cannot be read: {error.strerror}.") from error
        if not folders:
            raise UserError(
                f"{self.root} holds no databases: give each a folder with a folder for each person, such as "
                f"{self.root.name}/DATABASE/NAME/photo.jpg."
            )
        return [FolderSource(folder) for folder in folders]
