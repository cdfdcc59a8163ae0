"""Train a face network on recorded members, so that there is something to audit whose truth is known."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from lightning.pytorch.loggers import Logger
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.files import sha256_json
from mint_lightning.learning.card import CARD_NAME, finished
from mint_lightning.learning.face_accuracy import MEASURES, Measure, measure
from mint_lightning.learning.learner import Learner
from mint_lightning.learning.networks import device_of
from mint_lightning.learning.pairs import lfw_pairs
from mint_lightning.learning.recogniser import Recognition, class_of_rows
from mint_lightning.learning.training import Ready, Task, Training, trained_partitions
from mint_lightning.shards import KeyList, Manifest
from mint_lightning.shards.remote import local_set

__all__ = ["Recognition", "train_audited"]

RECIPE_VERSION = 1
"""Raised when the same request would train another network."""


def train_audited(
    shards: str | Path,
    *,
    out: str | Path,
    partitions: Sequence[str] | None = None,
    architecture: str = "iresnet_small",
    arguments: Mapping[str, Any] | None = None,
    loss: str = "cosface",
    scale: float = 32.0,
    margin: float = 0.2,
    epochs: int = 20,
    batch_size: int = 128,
    rate: float = 0.1,
    flip: bool = True,
    seed: int = 0,
    workers: int = 0,
    bf16: bool | Literal["auto"] = "auto",
    complement: bool = False,
    name: str | None = None,
    pairs: Measure = "held-out",
    overwrite: bool = False,
    accelerator: str = "auto",
    progress: bool = True,
    logger: Logger | None = None,
    save_minutes: float = 5.0,
) -> Path:
    """Train a network to recognise the people of some partitions, and write down exactly whom it saw.

    All photos of the partitions are members, whatever their split: splits concern the heads that audit the network.
    The order of images is that of `EpochOrder` for `seed`, weights and centres are drawn from `seed`, mirrored images
    from (seed, step, row). A second call with the same request gives what is there; after an interruption it goes on
    from the last checkpoint, to the same bits.

    Args:
        shards: Folder of a shard set.
        out: Folder to write `network.safetensors`, `members.parquet` and `card.json` to.
        partitions: Partitions to train on. By default "members"; with `complement`, every partition but "members" and
            photos held out.
        architecture: As `mint_lightning.audited.architectures.build`: a name, `timm:NAME` or `package.module:function`;
            it must give embeddings (B, D).
        arguments: Arguments of the architecture.
        loss: "cosface" or "arcface".
        scale: Radius of the sphere, the papers' s.
        margin: The papers' m.
        epochs: Times that the members are gone through.
        batch_size: Images of a step, a multiple of the shard set's lanes.
        rate: Highest rate of the one-cycle schedule.
        flip: Mirror half of the images.
        seed: Of weights, order and mirroring.
        workers: Processes that decode images; 0 decodes in this one.
        bf16: bfloat16 autocast; "auto" times a step with it, without it and in both memory layouts, and takes the
            fastest.
        complement: Note in the card that this network is the complement of another, trained on the other side.
        name: What people call the network; the folder's name by default.
        pairs: Where verification is measured: "held-out" people of the shard set, "lfw" (the official pairs, from the
            folder lfw under MINT_DATA), or "none".
        overwrite: Replace another network that is in `out`.
        accelerator: As Lightning's.
        progress: Show a progress bar.
        save_minutes: Between checkpoints of a training under way, in a hidden file beside `out`, removed at the end.
        logger: Lightning logger for loss and accuracy.

    Returns:
        Path of the card.

    Raises:
        UserError: the shard set, a partition or an argument cannot be used, an image is broken, or training diverges.
    """
    root, folder = local_set(shards), Path(out)
    if epochs < 1 or not all(0 < value < math.inf for value in (rate, scale)) or not 0 <= margin < math.inf:
        raise UserError(
            f"epochs={epochs} must be at least 1, rate={rate} and scale={scale} above 0 and finite, margin={margin} "
            "not negative."
        )
    device_of(accelerator)
    if pairs == "lfw":
        lfw_pairs()  # said now rather than after the training
    manifest = Manifest.load(root)
    trained_on = trained_partitions(manifest, partitions, complement)
    arguments, name = dict(arguments or {}), name or folder.name
    request = {
        "recipe": RECIPE_VERSION,
        "shards": manifest.hash,
        "partitions": trained_on,
        "architecture": architecture,
        "arguments": arguments,
        "loss": loss,
        "scale": scale,
        "margin": margin,
        "epochs": epochs,
        "batch_size": batch_size,
        "rate": rate,
        "flip": flip,
        "seed": seed,
        "bf16": bf16,
        "complement": complement,
        "name": name,
        "pairs": pairs,
    }
    request_hash = sha256_json(request)
    if finished(folder, request_hash, overwrite=overwrite):
        return folder / CARD_NAME
    if pairs not in MEASURES:
        raise UserError(f"pairs={pairs!r} is not known: give {', '.join(MEASURES)}.")

    keys = KeyList.load(root, manifest)
    rows = keys.where(partitions=trained_on)
    classes = class_of_rows(keys.label, rows)
    if classes.max() < 1:
        raise UserError(f"The partitions {', '.join(trained_on)} hold one person: at least two are needed.")
    training = Training(
        root=root,
        out=folder,
        keys=keys,
        manifest=manifest,
        rows=rows,
        partitions=trained_on,
        architecture=architecture,
        arguments=arguments,
        name=name,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        bf16=bf16,
        request=request,
        workers=workers,
        accelerator=accelerator,
        progress=progress,
        logger=logger,
        save_minutes=save_minutes,
    )
    return training.run(_Faces(training, classes, loss, scale, margin, rate, flip, pairs))


@dataclass(frozen=True)
class _Faces(Task):
    training: Training
    classes: NDArray[np.int64]
    loss: str
    scale: float
    margin: float
    rate: float
    flip: bool
    pairs: Measure

    def learner(self, ready: Ready) -> Recognition:
        return Recognition(
            ready.built.module,
            ready.built.preprocessing,
            ready.width,
            self.classes,
            ready.steps,
            loss=self.loss,
            scale=self.scale,
            margin=self.margin,
            rate=self.rate,
            flip=self.flip,
            seed=self.training.seed,
            channels_last=ready.format.channels_last,
        )

    def accuracy(self, model: Learner, ready: Ready) -> Mapping[str, Any]:
        data = self.training
        verified = measure(self.pairs, data.root, data.keys, data.rows, ready.built, ready.format)
        return {**model.history[-1], "verification": verified and asdict(verified)}
