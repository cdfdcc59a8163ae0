"""What the parts of benchmarks/scale share: small shard sets, a network trained on one, `fit` on both."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.jobs import ROOT
from mint_lightning.files import write_json
from mint_lightning.shards import pack
from mint_lightning.shards.sources.photo import Photo

PHOTOS = 5
SIDE = 16


class Noise:
    """Images of noise, 16x16, made as they are packed: a source of any size that takes no disk."""

    name = "noise"

    def __init__(self, images: int) -> None:
        self.images = images

    def describe(self) -> Mapping[str, Any]:
        return {"kind": "noise", "name": self.name, "images": self.images, "side": SIDE}

    def list(self) -> Sequence[Photo]:
        return [Photo("noise", f"p{i // PHOTOS:08d}", f"{i}", partial(_pixels, i)) for i in range(self.images)]


def _pixels(number: int) -> NDArray[np.uint8]:
    return np.random.default_rng(number).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def noise_set(images: int, shard_images: int = 0) -> Path:
    """A shard set of noise in PNG, packed once; `shard_images` to a tar at most, 0 for as many as fit."""
    root = Path("shards") / f"noise_{images}_{shard_images}"
    pack(Noise(images), root, image_size=SIDE, encoder="png", shard_images=shard_images, reuse=True, overwrite=True)
    return root


def faces(identities: int, photos: int, side: int) -> Path:
    """Drawn faces, half of the people members, packed once."""
    root = Path("shards") / f"faces_{identities}_{photos}_{side}"
    source = f"synthetic:identities={identities},photos={photos},difficulty=plain"
    partitions = '{"members": 0.5, "externals": 0.5}'
    request = ["--source", source, "--out", str(root), "--partitions", partitions, "--image-size", str(side)]
    call("pack", *request, "--reuse", "true", "--overwrite", "true")
    return root


def train_words(shards: Path, out: Path, arguments: Mapping[str, Any], epochs: int) -> list[str]:
    """The command that trains a small network on the members of a set."""
    words = ["train-audited", "--shards", str(shards), "--out", str(out), "--arguments", json.dumps(dict(arguments))]
    words += ["--epochs", str(epochs), "--batch_size", "32", "--bf16", "false", "--pairs", "none"]
    return [*words, "--accelerator", "cpu", "--overwrite", "true"]


def network(shards: Path, arguments: Mapping[str, Any]) -> Path:
    """The card of a network trained on the members of a set for an epoch, once."""
    out = Path("networks") / shards.name
    call(*train_words(shards, out, arguments, epochs=1))
    return out / "card.json"


def data(shards: Path, card: Path, batch: int, workers: int) -> dict[str, Any]:
    """The DataModule as a config has it."""
    arguments = {"shards": str(shards), "network": {"card": str(card)}, "batch_size": batch, "workers": workers}
    return {"class_path": "datamodules.Faces", "init_args": arguments}


def config(path: Path, faces: Mapping[str, Any], epochs: int) -> Path:
    """The YAML of a `fit` of a Vanilla head at conv4; JSON is YAML."""
    head = {"class_path": "mint_lightning.learning.VanillaMINT", "init_args": {"taps": ["conv4"]}}
    trainer = {"max_epochs": epochs, "accelerator": "cpu", "enable_progress_bar": False}
    write_json(path, {"model": head, "data": dict(faces), "trainer": trainer})
    return path


def call(*words: str) -> None:
    """A command of the program in this process."""
    from mint_lightning.cli import main

    if main(words):
        raise SystemExit(f"{words[0]} failed.")


def launch(*words: str, threads: int = 1) -> None:
    """A command of the program in a process of its own with so many threads; what it prints is shown if it fails."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", "mint_lightning", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{words[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
