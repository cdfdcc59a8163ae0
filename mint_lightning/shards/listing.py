"""What was packed: the record kept while packing, and the key list, counts and hashes made of it."""

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.shards.columns import Digests, Distinct, Repeated
from mint_lightning.shards.duplicates import crosses, same_images
from mint_lightning.shards.keys import KeyList
from mint_lightning.shards.manifest import Shard
from mint_lightning.shards.plan import Plan
from mint_lightning.shards.sources.photo import Photo, PhotoSource

Encoded = list[tuple[bytes, str]] | str
"""Of a photo: its images, each with how its face's points were known ("" where none was looked for); or the reason why
there is none."""


_WHERE = ("lane", "shard", "position")


class Packed:
    """Where each image went, of which photo it is: about 50 bytes of memory for each.

    photos: number of photos listed, of which `read` have images and the `broken` none. faces: how the points of faces
    were known -> images. photo, face, lane, shard, position, digests: of each image, in the order written.
    """

    def __init__(self, photos: int) -> None:
        self.photos = photos
        self.read = 0
        self.digests = bytearray()
        self.photo, self.face, self.lane = array("q"), array("H"), array("H")
        self.shard, self.position = array("I"), array("I")
        self.faces: Counter[str] = Counter()
        self.broken: list[dict[str, str]] = []
        self.shards: list[Shard] = []
        self._joined = 0

    def place(self, photo: int, face: int, image: bytes, how: str, lane: int, number: int, position: int) -> None:
        """An image of a photo, its `face`-th, lies at `position` of `lane`, in that lane's shard `number`."""
        self.digests += hashlib.sha256(image).digest()
        self.photo.append(photo)
        self.face.append(face)
        self.lane.append(lane)
        self.shard.append(number)
        self.position.append(position)
        if how:
            self.faces[how] += 1

    def add_shards(self, shards: Sequence[Shard]) -> None:
        """What was placed since the last call lies in `shards`: numbers within a lane become indices into all."""
        lanes = np.array([shard.lane for shard in shards], dtype=np.int64)
        first = np.searchsorted(lanes, np.arange(lanes.max(initial=0) + 1))
        new = np.asarray(self.shard)[self._joined :]
        new += (len(self.shards) + first[np.asarray(self.lane)[self._joined :]]).astype(new.dtype)
        self._joined += len(new)
        self.shards.extend(shards)

    def places(self, order: NDArray[np.int64]) -> dict[str, Any]:
        """Columns of a key list: where the images are, and their hashes, in this order of what was written."""
        where = {name: np.asarray(getattr(self, name))[order].astype(np.int64) for name in _WHERE}
        return {**where, "sha256": Digests(self.digests).take(order)}

    def leave_out(self, photo: Photo, reason: str, max_broken: float) -> None:
        """Record an unusable photo. Raises `UserError` as soon as they are more than the share allowed."""
        self.broken.append({"photo": f"{photo.source}: {photo.origin}", "reason": reason})
        if len(self.broken) > max_broken * self.photos:
            named = "; ".join(f"{entry['photo']} ({entry['reason']})" for entry in self.broken[:5])
            raise UserError(
                f"{len(self.broken)} of {self.photos} photos cannot be used so far, more than max_broken = "
                f"{max_broken:g} allows: {named}{'; ...' if len(self.broken) > 5 else ''}. Nothing was written."
            )


def class_of(photo: Photo) -> str:
    """The class of the object that a photo shows; "" where the source does not say it."""
    return (photo.attributes or {}).get("class", "")


def classes_of(keys: KeyList, source: PhotoSource) -> tuple[str, ...]:
    """Names of the classes in their order: the source's, where it has an attribute `classes`, else sorted.

    Raises:
        UserError: a photo's class is not among the source's.
    """
    if not keys.has_classes:
        return ()
    found = [name for name in keys.class_name.distinct().tolist() if name]
    named = tuple(getattr(source, "classes", None) or found)
    if strange := [name for name in named if not name.strip() or not name.isprintable()]:
        raise UserError(
            f"The source {source.name!r} names a class {strange[0]!r}: a class needs a name that can be read."
        )
    if unknown := sorted(set(found) - set(named)):
        raise UserError(f"A photo is of the class {unknown[0]!r}, which the source {source.name!r} does not name.")
    return named


def face_key(key: str, number: int) -> str:
    """The key of the face `number` (0, 1, ...) of a photo with that key; the first has the photo's own."""
    return f"{key}-{number + 1}" if number else key


def key_list(photos: Sequence[Photo], plan: Plan, packed: Packed, lanes: int) -> KeyList:
    """The key list of the images that were packed."""
    photo = np.asarray(packed.photo)
    order = np.lexsort((packed.position, packed.lane, plan.group[photo]))
    rows, faces = photo[order], np.asarray(packed.face)[order]
    label, group = plan.label[rows], plan.group[rows]
    (sources, identities), (partitions, splits) = (
        [list(names) for names in zip(*pairs, strict=True)] for pairs in (plan.people, plan.groups)
    )
    return KeyList(
        key=Distinct.of(face_key(plan.keys[row], int(face)) for row, face in zip(rows, faces, strict=True)),
        source=Repeated.coded(sources, label),
        identity=Repeated.coded(identities, label),
        label=label,
        partition=Repeated.coded(partitions, group),
        split=Repeated.coded(splits, group),
        origin=Distinct.of((photos[int(row)].origin for row in rows), object),
        **packed.places(order),
        lanes=lanes,
        class_name=Repeated.of(class_of(photos[int(row)]) for row in rows),
    )


def counts(keys: KeyList) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
    """Images and identities by source, partition and split."""
    result: dict[str, dict[str, dict[str, dict[str, int]]]] = {}
    for source in keys.source.distinct():
        for partition in keys.partition.distinct():
            for split in keys.split.distinct():
                rows = (keys.source == source) & (keys.partition == partition) & (keys.split == split)
                if rows.any():
                    cell = {"images": int(rows.sum()), "identities": len(np.unique(keys.label[rows]))}
                    result.setdefault(str(source), {}).setdefault(str(partition), {})[str(split)] = cell
    return result


def partition_hash(keys: KeyList) -> str:
    """SHA-256 of which photo of whom is in which partition and split, in the order of the keys."""
    digest = hashlib.sha256()
    for row in keys.key.argsort():
        facts = [str(column[row]) for column in (keys.key, keys.source, keys.identity, keys.partition, keys.split)]
        digest.update(json.dumps(facts, ensure_ascii=True).encode() + b"\n")
    return digest.hexdigest()


def refuse_shared_images(keys: KeyList) -> int:
    """Number of images that repeat another of their own partition and split.

    Raises:
        UserError: an image is in two partitions or two splits, where it would be on both sides of the test.
    """
    repeated = same_images(keys.sha256)
    for rows in repeated:
        if crosses(rows, keys.partition, keys.split):
            one, other = (
                rows[0],
                next(row for row in rows if crosses(np.array([rows[0], row]), keys.partition, keys.split)),
            )
            places = [
                f"{keys.origin[row]!r} of {str(keys.identity[row])!r} in {keys.partition[row]}, {keys.split[row]}"
                for row in (one, other)
            ]
            number = sum(crosses(rows, keys.partition, keys.split) for rows in repeated)
            raise UserError(
                f"{number} images are on both sides of a partition or split, such as {places[0]}, which is the same "
                f"image as {places[1]}: remove one of the two from the source, or ask for copies to be left out. "
                "Nothing was written."
            )
    return sum(len(rows) - 1 for rows in repeated)
