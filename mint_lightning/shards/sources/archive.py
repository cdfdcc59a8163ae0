"""Photos in an archive with a folder for each person, read without unpacking it."""

from collections.abc import Collection, Sequence

from mint_lightning.errors import UserError
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.tree import Entry, TreeSource, shared_depth


class ArchiveSource(TreeSource):
    """All images of a .zip, .tar or .tar.gz below `identity/`, at any depth; folders that all have in common come off.

    So `lfw.zip` may hold lfw/NAME/1.jpg or NAME/1.jpg; `origin` is the path below what came off. Nothing is unpacked to
    disk; a name that leads out of the archive and a link are listed as broken; a file that is larger than a photo may
    be is not unpacked at all. See `TreeSource`.

    Raises:
        UserError: on listing, if it is missing, damaged, or has no photos in folders by identity.
    """

    kind = "archive"

    def found(self, photos: Sequence[Entry], others: Sequence[Entry]) -> tuple[Sequence[Photo], Collection[str]]:
        """Photos by the first folder below those in common."""
        depth = shared_depth(photos)
        inside = [entry for entry in photos if len(entry.folders) > depth]
        if not inside:
            shown = [entry.path for entry in [*photos, *others][:3]]
            raise UserError(
                f"{self.path} holds no photos by identity: give each person a folder with images in it, such as "
                f"NAME/photo.jpg (it has {', '.join(shown) or 'nothing'})."
            )
        found = [
            Photo(self.name, entry.folders[depth], "/".join(entry.path.split("/")[depth:]), entry.reader)
            for entry in inside
        ]
        return found, [entry.path for entry in inside]
