"""Photos of an insightface evaluation set, such as lfw.bin, agedb_30.bin or cfp_fp.bin."""

import mmap
from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from mint_lightning.errors import UserError
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.pickled import read_pickled
from mint_lightning.shards.sources.pickledvalues import Piece
from mint_lightning.shards.sources.pieces import ReadPiece
from mint_lightning.shards.sources.scanned import Scan, Scanned


class EvaluationSource(Scanned):
    """Two images for each pair, and whether the pair is of one person; names there are none.

    Images that are the same file are one photo, though many pairs may have it; the repeats count as skipped. Photos are
    of one identity where pairs, directly or through others, say so. Two photos of a person whom no pairs connect
    are of two identities here, so prefer the database itself where you have it. The file is a pickle, of which nothing
    is executed.

    A photo's `origin` is the place of the first such among the file's images.

    Args:
        path: the .bin file.
        name: name of the database; the file's name by default.

    Raises:
        UserError: on listing, if it is missing, cut short or holds anything else.
    """

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        self.path = Path(path).expanduser().absolute()
        self.name = name or self.path.name.split(".")[0]

    def describe(self) -> dict[str, Any]:
        """Kind, name and number of photos, and a hash of all images and pairs; insightface aligned them."""
        found = {"kind": "bin", "name": self.name, "photos": len(self.list()), "sha256": self._scan[2]}
        return {**found, "alignment": "aligned by insightface"}

    @cached_property
    def _scan(self) -> Scan:
        (images, same), data = read_pickled(self.path)
        with data:
            hashes = self._checked(images, same, data)
        first: dict[bytes, int] = {}
        for place, digest in enumerate(hashes):
            first.setdefault(digest, place)
        parent = {place: place for place in first.values()}
        for pair, together in enumerate(same):
            if together:
                one, other = (_root(parent, first[hashes[2 * pair + side]]) for side in (0, 1))
                parent[max(one, other)] = min(one, other)
        width = len(str(len(images)))
        photos: list[Photo] = []
        skipped: list[str] = []
        for place, (piece, digest) in enumerate(zip(images, hashes, strict=True)):
            if first[digest] != place:
                skipped.append(f"image {place:0{width}d} (the same file as {first[digest]:0{width}d})")
                continue
            person = f"person{_root(parent, place):0{width}d}"
            photos.append(
                Photo(self.name, person, f"{place:0{width}d}", ReadPiece(str(self.path), piece.start, piece.size))
            )
        return photos, skipped, sha256(b"".join(hashes) + bytes(same)).hexdigest()

    def _checked(self, images: Sequence[Any], same: Sequence[Any], data: mmap.mmap) -> Sequence[bytes]:
        if any(type(image) is not Piece for image in images) or any(type(each) is not bool for each in same):
            raise UserError(f"{self.path} must hold a list of image files and one of truth values: it is no such set.")
        if len(images) != 2 * len(same) or not same:
            raise UserError(f"{self.path} has {len(images)} images and {len(same)} pairs: each pair has two images.")
        return [sha256(data[piece.start : piece.start + piece.size]).digest() for piece in images]


def _root(parent: dict[int, int], place: int) -> int:
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place
