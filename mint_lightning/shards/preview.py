"""What packing would write, told before anything is written."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mint_lightning.shards.fill import encode_photos
from mint_lightning.shards.keys import hash_order, key_hashes
from mint_lightning.shards.plan import make_plan
from mint_lightning.shards.recipe import Recipe
from mint_lightning.shards.sources.photo import PhotoSource
from mint_lightning.shards.writer import sample_bytes

TRIED = 64
_FACTS_BYTES = 150  # of a sample's JSON, as a rule
_TAR_END = 5_632  # on average: two empty blocks, and what fills the last record of 20 blocks


@dataclass(frozen=True)
class Cell:
    """One partition and split: photos, the identities on them, and the tars they would make."""

    photos: int
    identities: int
    tars: int


@dataclass(frozen=True)
class Preview:
    """What packing would do.

    found, identities: of the source's photos. cells: (partition, split) -> what goes there. tried: photos that were
    read and encoded to know more; images: they gave; broken: photo and reason of those that cannot be used;
    image_bytes: of an image in a tar, its header and JSON included, 0 where none could be made; bytes: of all tars,
    estimated from that. alignment, border: as the manifest would say.
    """

    found: int
    identities: int
    cells: Mapping[tuple[str, str], Cell]
    tried: int
    images: int
    broken: tuple[tuple[str, str], ...]
    image_bytes: float
    bytes: float
    alignment: str
    border: str


def preview(photos: PhotoSource, recipe: Recipe) -> Preview:
    """List a source and bring at most 64 of its photos, drawn by hash, to their form; nothing is written.

    Raises:
        UserError: as `pack`, of the source and of what it would be divided into.
    """
    listed = photos.list()
    plan = make_plan(
        listed, partitions=recipe.partitions, hold_out=recipe.hold_out, seed=recipe.seed, by_database=recipe.by_database
    )
    drawn = hash_order(plan.keys, key_hashes(plan.keys))[:TRIED]
    sizes: list[int] = []
    broken: list[tuple[str, str]] = []
    for index in drawn:
        photo = listed[index]
        (made,) = encode_photos([photo], recipe.image_size, recipe.codec, recipe.cut)
        if isinstance(made, str):
            broken.append((f"{photo.source}: {photo.origin}", made))
        else:
            sizes.extend(sample_bytes(len(image), _FACTS_BYTES) for image, _ in made)
    each = float(np.mean(sizes)) if sizes else 0.0
    a_photo = len(sizes) / len(drawn)
    cells = {}
    for number, group in enumerate(plan.groups):
        own = plan.group == number
        count = int(own.sum())
        cells[group] = Cell(count, len(np.unique(plan.label[own])), _tars(count * a_photo, each, recipe))
    whole = len(listed) * a_photo * each + _TAR_END * sum(cell.tars for cell in cells.values())
    source = photos.describe()
    return Preview(
        len(listed), len(plan.people), cells, len(drawn), len(sizes), tuple(broken), each, whole,
        recipe.alignment(source), recipe.border(source),
    )  # fmt: skip


def _tars(images: float, each: float, recipe: Recipe) -> int:
    """Every lane that has an image has at least one tar."""
    count = math.ceil(images)
    lanes = min(recipe.lanes, count)
    if not lanes:
        return 0
    a_lane = math.ceil(count / lanes)
    a_tar = max(1, int(recipe.shard_bytes // each)) if each else a_lane
    if recipe.shard_images:
        a_tar = min(a_tar, recipe.shard_images)
    return lanes * math.ceil(a_lane / a_tar)
