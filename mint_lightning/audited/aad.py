"""Auxiliary auditable data: what is kept of an activation.

A request is a tap's name, with a colon and the reduction where it is not the usual one: `conv4` (channel maxima),
`conv4:mean_std`, `conv4:map`.
"""

from typing import Final, Literal, get_args

import torch
from torch import Tensor

from mint_lightning.errors import UserError

Reduction = Literal["max", "mean_std", "map"]
Layout = Literal["NCHW", "NHWC"]
_HALF_MAX: Final = torch.finfo(torch.float16).max
REDUCTIONS: Final[tuple[Reduction, ...]] = get_args(Reduction)


def parse_tap(spec: str) -> tuple[str, Reduction]:
    """`"conv4:mean_std"` to `("conv4", "mean_std")`; without a colon the reduction is `max`."""
    name, colon, reduction = spec.partition(":")
    if not colon:
        return name, "max"
    if reduction not in REDUCTIONS:
        raise UserError(f"Tap request {spec!r}: unknown reduction {reduction!r}; known are {', '.join(REDUCTIONS)}.")
    return name, reduction


def reduce(activation: Tensor, reduction: Reduction, layout: Layout = "NCHW") -> Tensor:
    """Reduce one activation to contiguous float32 that shares no memory with it.

    Args:
        activation: (B, C, H, W), or (B, H, W, C) where `layout` says so; tokens (B, N, C); or a vector (B, C).
        reduction: `max`: the largest value of each channel (B, C), the vector of Vanilla MINT (2402.09225), a vector
            as it is. `mean_std`: the channels' means, then their standard deviations over the sites, (B, 2C).
            `map`: (B, C, H, W), or (B, C, N) of tokens, rounded to half precision.
        layout: Where the channels of a four-dimensional activation stand.

    Raises:
        UserError: a vector is asked for its map or spread, or the activation has another number of dimensions.
    """
    if activation.ndim == 2:
        if reduction != "max":
            raise UserError(f"it gives a vector, which has no {reduction}; ask for it without ':{reduction}'.")
        return activation.to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    if activation.ndim == 4:
        channels_first = activation.permute(0, 3, 1, 2) if layout == "NHWC" else activation
    elif activation.ndim == 3:
        channels_first = activation.transpose(1, 2)
    else:
        shape = tuple(activation.shape)
        raise UserError(f"it gives a tensor of shape {shape}; only maps (B, C, H, W), tokens and vectors are known.")
    if reduction == "map":
        # Maps are kept in memory and on disk in half precision. Rounding them here makes a head see the same numbers
        # whether it streams or reads what was kept; the clamp keeps a wild activation from becoming infinite.
        half = channels_first.float().clamp(-_HALF_MAX, _HALF_MAX).half()
        return half.to(torch.float32, memory_format=torch.contiguous_format)
    sites = tuple(range(2, channels_first.ndim))
    if reduction == "max":
        return channels_first.amax(dim=sites).to(torch.float32)
    # Moments in float32: summing bfloat16 sites would lose what the spread is asked for.
    std, mean = torch.std_mean(channels_first.float(), dim=sites, correction=0)
    return torch.cat([mean, std], dim=1)
