"""Several shard sets as one: links to their tars, one key list, one manifest."""

import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mint_lightning import __version__
from mint_lightning.errors import UserError
from mint_lightning.files import atomic_path, sha256_json
from mint_lightning.shards.align.settings import OPTIONS, alignment_settings
from mint_lightning.shards.columns import Digests, Distinct, Repeated
from mint_lightning.shards.keys import KeyList, labels
from mint_lightning.shards.listing import counts, partition_hash, refuse_shared_images
from mint_lightning.shards.manifest import Manifest, Shard
from mint_lightning.shards.remote import CACHE_BYTES, default_cache, local_set, place_of, write_remote

PIPELINE: Final = ("alignment", "border")
ALIKE: Final = ("image_size", "encoder", "lanes")
JOINED: Final = Path("mlruns/joined")


def join(
    roots: Sequence[str | Path],
    out: Path | None = None,
    *,
    allow_mixed: bool = False,
    cache: str | Path | None = None,
    cache_bytes: int = CACHE_BYTES,
) -> Path:
    """Make one shard set of several, and return its folder; the tars are linked, not copied, where the disk can.

    A set's partitions bear its folder's name: `NAME`, where it has only one, else `NAME.PARTITION`. Sets keep their
    splits; nothing may be claimed between them at random, for a head can name the set.

    Args:
        roots: folders or addresses of two or more sets of one image size, encoder and number of lanes.
        out: the folder to make; by default one below mlruns/joined named by what is in it, which is used again.
        cache, cache_bytes: as of `local_set`, where some are addresses; their tars stay there until they are read.
        allow_mixed: join sets whose photos were aligned differently or have other borders, too; the manifest says so.

    Raises:
        UserError: sets of other sizes, encoders, lanes or pipelines, of one name, or with a photo or an image in both.
    """
    folders = [local_set(root, cache, cache_bytes).absolute() for root in roots]
    if len(folders) < 2:
        raise UserError("One shard set needs no joining: name two or more.")
    names = [_name(folder) for folder in folders]
    if len(set(names)) < len(names):
        raise UserError(f"Shard sets are told apart by their folders' names, and these are not: {', '.join(names)}.")
    manifests = [Manifest.load(folder) for folder in folders]
    mixed = _check_alike(names, folders, manifests, allow_mixed)
    sets = [
        {"name": name, "manifest": manifest.hash, "role": manifest.role}
        | {each: getattr(manifest, each) for each in PIPELINE}
        for name, manifest in zip(names, manifests, strict=True)
    ]
    request: dict[str, Any] = {"joined": sets, "tool_version": __version__}
    target = out or JOINED / sha256_json(request)[:16]
    if out is None and (target / "manifest.json").is_file():
        return target
    keys, shards, files = _together(names, folders, manifests)
    duplicates = refuse_shared_images(keys)
    with atomic_path(target.absolute()) as folder:
        folder.mkdir()
        elsewhere: dict[str, tuple[str, str]] = {}
        for name, file in files.items():
            if (place := place_of(file)) is None:
                _link(file, folder / name)
            else:  # it stays in the cache: in the joined folder it would never leave
                elsewhere[name] = place
        if elsewhere:
            write_remote(folder, Path(cache or default_cache()).absolute(), cache_bytes, elsewhere)
        first = manifests[0]
        partitions = {
            own: {"set": name, "partition": partition, "role": manifest.role}
            for name, manifest in zip(names, manifests, strict=True)
            for partition, own in _partition_names(name, manifest).items()
        }
        Manifest(
            tool_version=__version__,
            request=request,
            request_hash=sha256_json(request),
            image_size=first.image_size,
            alignment="; ".join(dict.fromkeys(manifest.alignment for manifest in manifests)),
            border="; ".join(dict.fromkeys(manifest.border for manifest in manifests)),
            encoder=first.encoder,
            seed=first.seed,
            lanes=first.lanes,
            partitions=partitions,
            counts=counts(keys),
            broken=tuple(entry for manifest in manifests for entry in manifest.broken),
            skipped={"count": sum(int(m.skipped["count"]) for m in manifests), "examples": []},
            duplicates=duplicates,
            keys_sha256=keys.save(folder),
            partition_hash=partition_hash(keys),
            shards=shards,
            mixed=mixed,
            classes=_classes(manifests),
        ).save(folder)
    return target


def _name(folder: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", folder.name).strip("-") or "set"


def _check_alike(names: Sequence[str], folders: Sequence[Path], manifests: Sequence[Manifest], allow: bool) -> bool:
    """Whether the pipelines differ."""
    first = manifests[0]
    mixed = False
    for name, folder, manifest in zip(names[1:], folders[1:], manifests[1:], strict=True):
        for each in (*ALIKE, *PIPELINE):
            one, other = getattr(first, each), getattr(manifest, each)
            if one == other:
                continue
            if each in PIPELINE and allow:
                mixed = True
                continue
            both = {names[0]: first, folder.name: manifest}
            again = realign_words(both) if each in PIPELINE else f"pack one again with {each} as in the other"
            raise UserError(f"The shard sets {names[0]} and {name} differ in {each} ({one} and {other}): {again}.")
    return mixed


def realign_words(sets: Mapping[str, Manifest]) -> str:
    """What to do where photos of two sets, by name, were aligned in different ways.

    A set that was cut here is taken as crops itself, so that both were resampled as often.
    """
    found = {name: alignment_settings(manifest.alignment) for name, manifest in sets.items()}
    done = [name for name, settings in found.items() if settings.get("realign") == "True"][:1]
    *rest, last = [name for name in sets if name not in done]
    options, like = "--realign true", found[done[0]] if done else {}
    if like.get("detector") == "scrfd":
        options += f" --detector FILE (the SCRFD whose sha256 begins with {like['sha256']})"
    options += "".join(f" {option} {like[name]}" for name, option in OPTIONS.items() if like)
    which = f"{last} to the pipeline of {done[0]}" if done else f"{rest[0]} and {last} to one pipeline, each"
    source = f"webdataset:{last}" if found[last].get("realign") == "False" else "KIND:PATH"
    return (
        f"a head could name the set by it. Bring {which} from its crops, with `mint-lightning pack --source {source} "
        f"{options} --out {last}_realigned`, or set allow_mixed, and nothing may be claimed"
    )


def _classes(manifests: Sequence[Manifest]) -> tuple[str, ...]:
    """Those of the first set that has any, then what others add."""
    return tuple(dict.fromkeys(name for manifest in manifests for name in manifest.classes))


def _partition_names(name: str, manifest: Manifest) -> dict[str, str]:
    own = sorted({shard.partition for shard in manifest.shards})
    return {own[0]: name} if len(own) == 1 else {partition: f"{name}.{partition}" for partition in own}


def _together(
    names: Sequence[str], folders: Sequence[Path], manifests: Sequence[Manifest]
) -> tuple[KeyList, tuple[Shard, ...], dict[str, Path]]:
    """The key list and the shards of all, and which file is which tar."""
    parts: dict[str, list[NDArray[Any]]] = {}
    shards: list[Shard] = []
    files: dict[str, Path] = {}
    for name, folder, manifest in zip(names, folders, manifests, strict=True):
        keys, called = KeyList.load(folder, manifest), _partition_names(name, manifest)
        columns: dict[str, Any] = {each: getattr(keys, each)[:] for each in (*_TEXTS, "lane", "position")}
        columns["partition"] = np.array([called[str(each)] for each in columns["partition"]])
        columns["shard"] = keys.shard + len(shards)
        for each, column in columns.items():
            parts.setdefault(each, []).append(column)
        for shard in manifest.shards:
            tar = f"{name}.{shard.name}"
            files[tar] = folder / shard.name
            shards.append(Shard(tar, called[shard.partition], *(getattr(shard, each) for each in _SHARD)))
    whole = {each: np.concatenate(columns) for each, columns in parts.items()}
    unique, number = np.unique(whole["key"], return_counts=True)
    if (number > 1).any():
        raise UserError(
            f"{int((number > 1).sum())} photos are in two of the shard sets {', '.join(names)}, "
            f"{unique[number > 1][0]} among them: they were packed of one source under one name."
        )
    label = labels(whole["source"], whole["identity"])
    order = np.lexsort((whole["position"], whole["lane"], whole["split"], whole["partition"]))
    placed = [(shard.partition, shard.split, shard.lane) for shard in shards]
    by_place = sorted(range(len(shards)), key=lambda at: (placed[at], at))
    new_number = np.empty(len(shards), np.int64)
    new_number[by_place] = np.arange(len(shards))
    columns = {each: _TEXTS[each](column[order]) if each in _TEXTS else column[order] for each, column in whole.items()}
    columns["shard"] = new_number[columns["shard"]]
    keys = KeyList(**columns, label=label[order], lanes=manifests[0].lanes)
    return keys, tuple(shards[at] for at in by_place), files


_SHARD: Final = ("split", "lane", "count", "bytes", "sha256")
_TEXTS: Final[dict[str, Callable[[Any], Any]]] = {
    "key": Distinct.of, "source": Repeated.of, "identity": Repeated.of, "partition": Repeated.of, "split": Repeated.of,
    "origin": lambda names: Distinct.of(names, object), "sha256": Digests.of, "class_name": Repeated.of,
}  # fmt: skip


def _link(file: Path, place: Path) -> None:
    """A hard link, which outlives a set that is packed anew; a copy where the disks differ."""
    try:
        os.link(file, place)
    except OSError:
        shutil.copyfile(file, place)
