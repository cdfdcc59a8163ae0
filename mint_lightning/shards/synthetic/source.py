"""Synthetic faces as a source of photos, for `pack`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mint_lightning.errors import UserError
from mint_lightning.shards.sources.photo import LazyPhotos, Photo
from mint_lightning.shards.synthetic.faces import draw_photo
from mint_lightning.shards.synthetic.parameters import parse_difficulty

GENERATOR_VERSION = 1
"""Raised whenever the same arguments begin to draw other faces."""


@dataclass(frozen=True)
class SyntheticSource:
    """A database of drawn people, each photo drawn when it is read.

    The spec string "synthetic:identities=2000,photos=5,difficulty=hard,seed=0" gives the same arguments.

    Args:
        identities: Number of people.
        photos: Photos of each.
        difficulty: "plain", "hard" or a number from 0 (plain) to 1 (hard).
        seed: Another seed draws other people.
        name: Name of the database in the shard set.

    Raises:
        UserError: an argument out of its range.
    """

    identities: int = 2000
    photos: int = 5
    difficulty: str = "hard"
    seed: int = 0
    name: str = "synthetic"

    def __post_init__(self) -> None:
        parse_difficulty(self.difficulty)
        for argument in ("identities", "photos"):
            value = getattr(self, argument)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UserError(f"{argument}={value!r} of synthetic faces must be a whole number, at least 1.")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise UserError(f"seed={self.seed!r} of synthetic faces must be a whole number.")

    def describe(self) -> dict[str, Any]:
        """The arguments and the generator's version, which together give every pixel; faces are drawn aligned."""
        return {
            "kind": "synthetic",
            "name": self.name,
            "identities": self.identities,
            "photos": self.photos,
            "difficulty": parse_difficulty(self.difficulty),
            "seed": self.seed,
            "version": GENERATOR_VERSION,
            "alignment": "drawn",
            "border": "none",
        }

    def list(self) -> Sequence[Photo]:
        """All photos, person by person; identity "person00017", origin "person00017/photo3"."""
        return _DrawnPhotos(self)


class _DrawnPhotos(LazyPhotos):
    """Each made when it is asked for: a million people are no more than their number."""

    def __init__(self, source: SyntheticSource) -> None:
        self.source = source
        self.difficulty = parse_difficulty(source.difficulty)

    def __len__(self) -> int:
        return self.source.identities * self.source.photos

    def photo(self, row: int) -> Photo:
        """The one at `row`."""
        person, photo = divmod(row, self.source.photos)
        who = f"person{person:05d}"
        draw = partial(draw_photo, self.source.seed, person, photo, self.difficulty)
        return Photo(self.source.name, who, f"{who}/photo{photo}", draw)
