"""Train a classifier of objects on recorded members, as the object-classification paper on MINT audits it."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from lightning.pytorch.loggers import Logger

from mint_lightning.errors import UserError
from mint_lightning.files import sha256_json
from mint_lightning.learning.augmentation import Augment
from mint_lightning.learning.card import CARD_NAME, finished
from mint_lightning.learning.class_arguments import class_arguments
from mint_lightning.learning.class_photos import class_photos
from mint_lightning.learning.class_task import Classes, Milestone
from mint_lightning.learning.classifier import Optimizer
from mint_lightning.learning.labels import kept_classes
from mint_lightning.learning.networks import device_of
from mint_lightning.learning.training import Training, trained_partitions
from mint_lightning.shards import KeyList, Manifest
from mint_lightning.shards.remote import local_set

RECIPE_VERSION = 1
"""Raised when the same request would train another network."""

RATES: Mapping[str, float] = {"adam": 1e-3, "sgd": 0.1}


def train_classifier(
    shards: str | Path,
    *,
    out: str | Path,
    partitions: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    half: int | None = None,
    halves: int = 4,
    architecture: str = "six_conv",
    arguments: Mapping[str, Any] | None = None,
    loss: str = "cross_entropy",
    label_smoothing: float = 0.0,
    optimizer: Optimizer = "adam",
    rate: float | None = None,
    augment: Augment = "none",
    epochs: int = 60,
    checkpoints: Sequence[int] = (),
    validated: bool = False,
    batch_size: int = 128,
    seed: int = 0,
    workers: int = 0,
    bf16: bool | Literal["auto"] = "auto",
    complement: bool = False,
    name: str | None = None,
    overwrite: bool = False,
    accelerator: str = "auto",
    progress: bool = True,
    logger: Logger | None = None,
    save_minutes: float = 5.0,
) -> Path:
    """Train a network to tell the classes of a shard set apart, and write down exactly which photos it saw.

    As `train_audited` does for faces: all photos of the partitions are members, whatever their split; order, weights,
    changes of photos and dropout follow from `seed`; the same request is not trained twice, and an interrupted one goes
    on to the same bits. Accuracy and loss, measured in eval mode on the members and on all other photos, are in the
    card. Beside the last network, `out`, those of `checkpoints` are left in OUT_epochN as soon as they are reached, and
    with `validated` that of one more in OUT_validated, each with weights, members until then and figures of its own.

    Args:
        shards: Folder of a shard set with classes.
        out: Folder to write `network.safetensors`, `members.parquet` and `card.json` to.
        partitions: As `train_audited`.
        classes: Train on photos of these classes alone; the network has an output for each of them.
        half: Train on this one, 0 to `halves` - 1, of the random halves of the partitions' identities: a reference
            network. Each identity is in exactly half of them, drawn by the shard set's own seed.
        halves: How many halves there are, an even number.
        architecture: As `mint_lightning.audited.architectures.build`; it must give a logit for each class, and its
            argument for their number is filled in.
        arguments: Arguments of the architecture.
        loss: "cross_entropy" alone.
        label_smoothing: Share of the target that is spread over all classes.
        optimizer: "adam" at a constant rate, which the paper names, or "sgd" with momentum 0.9, weight decay 5e-4 and
            a one-cycle rate, as residual networks are usually trained.
        rate: Learning rate, the highest of a cycle; 0.001 for adam, 0.1 for sgd.
        augment: "none", as the paper names none; "flip" mirrors half of the images, "crop_flip" also moves them by up
            to 4 pixels.
        epochs: Times that the members are gone through. The paper leaves it open: many, for what a network has learnt
            by heart is easier to audit, and `checkpoints` shows how much easier.
        checkpoints: Epochs before the last to leave a network of, too.
        validated: Leave the network of the epoch with the lowest loss on photos that are not trained on, of the
            validate split alone, so that the test split knows nothing of the choice; they do not count as test photos.
            A cross-fitted table scores the validate split too, so audit this network with the four splits.
        batch_size, seed, workers, bf16, complement, name, overwrite, accelerator, progress, logger, save_minutes: As
            `train_audited`.

    Returns:
        Path of the last network's card.

    Raises:
        UserError: the shard set has no classes, it or an argument cannot be used, an image is broken, or training
            diverges.
    """
    root, folder = local_set(shards), Path(out)
    rate = RATES.get(optimizer, 0.1) if rate is None else rate
    _refuse_unknown(loss, optimizer, augment)
    if epochs < 1 or not 0 < rate < math.inf or not 0 <= label_smoothing < 1:
        raise UserError(
            f"epochs={epochs} must be at least 1, rate={rate} above 0 and finite, label_smoothing={label_smoothing} "
            "from 0 to below 1."
        )
    if wrong := [epoch for epoch in checkpoints if not 1 <= epoch < epochs]:
        raise UserError(
            f"checkpoints names the epoch {wrong[0]}, and the last network is that of epoch {epochs}: take earlier "
            "ones, from 1 on."
        )
    device_of(accelerator)
    manifest = Manifest.load(root)
    trained_on = trained_partitions(manifest, partitions, complement)
    name = name or folder.name
    arguments = class_arguments(
        architecture, arguments or {}, len(kept_classes(manifest, classes)), manifest.image_size
    )
    request = {
        "task": "classification",
        "recipe": RECIPE_VERSION,
        "shards": manifest.hash,
        "partitions": trained_on,
        "classes": None if classes is None else list(kept_classes(manifest, classes)),
        "half": None if half is None else [half, halves],
        "architecture": architecture,
        "arguments": arguments,
        "loss": loss,
        "label_smoothing": label_smoothing,
        "optimizer": optimizer,
        "rate": rate,
        "augment": augment,
        "epochs": epochs,
        "batch_size": batch_size,
        "seed": seed,
        "bf16": bf16,
        "complement": complement,
        "validated": validated,
        "name": name,
    }
    way = tuple(
        Milestone(each, sha256_json({**request, "checkpoint": epoch}), epoch)
        for each, epoch in milestones(folder, checkpoints, validated).items()
    )
    asked = [(folder, sha256_json(request)), *((each.folder, each.request) for each in way)]
    there = [finished(each, own, overwrite=overwrite) for each, own in asked]  # each, or one were refused too late
    if all(there):
        return folder / CARD_NAME
    keys = KeyList.load(root, manifest)
    photos = class_photos(keys, manifest, trained_on, classes=classes, half=half, halves=halves, validated=validated)
    training = Training(
        root=root,
        out=folder,
        keys=keys,
        manifest=manifest,
        rows=photos.trained,
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
    return training.run(Classes(training, photos, way, optimizer, rate, augment, label_smoothing))


def _refuse_unknown(loss: str, optimizer: str, augment: str) -> None:
    for argument, value, known in (
        ("loss", loss, ("cross_entropy",)),
        ("optimizer", optimizer, get_args(Optimizer)),
        ("augment", augment, get_args(Augment)),
    ):
        if value not in known:
            raise UserError(f"{argument}={value!r} is not known to classifiers: give {' or '.join(known)}.")


def milestones(out: Path, checkpoints: Sequence[int], validated: bool) -> dict[Path, int | None]:
    """Folders of the networks beside the last, each with its epoch, None for the one that validation chooses."""
    found: dict[Path, int | None] = {out.with_name(f"{out.name}_epoch{each}"): each for each in sorted(checkpoints)}
    return {**found, out.with_name(f"{out.name}_validated"): None} if validated else found
