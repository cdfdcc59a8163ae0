"""Copies across partitions and splits, found in the source's own bytes before anything is packed."""

import hashlib
from collections.abc import Sequence
from contextlib import closing
from typing import Final

import numpy as np

from mint_lightning.progress import progress_bar
from mint_lightning.shards.image import BrokenImage
from mint_lightning.shards.parallel import ordered_map
from mint_lightning.shards.plan import Plan
from mint_lightning.shards.sources.photo import Photo

REASON: Final = "the same file as a photo in another partition or split"
_PHOTOS_A_TASK: Final = 256


def crossing_copies(photos: Sequence[Photo], plan: Plan, *, workers: int) -> set[int]:
    """Rows of all photos whose file, byte for byte, is in more than one partition or split.

    All of them, not all but one: such a photo says nothing of membership, whichever side it stayed on. Reads every
    photo once without decoding it; photos that cannot be read are none. Equal images in files that differ are not
    found; two faces of one file, told apart by their boxes or points, are no copies.
    """
    tasks = (
        [photos[int(row)] for row in plan.order[start : start + _PHOTOS_A_TASK]]
        for start in range(0, len(photos), _PHOTOS_A_TASK)
    )
    found = bytearray()
    with closing(ordered_map(hashes, tasks, workers=workers)) as chunks, progress_bar() as bar:
        done = bar.add_task("looking for copies", total=len(photos))
        for chunk in chunks:
            found += b"".join(chunk)
            bar.advance(done, len(chunk))
    _, file = np.unique(np.frombuffer(bytes(found), dtype="V32"), return_inverse=True)
    group = plan.group[plan.order]
    least, most = np.full(file.max() + 1, len(plan.groups)), np.full(file.max() + 1, -1)
    np.minimum.at(least, file, group)
    np.maximum.at(most, file, group)
    return set(plan.order[(least < most)[file]].tolist())


def hashes(photos: Sequence[Photo]) -> list[bytes]:
    """SHA-256 of what each photo's reader gives; of one that cannot be read, that of its name."""
    result: list[bytes] = []
    for photo in photos:
        try:
            content = photo.read()
            data = content if isinstance(content, bytes) else f"{content.shape}".encode() + content.tobytes()
            data += b"" if photo.box is None and photo.points is None else f"{photo.box} {photo.points}".encode()
        except (BrokenImage, OSError):
            data = b"\0".join((photo.source.encode(), photo.identity.encode(), photo.origin.encode()))
        result.append(hashlib.sha256(data or photo.origin.encode()).digest())
    return result
