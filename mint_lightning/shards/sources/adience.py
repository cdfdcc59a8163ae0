"""Adience (Eidinger, Enbar and Hassner, 2014): faces from Flickr albums, with their fold files."""

import re
from collections.abc import Collection, Sequence
from typing import Final

from mint_lightning.errors import UserError
from mint_lightning.shards.sources.lines import numbers, rows_of
from mint_lightning.shards.sources.names import inside
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.pieces import Broken
from mint_lightning.shards.sources.tree import Entry, TreeSource

_FOLD: Final = re.compile(r"fold_(frontal_)?\d+_data\.txt")
_CROPS: Final = ("coarse_tilt_aligned_face", "landmark_aligned_face")
_NEEDED: Final = ("user_id", "original_image", "face_id", "age", "gender", "x", "y", "dx", "dy")


class AdienceSource(TreeSource):
    """A photo for each face of the fold files, which lie beside the images. See `TreeSource`.

    Images are the originals, USER/IMAGE, where the face's box is taken from the fold file; or faces.tar.gz, unpacked,
    USER/coarse_tilt_aligned_face.FACE.IMAGE; or aligned.tar.gz, USER/landmark_aligned_face.FACE.IMAGE: the first of
    these that there is. A face whose image is missing is broken. An identity is a face's number within an album.
    Age and gender are attributes.

    Raises:
        UserError: on listing, if there are no fold files, or one cannot be read.
    """

    kind = "adience"

    def found(self, photos: Sequence[Entry], others: Sequence[Entry]) -> tuple[Sequence[Photo], Collection[str]]:
        """A photo for each line of the fold files, those in several counted once."""
        folds = [entry for entry in others if _FOLD.fullmatch(entry.file)]
        if not folds:
            raise UserError(f"{self.path} has no fold files: put fold_0_data.txt to fold_4_data.txt beside the images.")
        places = {"/".join(entry.path.split("/")[-2:]): entry for entry in photos}
        used = {entry.path for entry in folds}
        found: dict[tuple[str, str, str], Photo] = {}
        for fold in folds:
            for _, row in rows_of(fold, _NEEDED, "\t"):
                user, image, face = row["user_id"], row["original_image"], row["face_id"]
                if (user, image, face) in found:
                    continue
                names = [f"{user}/{image}", *(f"{user}/{crop}.{face}.{image}" for crop in _CROPS)]
                entry = next((places[name] for name in names if name in places), None)
                known = {name: row[name] for name in ("age", "gender") if row[name] not in ("", "None")}
                origin, who = inside(f"{user}/{face}.{image}")[0], f"{user}/{face}"
                reader = Broken("its image is not there") if entry is None else entry.reader
                box = None
                if entry is not None:
                    used.add(entry.path)
                    if entry.path.endswith(names[0]):
                        box = numbers([row[side] for side in ("x", "y", "dx", "dy")])
                corners = (box[0], box[1], box[0] + box[2], box[1] + box[3]) if box else None
                found[user, image, face] = Photo(self.name, who, origin, reader, corners, attributes=known or None)
        return list(found.values()), used
