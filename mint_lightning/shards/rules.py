"""What a shard set promises about its contents, checked on a key list."""

from collections.abc import Iterator

import numpy as np

from mint_lightning.shards.duplicates import crosses, same_images
from mint_lightning.shards.keys import KeyList
from mint_lightning.shards.listing import counts, partition_hash
from mint_lightning.shards.manifest import Manifest
from mint_lightning.shards.splits import UNSEEN_SUFFIX

_COMPARED = (
    "key",
    "sha256",
    "source",
    "identity",
    "label",
    "origin",
    "partition",
    "split",
    "lane",
    "position",
    "class_name",
)


def broken_promises(found: KeyList) -> Iterator[str]:
    """Duplicate keys, identities in two splits or partitions, images in two partitions or splits."""
    unique, times = np.unique(found.key[:], return_counts=True)
    for key in unique[times > 1]:
        yield f"The key {key} is there {times[unique == key][0]} times: keys must be unique."
    base = np.array([name.removesuffix(UNSEEN_SUFFIX) for name in found.partition.tolist()], dtype=np.str_)
    people = np.char.add(np.char.add(found.source[:], ": "), found.identity[:])
    for what, column in (("splits", found.split[:]), ("partitions", base)):
        pairs = np.unique(np.stack([people, column]), axis=1)
        names, places = np.unique(pairs[0], return_counts=True)
        for name in names[places > 1]:
            listed = ", ".join(pairs[1][pairs[0] == name])
            yield f"The identity {name!r} is in {places[names == name][0]} {what} ({listed}): it must be in one."
    for rows in same_images(found.sha256):
        if crosses(rows, found.partition, found.split):
            listed = ", ".join(f"{found.key[row]} ({found.partition[row]}, {found.split[row]})" for row in rows[:4])
            yield f"The same image is in several partitions or splits: {listed}."


def disagreements(keys: KeyList, found: KeyList, manifest: Manifest) -> Iterator[str]:
    """Where the key list says something else than the tars, or than the manifest."""
    for number, shard in enumerate(manifest.shards):
        listed, held = np.flatnonzero(keys.shard == number), np.flatnonzero(found.shard == number)
        if len(listed) != len(held):
            yield f"The key list has {len(listed)} images in {shard.name}, the tar holds {len(held)}."
            continue
        for name in _COMPARED:
            differs = np.flatnonzero(getattr(keys, name)[listed] != getattr(found, name)[held])
            if len(differs):
                key = keys.key[listed[differs[0]]]
                yield f"The key list and {shard.name} differ in {name!r} of {len(differs)} images, {key} the first."
    if counts(keys) != manifest.counts:
        yield "The manifest's counts are not those of the key list."
    if partition_hash(keys) != manifest.partition_hash:
        yield "The manifest's partition_hash is not that of the key list."
