"""Verifying: read everything again and name what is wrong."""

from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.progress import progress_bar
from mint_lightning.shards.columns import Digests, Distinct, Repeated
from mint_lightning.shards.image import ENCODERS
from mint_lightning.shards.keys import KEYS_NAME, KeyList, labels
from mint_lightning.shards.manifest import MANIFEST_NAME, Manifest
from mint_lightning.shards.parallel import ordered_map
from mint_lightning.shards.rules import broken_promises, disagreements
from mint_lightning.shards.tarcheck import Contents, read_tar


def verify(root: str | Path, *, workers: int = 0) -> list[str]:
    """Read every byte of a shard set and decode every image.

    Args:
        root: folder of the shard set.
        workers: processes that read and decode; 0 does it in this one.

    Returns:
        Problems, one sentence each; an empty list says that the shard set is whole and keeps its promises: all files
        are as written, tars, key list and manifest agree, keys are unique, an identity is in one split and (but for
        held-out photos) one partition, and no image is in two partitions or splits.
    """
    root = Path(root)
    problems: list[str] = []
    try:
        manifest = Manifest.load(root)
    except UserError as error:
        return [str(error)]
    try:
        keys = KeyList.load(root, manifest)
    except UserError as error:
        keys = None
        problems.append(str(error))
    if manifest.encoder not in ENCODERS:
        return [*problems, f"The manifest names the encoder {manifest.encoder!r}; known are {', '.join(ENCODERS)}."]
    rules = manifest.partitions.items()
    read = partial(
        read_tar,
        root=str(root),
        suffix=ENCODERS[manifest.encoder].suffix,
        image_size=manifest.image_size,
        packed_as={name: rule["partition"] for name, rule in rules if isinstance(rule, Mapping) and "set" in rule},
    )
    contents: list[Contents] = []
    with closing(ordered_map(read, manifest.shards, workers=workers)) as results, progress_bar() as bar:
        done = bar.add_task("verifying images", total=manifest.images)
        for shard, content in zip(manifest.shards, results, strict=True):
            bar.advance(done, shard.count)
            problems.extend(content.problems)
            contents.append(content)
    found = _found(manifest, contents)
    problems.extend(broken_promises(found))
    if keys is not None:
        problems.extend(disagreements(keys, found, manifest))
    listed = {MANIFEST_NAME, KEYS_NAME, *(shard.name for shard in manifest.shards)}
    strays = sorted(path.name for path in root.iterdir() if path.name not in listed and path.suffix == ".tar")
    problems.extend(f"{name} is not in the manifest: it does not belong to this shard set." for name in strays)
    return problems


def _found(manifest: Manifest, contents: list[Contents]) -> KeyList:
    """A key list of what the tars really hold."""
    sizes = [len(content.key) for content in contents]
    shards = manifest.shards

    def texts(name: str) -> list[str]:
        return [text for content in contents for text in getattr(content, name)]

    label = np.array([label for content in contents for label in content.label], dtype=np.int64)
    if "joined" in manifest.request:  # a number among the people of all sets, which no tar knows
        label = labels(texts("source"), texts("identity"))
    return KeyList(
        key=Distinct.of(texts("key")),
        source=Repeated.of(texts("source")),
        identity=Repeated.of(texts("identity")),
        label=label,
        partition=Repeated.of(np.repeat(np.array([shard.partition for shard in shards], dtype=np.str_), sizes)),
        split=Repeated.of(np.repeat(np.array([shard.split for shard in shards], dtype=np.str_), sizes)),
        origin=Distinct.of(texts("origin"), object),
        sha256=Digests.of(texts("sha256")),
        lane=np.repeat(np.array([shard.lane for shard in shards], dtype=np.int64), sizes),
        shard=np.repeat(np.arange(len(shards), dtype=np.int64), sizes),
        position=_positions(manifest, sizes),
        lanes=manifest.lanes,
        class_name=Repeated.of(texts("class_name")),
    )


def _positions(manifest: Manifest, sizes: list[int]) -> NDArray[np.int64]:
    next_in: dict[tuple[str, str, int], int] = {}
    positions = [np.zeros(0, np.int64)]
    for shard, size in zip(manifest.shards, sizes, strict=True):
        lane = (shard.partition, shard.split, shard.lane)
        start = next_in.get(lane, 0)
        positions.append(np.arange(start, start + size, dtype=np.int64))
        next_in[lane] = start + size
    return np.concatenate(positions)
