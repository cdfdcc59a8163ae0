"""What a source of photos is: it has a name, describes itself, and lists photos that are read later."""

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from mint_lightning.files import sha256_json

Pixels = NDArray[np.uint8]
Reader = Callable[[], bytes | Pixels]


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo that can be read when it is needed, in this process or another.

    Attributes:
        source: name of the database.
        identity: the person (or object) within that source.
        origin: name of the photo within the source, unique together with source and identity; never absolute.
        reader: called without arguments, gives the bytes of an image file, or a uint8 array (H, W, 3) RGB or (H, W)
            grey. It must be picklable and small: pack sends it to worker processes.
        box: x0, y0, x1, y1 of the face in the upright photo's pixels, where the source says it.
        points: x and y of the five points of the face, likewise: left eye, right eye, nose tip, corners of the mouth.
        attributes: what else the source says of it, name -> value, such as the class of an object.
    """

    source: str
    identity: str
    origin: str
    reader: Reader
    box: tuple[float, float, float, float] | None = None
    points: tuple[tuple[float, float], ...] | None = None
    attributes: Mapping[str, str] | None = None

    @property
    def key(self) -> str:
        """Its name in a shard set, of the database and a hash of all three names."""
        return f"{_slug(self.source)}-{sha256_json([self.source, self.identity, self.origin])[:20]}"

    def read(self) -> bytes | Pixels:
        """The image file's bytes, or its pixels: uint8 (H, W, 3) RGB or (H, W) grey."""
        return self.reader()


@lru_cache(maxsize=256)
def _slug(source: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", source.lower()).strip("-")[:24] or "photos"


class LazyPhotos(Sequence[Photo]):
    """Photos of which each is made when it is asked for."""

    @abstractmethod
    def photo(self, row: int) -> Photo:
        """The one at `row`, 0 .. len - 1."""

    @overload
    def __getitem__(self, row: int) -> Photo: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Photo]: ...
    def __getitem__(self, row: int | slice) -> Photo | Sequence[Photo]:
        if isinstance(row, slice):
            return [self.photo(place) for place in range(*row.indices(len(self)))]
        return self.photo(range(len(self))[row])


class PhotoSource(Protocol):
    """A database of photos by identity.

    A source may also have an attribute `skipped`, names of files that are no photos (known after `list`), and where its
    photos are of objects `classes`, names of their classes in the order of a classifier's outputs.
    """

    @property
    def name(self) -> str:
        """Name of the database."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """JSON values that pin down the content: "kind", "name" and what else changes it; never an absolute path.

        The optional "alignment" and "border" say how the photos were aligned and what surrounds them.
        """
        ...

    def list(self) -> Sequence[Photo]:
        """All photos, without reading them. The order does not matter."""
        ...
