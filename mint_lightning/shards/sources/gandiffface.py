"""GANDiffFace (Melzi et al., 2023): synthetic people, each with a folder of synthetic photos."""

from collections.abc import Collection, Sequence

from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.tree import Entry, TreeSource, shared_depth


class GanDiffFaceSource(TreeSource):
    """Images in a folder for each identity, which may lie in folders by group: GROUP/IDENTITY/1.png. See `TreeSource`.

    An identity is the whole path of the folder that an image lies in, below what all have in common, since groups
    number their identities alike; the folder above it, where there is one, is the attribute "group".
    """

    kind = "gandiffface"

    def found(self, photos: Sequence[Entry], others: Sequence[Entry]) -> tuple[Sequence[Photo], Collection[str]]:
        """Images by the folder they lie in."""
        depth = shared_depth(photos)
        found: list[Photo] = []
        used: list[str] = []
        for entry in photos:
            folders = entry.folders[depth:]
            if folders:
                group = {"group": "/".join(folders[:-1])} if folders[:-1] else None
                name = "/".join([*folders, entry.file])
                found.append(Photo(self.name, "/".join(folders), name, entry.reader, attributes=group))
                used.append(entry.path)
        return found, used
