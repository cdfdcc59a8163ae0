"""Packing: from a source of photos to a shard set, whole or not at all."""

from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path

from mint_lightning import __version__
from mint_lightning.errors import UserError
from mint_lightning.files import atomic_path, refuse_unwritable, sha256_json
from mint_lightning.shards.align import CutSettings
from mint_lightning.shards.beside import write_beside
from mint_lightning.shards.copies import crossing_copies
from mint_lightning.shards.fill import write_tars
from mint_lightning.shards.keys import KEYS_NAME
from mint_lightning.shards.leftover import claimed, find
from mint_lightning.shards.listing import classes_of, counts, key_list, partition_hash, refuse_shared_images
from mint_lightning.shards.manifest import MANIFEST_NAME, Manifest
from mint_lightning.shards.plan import HoldOut, make_plan
from mint_lightning.shards.recipe import Recipe
from mint_lightning.shards.sources.photo import PhotoSource

_NAMED = 20
_LISTED = 1000


def pack(
    photos: PhotoSource,
    out: str | Path,
    *,
    image_size: int = 112,
    encoder: str = "jpeg95",
    partitions: Mapping[str, float] | None = None,
    hold_out: HoldOut | None = None,
    by_database: bool | Collection[str] = False,
    cut: CutSettings | None = None,
    aligned: bool = False,
    copies: str = "refuse",
    role: str = "",
    seed: int = 0,
    lanes: int = 8,
    workers: int = 0,
    max_broken: float = 0.01,
    shard_bytes: int = 64 * 2**20,
    shard_images: int = 0,
    overwrite: bool = False,
    reuse: bool = False,
) -> Manifest:
    """Pack photos into a shard set: tars that plain `webdataset.WebDataset` reads, a key list and a manifest.

    Every photo goes through one pipeline, whatever it came as. An identity is in one split and one partition, drawn by
    hash; photos held out of training have partitions of their own. Equal photos and arguments give equal bytes,
    whatever `workers` (with the same versions of this program and of Pillow). The folder appears only when it is whole.
    A packing that was killed is taken up by the next with the same arguments: what it had done is not done again.

    Args:
        photos: where they come from, see `open_source`.
        out: folder to make.
        image_size: side of the square images in pixels.
        encoder: one for all images: "jpeg95", "png" or "webp-lossless".
        partitions: name -> fraction of the identities, together 1; by default all are in one, "all".
        hold_out: photos to keep apart from training.
        by_database: each database (the `source` of its photos), or each of those named, is a partition of its own,
            named after it, in place of `partitions` drawn at random.
        cut: how faces are found and aligned; None takes the photos as they are, cut to their largest square. Boxes and
            points that the source gives are used.
        aligned: you declare that the photos are aligned crops, which the manifest then says.
        copies: what becomes of the same file in two partitions or splits: "refuse" the source, or "leave_out" all such
            photos, which are then among the broken ones.
        role: "members" or "externals": what the set is by default where it stands beside others (see `join`).
        seed: decides partitions, splits and held-out photos.
        lanes: number of equal strands that batches are drawn from; the most processes that can train together.
        workers: processes that decode and encode; 0 does it in this one.
        max_broken: share of photos that may be unusable; they are left out, and listed in the manifest.
        shard_bytes: size above which a lane goes on in the next tar.
        shard_images: number of images above which it does so, too; 0 for any.
        overwrite: replace a shard set at `out`, once the new one is whole.
        reuse: give back the shard set at `out` if it was packed by this very request.

    Raises:
        UserError: an argument, the source or too many photos cannot be used, the same image is in two partitions or
            splits, `out` is taken, or the disk is full. Nothing is left behind then.
    """
    recipe = Recipe(
        image_size, encoder, partitions or {"all": 1.0}, hold_out, seed, lanes, shard_bytes,
        by_database, cut, aligned, shard_images, copies,
    )  # fmt: skip
    if role not in ("", "members", "externals"):
        raise UserError(f"role is {role!r}: a set is packed as members or as externals, or as neither.")
    if not 0 <= max_broken < 1:
        raise UserError(f"max_broken = {max_broken} cannot be used: it is a share, from 0 to below 1.")
    out = Path(out).absolute()
    request = recipe.request(photos) | ({"role": role} if role else {})
    standing = standing_set(out, sha256_json(request), overwrite=overwrite, reuse=reuse)
    if standing is not None:
        return standing
    listed = photos.list()
    plan = make_plan(listed, partitions=recipe.partitions, hold_out=hold_out, seed=seed, by_database=by_database)
    left_out = crossing_copies(listed, plan, workers=workers) if copies == "leave_out" else set()
    leftover = find(out, sha256_json(request))
    with atomic_path(out) as folder:
        folder.mkdir()
        with closing(leftover), claimed(folder, sha256_json(request)) as journal:
            packed = write_tars(
                folder,
                listed,
                plan,
                recipe,
                workers=workers,
                max_broken=max_broken,
                leftover=leftover,
                journal=journal,
                copies=left_out,
            )
        keys = key_list(listed, plan, packed, lanes)
        faces = dict(sorted(packed.faces.items()))
        duplicates = refuse_shared_images(keys)
        skipped = list(getattr(photos, "skipped", ()))
        write_beside(folder, listed, plan, packed)
        manifest = Manifest(
            tool_version=__version__,
            request=request,
            request_hash=sha256_json(request),
            image_size=image_size,
            alignment=recipe.alignment(request["source"]),
            border=recipe.border(request["source"]),
            encoder=encoder,
            seed=seed,
            lanes=lanes,
            partitions=recipe.partition_rules(plan.sources),
            counts=counts(keys),
            broken=tuple(packed.broken[:_LISTED]),
            skipped={"count": len(skipped), "examples": skipped[:_NAMED]},
            duplicates=duplicates,
            faces=faces,
            role=role,
            classes=classes_of(keys, photos),
            photos={"found": len(listed), "read": packed.read, "broken": len(packed.broken)},
            keys_sha256=keys.save(folder),
            partition_hash=partition_hash(keys),
            shards=tuple(packed.shards),
        )
        manifest.save(folder)
    leftover.remove()
    return manifest


def standing_set(out: Path, request_hash: str, *, overwrite: bool, reuse: bool) -> Manifest | None:
    """The shard set at `out` if it may be used again; None if `out` is free or may be replaced."""
    refuse_unwritable(out.parent)
    if around := next((parent for parent in out.parents if (parent / MANIFEST_NAME).is_file()), None):
        raise UserError(f"{out} lies in the shard set {around}, which would take it along: name another folder.")
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    if not (out / MANIFEST_NAME).is_file():
        raise UserError(f"{out} stands in the way and is no shard set: name another folder, or remove it yourself.")
    if reuse:
        try:
            manifest = Manifest.load(out)
        except UserError:
            if not overwrite:
                raise
        else:
            if manifest.request_hash == request_hash and _whole(out, manifest):
                return manifest
    if not overwrite:
        raise UserError(
            f"There already is a shard set at {out}{', packed in another way or not whole' if reuse else ''}: "
            "name another folder, or ask for it to be overwritten."
        )
    return None


def _whole(root: Path, manifest: Manifest) -> bool:
    files = {root / shard.name: shard.bytes for shard in manifest.shards}
    return (root / KEYS_NAME).is_file() and all(p.is_file() and p.stat().st_size == size for p, size in files.items())
