"""Photos of objects in folders by split and class: train/CLASS/1.png and test/CLASS/1.png."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.tree import Entry

SPLITS: Final = ("train", "test")


def by_folder(images: Sequence[Entry], name: str) -> tuple[Mapping[str, Photo], str, Sequence[str]] | None:
    """Photos by path, a hash of names and sizes, and classes; None where no folder has both train/ and test/.

    The first folder that has both is taken. Photos are of NAME_train and NAME_test, each an identity of its own.
    """
    found: dict[str, dict[str, list[Entry]]] = {}
    for entry in images:
        if len(entry.folders) < 2:
            continue
        *above, split, _ = entry.folders
        if split.lower() in SPLITS:
            found.setdefault("/".join(above), {}).setdefault(split.lower(), []).append(entry)
    both = [parts for _, parts in sorted(found.items()) if len(parts) == len(SPLITS)]
    if not both:
        return None
    photos: dict[str, Photo] = {}
    digest = sha256()
    for split, entries in both[0].items():
        for entry in entries:
            place = "/".join(entry.path.split("/")[-2:])
            digest.update(json.dumps([split, place, entry.size]).encode() + b"\n")
            facts = {"class": entry.folders[-1]}
            photos[entry.path] = Photo(f"{name}_{split}", place, place, entry.reader, attributes=facts)
    return photos, digest.hexdigest(), sorted({entry.folders[-1] for part in both[0].values() for entry in part})
