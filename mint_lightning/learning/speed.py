"""Number format and memory layout: whichever a training step is faster in, here, with this network."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from mint_lightning.audited.precision import bf16_is_faster


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
_BLOCK = 16


def choose_format(network: nn.Module, images: Tensor, bf16: bool | Literal["auto"]) -> tuple[Format, dict[str, float]]:
    """`fastest_format` for "auto"; else what was asked for, in channels_last memory wherever that is safe."""
    if bf16 == "auto":
        return fastest_format(network, images)
    return Format(bf16, channels_last_is_safe(network, images.device)), {}


def fastest_format(network: nn.Module, images: Tensor, *, repeats: int = 3) -> tuple[Format, dict[str, float]]:
    """Time a forward and backward of copies of `network` on prepared float32 `images` (B, 3, H, W) in each format.

    bfloat16 is only tried where convolutions are faster in it. A small network on a CPU can be slower in it all the
    same (there per-channel PReLU outweighs the convolutions), hence the clock on the network itself.

    Returns:
        The format, and images per second of each by name.
    """
    formats = [
        format for format in _FORMATS if not format.channels_last or channels_last_is_safe(network, images.device)
    ]
    speeds = {}
    for format in formats:
        if not format.bf16 or bf16_is_faster(images.device.type):
            step = _step(copy.deepcopy(network), images, format)
            step()
            speeds[format] = len(images) / min(_seconds(step, images.device) for _ in range(repeats))
    best = formats[0]
    for format, speed in speeds.items():
        if speeds[best] < _GAIN * speed:
            best = format
    return best, {format.name: round(speed, 1) for format, speed in speeds.items()}


def channels_last_is_safe(network: nn.Module, device: torch.device) -> bool:
    """False where the backward of a strided 1x1 convolution with few channels would write past its memory on a CPU.

    oneDNN up to 3.13 at least (https://github.com/uxlfoundation/oneDNN/issues/6035): crashes and wrong gradients below
    16 input channels with AVX-512, below 8 with AVX2.
    """
    return device.type != "cpu" or not any(
        isinstance(part, nn.Conv2d)
        and part.kernel_size == (1, 1)
        and part.stride != (1, 1)
        and part.in_channels // part.groups < _BLOCK
        for part in network.modules()
    )


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
