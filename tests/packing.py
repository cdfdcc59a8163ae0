"""What tests of packing share: a source given as a list, and a quick way to pack it."""

from dataclasses import dataclass
from functools import partial

from mint_lightning.shards import pack
from mint_lightning.shards.sources import Photo
from tests.images import face


@dataclass
class Listed:
    """A source of photos given as (identity, origin, reader)."""

    photos: list
    name: str = "listed"

    def describe(self):
        return {"kind": "listed", "name": self.name}

    def list(self):
        return [Photo(self.name, identity, origin, reader) for identity, origin, reader in self.photos]


def faces(identities=20, photos=2):
    return [(f"p{i}", f"{i}/{j}", partial(face, i, j, 16)) for i in range(identities) for j in range(photos)]


def small(source, out, **arguments):
    return pack(source, out, **{"image_size": 16, "encoder": "png", **arguments})
