"""Classifiers at random weights whose cards list members, as train-audited writes them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mint_lightning.audited.architectures import build
from mint_lightning.learning.card import MemberList, write_network
from mint_lightning.shards import KeyList, Manifest


def classifier(
    folder: Path,
    shards: Path,
    rows: NDArray[np.int64],
    partitions: list[str],
    seed: int = 0,
    some: list[str] | None = None,
) -> Path:
    """A six-convolution network of the set's classes, or of `some`, whose members are `rows`; the card's path."""
    manifest = Manifest.load(shards)
    classes = [name for name in manifest.classes if some is None or name in some]
    asked = {"classes": len(classes), "image_size": manifest.image_size}
    built = build("six_conv", asked, seed)
    return write_network(
        folder,
        built.module,
        built,
        name=folder.name,
        architecture="six_conv",
        arguments=asked,
        members=MemberList(KeyList.load(shards, manifest), manifest, partitions, rows),
        accuracy={},
        config={"classes": classes},
    )
