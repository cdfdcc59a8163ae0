"""Number formats the processor is fast in: measured, never assumed."""

import time
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Final, Literal

import torch
import torch.nn.functional as F

BF16 = bool | Literal["auto"]
_GAIN: Final = 1.2  # below that, rounding is not worth it, and chance would decide
_ROUNDS: Final = 5


@cache
def bf16_is_faster(device_type: str) -> bool:
    """Whether bfloat16 autocast pays on a device ("cpu", "cuda"); decided once for the process.

    CUDA devices are asked. Processors with the instructions are timed on one convolution (a tenth of a second), since
    having them says little: a Xeon with avx512_bf16 and without AMX did 3x3 convolutions at 110 to 170 GFLOP/s a core
    in float32 and at 70 to 100 in bfloat16, where other processors double their rate.
    """
    if device_type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device_type != "cpu":
        return False
    capabilities = torch.cpu.get_capabilities()
    if not (capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16")):
        return False
    seconds = _convolution_seconds()
    return seconds[torch.float32] > _GAIN * seconds[torch.bfloat16]


@torch.no_grad()
def _convolution_seconds() -> dict[torch.dtype, float]:
    best = {torch.float32: float("inf"), torch.bfloat16: float("inf")}
    image, kernel = torch.ones(4, 64, 56, 56), torch.ones(64, 64, 3, 3)
    inputs = {
        dtype: [tensor.to(dtype, memory_format=torch.channels_last) for tensor in (image, kernel)] for dtype in best
    }
    for _ in range(_ROUNDS):  # in turn, so that a busy moment meets both
        for dtype, (images, weight) in inputs.items():
            start = time.perf_counter()
            F.conv2d(images, weight, padding=1)
            best[dtype] = min(best[dtype], time.perf_counter() - start)
    return best


def autocast(device_type: str, bf16: bool) -> AbstractContextManager[object]:
    """bfloat16 autocast or none, whatever autocast (a trainer's, say) is on outside: AAD must not depend on it."""
    if not torch.amp.is_autocast_available(device_type):  # the meta device, for one
        return nullcontext()
    return torch.autocast(device_type, torch.bfloat16, enabled=bf16)
