"""Filling the tars: photos encoded by many processes, written by one, in the order of the plan."""

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

from mint_lightning.progress import progress_bar
from mint_lightning.shards.align import Asked, CutSettings, cut_of
from mint_lightning.shards.copies import REASON
from mint_lightning.shards.image import BrokenImage, Encoder, opened, standardise
from mint_lightning.shards.leftover import Leftover
from mint_lightning.shards.listing import Encoded, Packed, class_of, face_key
from mint_lightning.shards.parallel import ordered_map
from mint_lightning.shards.plan import Plan
from mint_lightning.shards.recipe import Recipe
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.writer import GroupWriter

_PHOTOS_A_TASK = 32
_TOGETHER = 8
"""Photos that a detector is given at once, fewer where they are large."""
_BYTES = 32 * 2**20
_NO_FACE = "no face was found in it"


def encode_photos(photos: Sequence[Photo], image_size: int, encoder: Encoder, cut: CutSettings | None) -> list[Encoded]:
    """For each photo its encoded images (one, unless all of its faces are asked for), or why there is none."""
    results: dict[int, Encoded] = {}
    waiting: dict[int, Asked] = {}
    for place, photo in enumerate(photos):
        try:
            if cut is None:
                results[place] = [(standardise(photo.read(), image_size, encoder), "")]
            else:
                waiting[place] = Asked(np.asarray(opened(photo.read())), photo.box, photo.points)
        except BrokenImage as error:
            results[place] = str(error)
        except OSError as error:
            results[place] = f"cannot be read ({error.strerror or type(error).__name__})"
        last = place == len(photos) - 1
        if cut and (last or len(waiting) == _TOGETHER or sum(each.photo.size for each in waiting.values()) > _BYTES):
            results |= zip(waiting, _cut(list(waiting.values()), cut, encoder), strict=True)
            waiting = {}
    return [results[place] for place in range(len(photos))]


def _cut(asked: Sequence[Asked], cut: CutSettings, encoder: Encoder) -> Iterator[Encoded]:
    for faces in cut_of(cut).of_many(asked):
        if isinstance(faces, BrokenImage):
            yield str(faces)
        else:
            yield [(standardise(face.pixels, cut.size, encoder), face.how) for face in faces] or _NO_FACE


def write_tars(
    folder: Path,
    photos: Sequence[Photo],
    plan: Plan,
    recipe: Recipe,
    *,
    workers: int,
    max_broken: float,
    leftover: Leftover,
    journal: IO[str],
    copies: Collection[int] = (),
) -> Packed:
    """Write every photo's image into the tars of `folder` and say where each went.

    Photos are dealt to lanes after the broken ones are left out, so lanes differ by at most one image. What `leftover`
    has is taken from there; `journal` is told what is done. `copies` are rows of photos to leave out as such.

    Raises:
        UserError: more than the share `max_broken` cannot be used.
    """
    packed = Packed(len(photos))
    known = np.zeros(len(photos), dtype=bool)
    if leftover:
        known[:] = np.fromiter(map(leftover.has, plan.keys), bool, len(photos))
    known[list(copies)] = True
    new = plan.order[~known[plan.order]] if known.any() else plan.order
    ends = np.cumsum(np.bincount(plan.group, minlength=len(plan.groups)))
    tasks = (
        [photos[index] for index in new[start : start + _PHOTOS_A_TASK]] for start in range(0, len(new), _PHOTOS_A_TASK)
    )
    encode = partial(encode_photos, image_size=recipe.image_size, encoder=recipe.codec, cut=recipe.cut)
    with closing(ordered_map(encode, tasks, workers=workers)) as chunks, progress_bar() as bar:
        encoded = (photo for chunk in chunks for photo in chunk)
        done = bar.add_task("packing photos", total=len(photos))
        for number, (partition, split) in enumerate(plan.groups):
            members = plan.order[ends[number - 1] if number else 0 : ends[number]]
            writer = GroupWriter(
                folder, partition, split, suffix=recipe.codec.suffix, lanes=recipe.lanes,
                shard_bytes=recipe.shard_bytes, shard_images=recipe.shard_images,
            )  # fmt: skip
            with writer:
                for index in members:
                    photo, own = photos[index], plan.keys[index]
                    if index in copies:
                        images: Encoded = REASON
                    else:
                        images = leftover.images(own) if known[index] else next(encoded)
                    bar.advance(done)
                    if isinstance(images, str):
                        journal.write(json.dumps([own, images]) + "\n")
                        packed.leave_out(photo, images, max_broken)
                        continue
                    packed.read += 1
                    facts = {
                        "source": photo.source,
                        "identity": photo.identity,
                        "label": int(plan.label[index]),
                        "partition": partition,
                        "origin": photo.origin,
                    }
                    if known_class := class_of(photo):
                        facts["class_name"] = known_class
                    for number, (image, how) in enumerate(images):
                        key = face_key(own, number)
                        packed.place(index, number, image, how, *writer.write(key, image, facts))
                    journal.write(json.dumps([own, [how for _, how in images]]) + "\n")
            packed.add_shards(writer.shards)
    return packed
