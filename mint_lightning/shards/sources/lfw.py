"""Labeled Faces in the Wild (Huang et al., 2007), as its archives have it."""

import re
from collections.abc import Collection, Sequence
from typing import Final

from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.tree import Entry, TreeSource

_FILE: Final = re.compile(r"(.+)_\d{4}\.(jpg|png)", re.IGNORECASE)


class LfwSource(TreeSource):
    """lfw/NAME/NAME_0001.jpg, of the original, the funneled or the deep-funneled images. See `TreeSource`.

    A photo's name is NAME_0001; files of any other form are skipped.
    """

    kind = "lfw"

    def found(self, photos: Sequence[Entry], others: Sequence[Entry]) -> tuple[Sequence[Photo], Collection[str]]:
        """Photos that lie in a folder of their person's name."""
        found: list[Photo] = []
        used: list[str] = []
        for entry in photos:
            match = _FILE.fullmatch(entry.file)
            if match and entry.folders[-1:] == [match[1]]:
                found.append(Photo(self.name, match[1], entry.file.rpartition(".")[0], entry.reader))
                used.append(entry.path)
        return found, used
