"""A batch of images and how it is made from encoded ones."""

import hashlib
import math
from collections.abc import Sequence
from mmap import mmap
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from mint_lightning.shards.decode import decode_image
from mint_lightning.shards.image import BrokenImage
from mint_lightning.shards.keys import KeyList


class Batch(TypedDict):
    """Images of a batch or of the part of it that some lanes give.

    images: uint8 (B, 3, H, W), RGB.
    row: int64 (B,), rows of the key list.
    broken: keys of images that should be here and are left out, because their bytes are not those that were packed
        or cannot be decoded.
    """

    images: Tensor
    row: Tensor
    broken: list[str]


def decode_batch(samples: Sequence[tuple[int, bytes]], keys: KeyList, suffix: str, image_size: int) -> Batch:
    """Decode (row, encoded image) pairs, in their order.

    The hash in the key list is compared first (2 % of the time): a decoder notices only few changes within a JPEG.
    """
    images = _empty((len(samples), 3, image_size, image_size))
    pixels = images.numpy()
    kept: list[int] = []
    broken: list[str] = []
    for row, data in samples:
        try:
            if hashlib.sha256(data).hexdigest().encode() != keys.sha256[row]:
                raise BrokenImage("its bytes are not those that were packed")
            image = decode_image(data, suffix)
            if image.shape != (image_size, image_size, 3):
                raise BrokenImage(f"it has {image.shape[1]}x{image.shape[0]} pixels")
        except BrokenImage:
            broken.append(str(keys.key[row]))
            continue
        np.copyto(pixels[len(kept)], image.transpose(2, 0, 1))
        kept.append(row)
    return {"images": images[: len(kept)], "row": torch.tensor(kept, dtype=torch.int64), "broken": broken}


def _empty(shape: tuple[int, ...]) -> Tensor:
    """A uint8 tensor to be written, 5 MB as a rule, never on the heap: in a worker in the shared memory by which it
    will leave the process, else in pages of its own, which go back to the system with it.

    The heap would keep the room that each batch leaves, and what outlives the batch (places in tars, scores) settles
    there, so that the next batch needs new room, and without end where scores are collected.
    """
    size = math.prod(shape)
    if size and get_worker_info() is not None:
        storage = torch.UntypedStorage._new_shared(size, device="cpu")
        return torch.empty(0, dtype=torch.uint8).set_(storage, 0, shape)  # type: ignore[call-overload]
    return (
        torch.frombuffer(mmap(-1, size), dtype=torch.uint8).view(shape)
        if size
        else torch.empty(shape, dtype=torch.uint8)
    )


def join(parts: Sequence[Batch], pin_memory: bool = False) -> Batch:
    """Parts one after the other as one batch, copied (from the shared memory of workers), pinned for a GPU or not."""
    shape = (sum(len(part["images"]) for part in parts), *parts[0]["images"].shape[1:])
    images = torch.empty(shape, dtype=torch.uint8, pin_memory=True) if pin_memory else _empty(shape)
    return {
        "images": torch.cat([part["images"] for part in parts], out=images),
        "row": torch.cat([part["row"] for part in parts]),
        "broken": [key for part in parts for key in part["broken"]],
    }
