"""Number formats the processor is fast in: detected, never assumed."""

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Literal

import torch

BF16 = bool | Literal["auto"]


@cache
def native_bf16(device_type: str) -> bool:
    """Whether a device ("cpu", "cuda") computes in bfloat16 itself; emulated, it is slower than float32."""
    if device_type == "cpu":
        return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))
    if device_type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return False


def autocast(device_type: str, bf16: bool) -> AbstractContextManager[object]:
    """bfloat16 autocast or none, whatever autocast (a trainer's, say) is on outside: AAD must not depend on it."""
    if not torch.amp.is_autocast_available(device_type):  # the meta device, for one
        return nullcontext()
    return torch.autocast(device_type, torch.bfloat16, enabled=bf16)
