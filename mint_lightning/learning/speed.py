"""Number format and memory layout: whichever a training step is faster in, here, with this network."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mint_lightning.audited.precision import native_bf16


@dataclass(frozen=True)
class Format:
    """How a network is trained."""

    bf16: bool = False
    channels_last: bool = True

    @property
    def name(self) -> str:
        """For people and cards: "bf16 channels_last"."""
        return f"{'bf16' if self.bf16 else 'float32'} {'channels_last' if self.channels_last else 'contiguous'}"


# From plain to involved; a later one must beat those before it by a margin, or noise would decide.
_FORMATS = (Format(False, True), Format(False, False), Format(True, True))
_GAIN = 0.85


def fastest_format(network: nn.Module, images: Tensor, *, repeats: int = 3) -> tuple[Format, dict[str, float]]:
    """Time a forward and backward of copies of `network` on prepared float32 `images` (B, 3, H, W) in each format.

    bfloat16 is only tried where the device computes in it itself. A small network on a CPU can be slower in it all the
    same (per-channel PReLU and BatchNorm outweigh the convolutions there), hence the clock and no table of processors.

    Returns:
        The format, and images per second of each by name.
    """
    speeds = {}
    for format in _FORMATS:
        if not format.bf16 or native_bf16(images.device.type):
            step = _step(copy.deepcopy(network), images, format)
            step()
            speeds[format] = len(images) / min(_seconds(step, images.device) for _ in range(repeats))
    best = _FORMATS[0]
    for format, speed in speeds.items():
        if speeds[best] < _GAIN * speed:
            best = format
    return best, {format.name: round(speed, 1) for format, speed in speeds.items()}


def _step(network: nn.Module, images: Tensor, format: Format) -> Callable[[], None]:
    layout = torch.channels_last if format.channels_last else torch.contiguous_format
    network, images = network.train().to(memory_format=layout), images.contiguous(memory_format=layout)

    def step() -> None:
        with torch.autocast(images.device.type, torch.bfloat16, enabled=format.bf16):
            embedding = network(images)
        embedding.float().square().mean().backward()

    return step


def _seconds(step: Callable[[], None], device: torch.device) -> float:
    start = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start
