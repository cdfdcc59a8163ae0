"""Arguments that an architecture needs to classify the photos of a shard set."""

import inspect
from collections.abc import Mapping
from typing import Any

from mint_lightning.audited.registry import OWN
from mint_lightning.errors import UserError
from mint_lightning.learning.training import Ready


def class_arguments(architecture: str, arguments: Mapping[str, Any], classes: int, image_size: int) -> dict[str, Any]:
    """`arguments` with the number of classes and the size of the images, where the architecture has such arguments and
    they are not given: `classes` and `image_size` of ours, `num_classes` of timm's.

    Raises:
        UserError: it is a face network.
    """
    found = dict(arguments)
    if architecture.startswith("timm:"):
        found.setdefault("num_classes", classes)
    elif architecture in OWN:
        known = OWN[architecture]
        if known.task != "objects":
            names = ", ".join(name for name, each in OWN.items() if each.task == "objects")
            raise UserError(f"{architecture} gives embeddings of faces and no classes: take {names} or timm:NAME.")
        takes = inspect.signature(known.build).parameters
        for name, value in (("classes", classes), ("image_size", image_size)):
            if name in takes:
                found.setdefault(name, value)
    return found


def refuse_other_sizes(architecture: str, ready: Ready, classes: int, image_size: int) -> None:
    """Raise `UserError` unless the network gives a logit for each class and, where it is one of ours, takes images of
    the shard set's size; others scale them."""
    if ready.width != classes:
        raise UserError(
            f"{architecture} gives {ready.width} values where the shard set has {classes} classes: give its argument "
            f"for their number, such as classes (ours) or num_classes (timm's), as {classes}."
        )
    height, width = ready.built.preprocessing.size
    if architecture in OWN and (height, width) != (image_size, image_size):
        raise UserError(
            f"{architecture} takes images of {height}x{width} pixels, and those of the shard set have "
            f"{image_size}x{image_size}: pack them with --image_size {height}, or take six_conv, which has any size."
        )
