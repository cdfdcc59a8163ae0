"""A shard set without some of its images: bytes copied, lanes dealt anew, splits and partitions kept."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mint_lightning import __version__
from mint_lightning.errors import UserError
from mint_lightning.files import atomic_path, sha256_json
from mint_lightning.progress import progress_bar
from mint_lightning.shards.image import ENCODERS
from mint_lightning.shards.keys import KeyList, labels
from mint_lightning.shards.listing import Packed, counts, partition_hash, refuse_shared_images
from mint_lightning.shards.manifest import Manifest
from mint_lightning.shards.reader import read_rows
from mint_lightning.shards.writer import GroupWriter

_SHARD_BYTES = 64 * 2**20


def write_without(
    root: Path, manifest: Manifest, keys: KeyList, removed: NDArray[np.int64], out: Path, why: Mapping[str, Any]
) -> Manifest:
    """Write the shard set at `root` without the rows `removed`, whole or not at all.

    Images are copied as they are, not encoded again. Lanes are dealt anew, so that they differ by at most one image.

    Args:
        root, manifest, keys: the shard set.
        removed: int64, rows to leave out.
        out: folder to make.
        why: JSON values for the manifest's request, beside the keys of what was left out.

    Raises:
        UserError: `out` is taken, nothing is left, what is left is on both sides of a split, or a tar is damaged.
    """
    out = Path(out).absolute()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} stands in the way: name another folder, or remove it yourself.")
    kept = np.setdiff1d(np.arange(len(keys), dtype=np.int64), removed)
    if not len(kept):
        raise UserError(f"All {len(keys):,} images of {root} would be left out: no shard set was written.")
    left_out = {"keys": sorted(keys.key[np.unique(removed)].tolist()), **why}
    request = {"without": left_out, "of": manifest.hash, "tool_version": __version__}
    label = labels(keys.source[kept], keys.identity[kept])
    with atomic_path(out) as folder:
        folder.mkdir()
        packed, order = _write(root, manifest, keys, kept, label, folder)
        new = _key_list(keys, kept, label, packed, order, manifest.lanes)
        duplicates = refuse_shared_images(new)
        written = replace(
            manifest,
            tool_version=__version__,
            request=request,
            request_hash=sha256_json(request),
            counts=counts(new),
            duplicates=duplicates,
            faces={},  # of how faces were found is known in all, not by image
            photos={},
            keys_sha256=new.save(folder),
            partition_hash=partition_hash(new),
            shards=tuple(packed.shards),
        )
        written.save(folder)
    return written


def _write(
    root: Path, manifest: Manifest, keys: KeyList, kept: NDArray[np.int64], label: NDArray[np.int64], folder: Path
) -> tuple[Packed, NDArray[np.int64]]:
    """Tars of the kept rows, and the places in `kept` in the order written."""
    suffix = ENCODERS[manifest.encoder].suffix
    packed, order = Packed(len(kept)), [np.zeros(0, np.int64)]
    groups = sorted(set(zip(keys.partition[kept].tolist(), keys.split[kept].tolist(), strict=True)))
    with progress_bar() as bar:
        done = bar.add_task("copying images", total=len(kept))
        for partition, split in groups:
            at = np.flatnonzero((keys.partition[kept] == partition) & (keys.split[kept] == split))
            at = at[np.lexsort((keys.key[kept[at]], keys.key_hash[kept[at]]))]
            rule = manifest.partitions.get(partition)
            packed_as = rule["partition"] if isinstance(rule, Mapping) and "set" in rule else partition
            writer = GroupWriter(
                folder, partition, split, suffix=suffix, lanes=manifest.lanes, shard_bytes=_SHARD_BYTES
            )
            with writer:
                images = read_rows(root, manifest, keys, kept[at], suffix)
                for place, (row, image) in zip(at.tolist(), images, strict=True):
                    facts = {
                        "source": str(keys.source[row]),
                        "identity": str(keys.identity[row]),
                        "label": int(label[place]),
                        "partition": packed_as,
                        "origin": str(keys.origin[row]),
                    }
                    if known_class := keys.class_name[row]:
                        facts["class_name"] = known_class
                    packed.place(place, 0, image, "", *writer.write(str(keys.key[row]), image, facts))
                    bar.advance(done)
            packed.add_shards(writer.shards)
            order.append(at)
    return packed, np.concatenate(order)


def _key_list(
    keys: KeyList,
    kept: NDArray[np.int64],
    label: NDArray[np.int64],
    packed: Packed,
    order: NDArray[np.int64],
    lanes: int,
) -> KeyList:
    rows = kept[order]
    by_place = np.lexsort((packed.position, packed.lane, keys.split[rows], keys.partition[rows]))
    rows = rows[by_place]
    taken: dict[str, Any] = {
        name: getattr(keys, name).take(rows)
        for name in ("key", "source", "identity", "partition", "split", "origin", "class_name")
    }
    return KeyList(**taken, label=label[order][by_place], **packed.places(by_place), lanes=lanes)
