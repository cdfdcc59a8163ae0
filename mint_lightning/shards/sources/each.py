"""Photos of which each is an identity of its own: of objects by their class, or of people nobody named."""

from collections.abc import Collection, Sequence
from typing import Any

from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.tree import Entry, TreeSource, shared_depth


class FlatSource(TreeSource):
    """All images at any depth, each an identity of its own: for photos of whom nobody knows who is on them.

    Photos of one person may then come into different splits. See `TreeSource`.
    """

    kind = "flat"

    def found(self, photos: Sequence[Entry], others: Sequence[Entry]) -> tuple[Sequence[Photo], Collection[str]]:
        """Every image, named by its path."""
        found = [Photo(self.name, entry.path, entry.path, entry.reader) for entry in photos]
        return found, [entry.path for entry in photos]


class ClassesSource(TreeSource):
    """All images below `class/`, each an identity of its own, its class an attribute: for objects, as in ImageNet.

    Folders that all have in common come off. The attribute is in attributes.csv beside the manifest, for
    `table --attributes`. See `TreeSource`.
    """

    kind = "classes"

    @property
    def classes(self) -> Sequence[str]:
        """Names of the folders, sorted."""
        return sorted({str((photo.attributes or {})["class"]) for photo in self.list()})

    def describe(self) -> dict[str, Any]:
        """As `TreeSource`, and the classes."""
        return {**super().describe(), "classes": list(self.classes)}

    def found(self, photos: Sequence[Entry], others: Sequence[Entry]) -> tuple[Sequence[Photo], Collection[str]]:
        """Images in a folder, by the first below those in common."""
        depth = shared_depth(photos)
        inside = [entry for entry in photos if len(entry.folders) > depth]
        found = []
        for entry in inside:
            name = "/".join(entry.path.split("/")[depth:])
            found.append(Photo(self.name, name, name, entry.reader, attributes={"class": entry.folders[depth]}))
        return found, [entry.path for entry in inside]
