"""`pack --dry-run`: what would be written, in words."""

from collections.abc import Mapping
from pathlib import Path

from mint_lightning.shards import HoldOut, PhotoSource
from mint_lightning.shards.align import CutSettings
from mint_lightning.shards.outgoing import upload_folder
from mint_lightning.shards.pack import standing_set
from mint_lightning.shards.preview import Preview, preview
from mint_lightning.shards.recipe import Recipe
from mint_lightning.shards.size import bytes_in_words
from mint_lightning.shards.splits import SPLITS
from mint_lightning.shards.transfer import is_address

DEFAULT_BYTES = 64 * 2**20


def say_what(
    photos: PhotoSource,
    out: str,
    *,
    image_size: int,
    encoder: str,
    partitions: Mapping[str, float],
    hold_out: HoldOut | None,
    by_database: bool | list[str],
    cut: CutSettings | None,
    aligned: bool,
    seed: int,
    lanes: int,
    sizes: Mapping[str, int],
    taken: bool,
) -> None:
    """Print what packing with these arguments would write to `out`; `taken`: a shard set may stand there.

    Raises:
        UserError: as `pack` would, of its arguments, the source, and what stands at `out`.
    """
    recipe = Recipe(
        image_size, encoder, partitions, hold_out, seed, lanes, sizes.get("shard_bytes", DEFAULT_BYTES), by_database,
        cut, aligned, sizes.get("shard_images", 0),
    )  # fmt: skip
    if is_address(out):
        upload_folder(out, overwrite=taken)
    else:
        standing_set(Path(out).absolute(), "", overwrite=taken, reuse=False)
    found = preview(photos, recipe)
    print("\n".join(_lines(found, out, recipe)))


def _lines(found: Preview, out: str, recipe: Recipe) -> list[str]:
    names = sorted({partition for partition, _ in found.cells})
    width = max(len(name) for name in ("partition", *names))
    table = [f"{'partition':{width}}  " + "  ".join(f"{split:>20}" for split in SPLITS)]
    for name in names:
        cells = [found.cells.get((name, split)) for split in SPLITS]
        shown = [f"{cell.photos:,} of {cell.identities:,}" if cell else "none" for cell in cells]
        table.append(f"{name:{width}}  " + "  ".join(f"{text:>20}" for text in shown))
    tars = sum(cell.tars for cell in found.cells.values())
    tried = f"{found.tried:,} of them were tried: {found.images:,} images"
    if found.broken:
        tried += f", and {len(found.broken)} that cannot be used"
    size = f"Size: about {bytes_in_words(found.bytes)} in {tars:,} tars of {recipe.lanes} lanes"
    pipeline = f"Pipeline: {recipe.image_size} x {recipe.image_size}, {recipe.encoder}; alignment: {found.alignment}"
    return [
        f"Nothing was written. {out} would be made of {found.found:,} photos of {found.identities:,} identities.",
        "Photos of identities in each partition and split:",
        *(f"  {line}" for line in table),
        f"{size} ({bytes_in_words(found.image_bytes)} an image).",
        f"{pipeline}; border: {found.border}.",
        f"{tried}.",
        *(f"  {photo}: {reason}" for photo, reason in found.broken[:5]),
    ]
