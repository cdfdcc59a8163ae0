"""How many images a network is given at once: measured, where that is asked for."""

import time
from collections.abc import Callable
from typing import Final, Literal

import torch
from torch import Tensor

from mint_lightning.audited.aad import Reduction
from mint_lightning.errors import UserError

Batch = int | Literal["auto"] | None
_FIRST: Final = 4
_GAIN: Final = 1.02  # below that a larger batch costs memory for nothing
_TURNS: Final = 2


def checked_batch(batch: Batch) -> Batch:
    """`batch` if it is "auto", None or at least 1; else `UserError`."""
    if batch not in (None, "auto") and (type(batch) is not int or batch < 1):
        raise UserError(f"The network's batch is {batch!r}; it is a number of images, auto, or null for all at once.")
    return batch


def fastest_batch(run: Callable[[Tensor], object], images: Tensor) -> int:
    """The size at which `run` gets through `images` (B, ...) fastest: doubled from 4 while that helps.

    A processor is often faster in batches that fit its caches than in large ones; a GPU is not, and what does not fit
    its memory is not taken. Each size is timed twice on the same images, the better time counts.
    """
    best, fastest, size = min(_FIRST, len(images)), 0.0, min(_FIRST, len(images))
    while size <= len(images):
        try:
            rate = max(_rate(run, images[:size]) for _ in range(_TURNS))
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            break
        if rate > _GAIN * fastest:
            best, fastest = size, rate
        elif size >= 4 * best:  # twice in a row no gain
            break
        size *= 2
    return best


def in_batches(
    read: Callable[[Tensor], dict[str, dict[Reduction, Tensor]]], images: Tensor, batch: Batch
) -> dict[str, dict[Reduction, Tensor]]:
    """What `read` gives of `images` (B, ...), `batch` of them at once, put together."""
    if not isinstance(batch, int) or len(images) <= batch:
        return read(images)
    parts = [read(part) for part in images.split(batch)]
    return {
        path: {kind: torch.cat([part[path][kind] for part in parts]) for kind in own} for path, own in parts[0].items()
    }


def _rate(run: Callable[[Tensor], object], images: Tensor) -> float:
    start = time.perf_counter()
    run(images)
    if images.device.type == "cuda":
        torch.cuda.synchronize(images.device)
    return len(images) / (time.perf_counter() - start)
