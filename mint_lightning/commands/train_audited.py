"""mint-lightning train-audited"""

from pathlib import Path
from typing import Any, Literal

from mint_lightning.commands.parsing import run_function
from mint_lightning.errors import UserError
from mint_lightning.files import refuse_unwritable

EXAMPLES = """  mint-lightning train-audited --shards shards/demo --partitions '[members]' --out mlruns/networks/mine
  mint-lightning train-audited --shards shards/lfw --partitions '[H1]' --out mlruns/networks/lfw_A \\
      --arguments '{"stem_stride": 2}' --epochs 20 --pairs lfw
  mint-lightning train-audited --shards shards/demo --complement true --out mlruns/networks/demo_complement
  mint-lightning train-audited --task classification --shards shards/cifar10 --partitions '[members]' \\
      --architecture six_conv --epochs 60 --out mlruns/networks/cifar10
  mint-lightning train-audited --task classification --shards shards/cifar10 --epochs 60 --checkpoints '[3, 10]' \\
      --validated true --out mlruns/networks/cifar10    # and cifar10_epoch3, cifar10_epoch10, cifar10_validated
  mint-lightning train-audited --task classification --shards shards/cifar10 --partitions '[members, externals]' \\
      --half 0 --halves 4 --out mlruns/networks/cifar10_half0"""

ONLY = {
    "recognition": ("scale", "margin", "flip", "pairs"),
    "classification": (
        "label_smoothing", "optimizer", "augment", "checkpoints", "validated", "classes", "half", "halves",
    ),
}  # fmt: skip
LOSSES = {"recognition": ("cosface", "arcface"), "classification": ("cross_entropy",)}


def train_audited(
    shards: str,
    out: str,
    partitions: list[str] | None = None,
    task: Literal["recognition", "classification"] = "recognition",
    classes: list[str] | None = None,
    half: int | None = None,
    halves: int | None = None,
    architecture: str | None = None,
    arguments: dict[str, Any] | None = None,
    loss: Literal["cosface", "arcface", "cross_entropy"] | None = None,
    scale: float | None = None,
    margin: float | None = None,
    label_smoothing: float | None = None,
    optimizer: Literal["adam", "sgd"] | None = None,
    rate: float | None = None,
    epochs: int | None = None,
    checkpoints: list[int] | None = None,
    validated: bool | None = None,
    batch_size: int = 128,
    flip: bool | None = None,
    augment: Literal["none", "flip", "crop_flip"] | None = None,
    seed: int = 0,
    workers: int = 0,
    bf16: bool | Literal["auto"] = "auto",
    complement: bool = False,
    name: str | None = None,
    pairs: str | None = None,
    overwrite: bool = False,
    accelerator: str = "auto",
    save_minutes: float = 5.0,
) -> None:
    """Train a face network or a classifier on recorded members, to be audited: weights, list of every photo, card.

    Args:
        shards: folder of a shard set; for classification one with classes.
        out: folder for network.safetensors, members.parquet and card.json.
        partitions: partitions to train on; "members" by default.
        task: recognition of people, or classification of objects.
        classes: classification: train on photos of these alone, such as [cat, dog] (all).
        half: classification: train on this one, 0 to halves - 1, of the random halves of the partitions' identities: a
            reference network.
        halves: classification: how many halves there are, an even number; each identity is in half of them (4).
        architecture: for recognition iresnet_small (the default), iresnet18 to iresnet200; for classification six_conv
            (the default), cifar_resnet20 to cifar_resnet110; timm:NAME or package.module:function.
        arguments: arguments of the architecture, for example {"widths": [24, 48, 96, 192]}; the number of classes is
            filled in.
        loss: cosface (the default) or arcface of recognition, cross_entropy of classification.
        scale: recognition: radius of the sphere, the papers' s (32).
        margin: recognition: the papers' m (0.2).
        label_smoothing: classification: share of the target that is spread over all classes (0).
        optimizer: classification: adam, which the paper names, or sgd (adam).
        rate: recognition: highest rate of the one-cycle schedule (0.1); classification: 0.001 of adam, or of sgd as of
            recognition.
        epochs: times that the members are gone through (recognition 20, classification 60).
        checkpoints: classification: epochs to leave a network of, too, in OUT_epochN.
        validated: classification: leave the network of the epoch with the lowest loss on photos not trained on, of the
            validate split alone, in OUT_validated.
        batch_size: images of a step, a multiple of the shard set's lanes.
        flip: recognition: mirror half of the images (true).
        augment: classification: none, flip (mirror half of the images) or crop_flip (move them by up to 4 pixels, too)
            (none).
        seed: of weights, order and whatever changes photos.
        workers: processes that decode images; 0 decodes in this one.
        bf16: bfloat16 autocast; auto times a step with it and without and takes the faster.
        complement: train on the other side, every partition but "members" and photos held out.
        name: what people call the network; the folder's name by default.
        pairs: recognition: where verification is measured: held-out (people of the shard set), lfw (the official pairs,
            from the folder lfw under MINT_DATA) or none (held-out).
        overwrite: replace another network that stands in `out`.
        accelerator: auto, cpu or gpu.
        save_minutes: between checkpoints of the training under way; the same command goes on from the last one after a
            kill, to the same bits.
    """
    asked = {name: value for name, value in dict(locals()).items() if value is not None}
    _refuse_others(asked, asked.pop("task"))
    refuse_unwritable(Path(out))
    if task == "classification":
        from mint_lightning.learning.classification import milestones, train_classifier

        card = train_classifier(asked.pop("shards"), **asked)
        others = milestones(Path(out), checkpoints or [], bool(validated))
    else:
        from mint_lightning.learning.recognition import train_audited as train

        card, others = train(asked.pop("shards"), **asked), {}
    print(f"Network and list of members: {card}")
    for folder in others:
        print(f"And on the way: {folder / card.name}")


def _refuse_others(asked: dict[str, Any], task: str) -> None:
    other = "classification" if task == "recognition" else "recognition"
    if given := [name for name in ONLY[other] if name in asked]:
        raise UserError(f"--{given[0]} is of {other}, and the task is {task}: leave it out, or give --task {other}.")
    if "halves" in asked and "half" not in asked:
        raise UserError("--halves says how many halves there are; --half NUMBER says which of them to train on.")
    if asked.get("loss", LOSSES[task][0]) not in LOSSES[task]:
        raise UserError(f"--loss {asked['loss']} is of {other}; the task {task} takes {' or '.join(LOSSES[task])}.")


def main(command: str, args: list[str]) -> None:
    """Run the command."""
    run_function(train_audited, command, args, EXAMPLES)
