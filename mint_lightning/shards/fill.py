"""Filling the tars: photos encoded by many processes, written by one, in the order of the plan."""

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from mint_lightning.progress import progress_bar
from mint_lightning.shards.image import BrokenImage, Encoder, standardise
from mint_lightning.shards.listing import Packed
from mint_lightning.shards.parallel import ordered_map
from mint_lightning.shards.plan import Plan
from mint_lightning.shards.recipe import Recipe
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.writer import GroupWriter

_PHOTOS_A_TASK = 32


def encode_photos(photos: Sequence[Photo], image_size: int, encoder: Encoder) -> list[bytes | str]:
    """For each photo its encoded image, or the reason why there is none."""
    results: list[bytes | str] = []
    for photo in photos:
        try:
            results.append(standardise(photo.read(), image_size, encoder))
        except BrokenImage as error:
            results.append(str(error))
        except OSError as error:
            results.append(f"cannot be read ({error.strerror or type(error).__name__})")
    return results


def write_tars(
    folder: Path, photos: Sequence[Photo], plan: Plan, recipe: Recipe, *, workers: int, max_broken: float
) -> Packed:
    """Write every photo's image into the tars of `folder` and say where each went.

    Photos are dealt to lanes after the broken ones are left out, so lanes differ by at most one image.

    Raises:
        UserError: more than the share `max_broken` cannot be used.
    """
    packed = Packed(len(photos))
    tasks = (
        [photos[index] for index in plan.order[start : start + _PHOTOS_A_TASK]]
        for start in range(0, len(photos), _PHOTOS_A_TASK)
    )
    encode = partial(encode_photos, image_size=recipe.image_size, encoder=recipe.codec)
    with closing(ordered_map(encode, tasks, workers=workers)) as chunks, progress_bar() as bar:
        images = (image for chunk in chunks for image in chunk)
        done = bar.add_task("packing photos", total=len(photos))
        for number, (partition, split) in enumerate(plan.groups):
            members = plan.order[plan.group[plan.order] == number]
            writer = GroupWriter(
                folder, partition, split, suffix=recipe.codec.suffix, lanes=recipe.lanes, shard_bytes=recipe.shard_bytes
            )
            with writer:
                for index in members:
                    photo, image = photos[index], next(images)
                    bar.advance(done)
                    if isinstance(image, str):
                        packed.leave_out(photo, image, max_broken)
                        continue
                    facts = {
                        "source": photo.source,
                        "identity": photo.identity,
                        "label": int(plan.label[index]),
                        "partition": partition,
                        "origin": photo.origin,
                    }
                    packed.place(index, image, *writer.write(str(plan.keys[index]), image, facts))
            packed.add_shards(members, writer.shards)
    return packed
