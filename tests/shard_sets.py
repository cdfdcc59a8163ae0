"""Small shard sets made on the spot, and key lists without any file, for tests of what reads them."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mint_lightning.shards.keys import KeyList
from mint_lightning.shards.manifest import Manifest
from mint_lightning.shards.pack import pack
from mint_lightning.shards.sources.photo import Photo


class NoiseSource:
    """`people` identities with `photos` coloured noise images each, half of each image flat so that JPEG is small."""

    name = "noise"

    def __init__(self, people: int, photos: int, size: int) -> None:
        self.people, self.photos, self.size = people, photos, size

    def describe(self) -> Mapping[str, Any]:
        return {"kind": "noise", "name": self.name, "people": self.people, "photos": self.photos, "size": self.size}

    def list(self) -> Sequence[Photo]:
        return [
            Photo(self.name, f"p{person:04d}", f"{photo}.png", partial(noise_face, person, photo, self.size))
            for person in range(self.people)
            for photo in range(self.photos)
        ]


def noise_face(person: int, photo: int, size: int) -> NDArray[np.uint8]:
    pixels = np.random.default_rng((person, photo)).integers(0, 256, (size, size, 3), dtype=np.uint8)
    pixels[size // 2 :] = person % 256
    return pixels


def pack_noise(root: Path, *, people: int = 60, photos: int = 4, size: int = 16, **arguments: Any) -> Path:
    """Pack noise in two random partitions "d" and "e" at `root`, losslessly unless `encoder` says otherwise."""
    settings: dict[str, Any] = {
        "image_size": size,
        "encoder": "png",
        "partitions": {"d": 0.5, "e": 0.5},
        "shard_bytes": 12_000,
    }
    pack(NoiseSource(people, photos, size), root, **(settings | arguments))
    return root


def open_set(root: Path) -> tuple[Manifest, KeyList]:
    manifest = Manifest.load(root)
    return manifest, KeyList.load(root, manifest)


def bare_keys(sizes: NDArray[np.int64], images_a_shard: int = 50) -> KeyList:
    """A key list without tars: `sizes[group, lane]` images of partition "g0", "g1", ... in each lane."""
    groups, lanes = sizes.shape
    columns: dict[str, list[Any]] = {"partition": [], "lane": [], "position": [], "shard": []}
    shards = 0
    for group in range(groups):
        for lane in range(lanes):
            count = int(sizes[group, lane])
            columns["partition"] += [f"g{group}"] * count
            columns["lane"] += [lane] * count
            columns["position"] += range(count)
            columns["shard"] += [shards + place // images_a_shard for place in range(count)]
            shards += -(-count // images_a_shard)
    n = len(columns["lane"])
    return KeyList(
        key=np.array([f"k{row:06d}" for row in range(n)]),
        source=np.array(["s"] * n),
        identity=np.array([f"p{row}" for row in range(n)]),
        label=np.arange(n, dtype=np.int64),
        partition=np.array(columns["partition"], dtype=np.str_),
        split=np.array(["fit"] * n),
        origin=np.array(["o"] * n, dtype=object),
        sha256=np.array([b"0" * 64] * n, dtype="S64"),
        lane=np.array(columns["lane"], dtype=np.int64),
        shard=np.array(columns["shard"], dtype=np.int64),
        position=np.array(columns["position"], dtype=np.int64),
        lanes=lanes,
    )
