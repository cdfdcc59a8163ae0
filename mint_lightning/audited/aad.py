"""Auxiliary auditable data: what is kept of an activation.

A request is a tap's name, with a colon and the reduction where it is not the usual one: `conv4` (channel maxima),
`conv4:mean_std`, `conv4:map`.
"""

from collections.abc import Sequence
from typing import Final, Literal, get_args

import torch
from torch import Tensor

from mint_lightning.errors import UserError

Reduction = Literal["max", "mean_std", "map", "batchnorm"]
"""What is kept of an activation; "batchnorm" of a layer's input, and not by request but for the tap `batchnorm`."""
Layout = Literal["NCHW", "NHWC"]
Rounding = Literal["usual", "float32", "float16", "bfloat16"]
"""The type AAD is kept in: "usual" is float32 for vectors and float16 for maps, which are large."""
_HALF_MAX: Final = torch.finfo(torch.float16).max
REDUCTIONS: Final[tuple[Reduction, ...]] = ("max", "mean_std", "map")
ROUNDINGS: Final[tuple[Rounding, ...]] = get_args(Rounding)
_DTYPES: Final = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def parse_tap(spec: str) -> tuple[str, Reduction]:
    """`"conv4:mean_std"` to `("conv4", "mean_std")`; without a colon the reduction is `max`."""
    name, colon, reduction = spec.partition(":")
    if not colon:
        return name, "max"
    if reduction not in REDUCTIONS:
        raise UserError(f"Tap request {spec!r}: unknown reduction {reduction!r}; known are {', '.join(REDUCTIONS)}.")
    return name, reduction


def kept_dtype(shape: Sequence[int], rounding: Rounding) -> torch.dtype:
    """The type that AAD of one sample's `shape`, (C,), (C, N) or (C, H, W), is kept in, in memory and on disk."""
    if rounding == "usual":
        return torch.float32 if len(shape) == 1 else torch.float16
    return _DTYPES[rounding]


def rounded(aad: Tensor, dtype: torch.dtype) -> Tensor:
    """`aad` (B, ...) as contiguous float32 whose every value is one of `dtype`; float16 ends at its largest value."""
    aad = aad.float()
    if dtype == torch.float16:  # an activation beyond it would become infinite
        aad = aad.clamp(-_HALF_MAX, _HALF_MAX)
    if dtype != torch.float32:
        aad = aad.to(dtype)
    return aad.to(torch.float32, memory_format=torch.contiguous_format)


def reduce(activation: Tensor, reduction: Reduction, layout: Layout = "NCHW", rounding: Rounding = "usual") -> Tensor:
    """Reduce one activation to contiguous float32 that shares no memory with it.

    It is rounded here to the type in which it may later be kept, so that a head sees the same numbers whether it
    streams, learns from memory or reads what was stored.

    Args:
        activation: (B, C, H, W), or (B, H, W, C) where `layout` says so; tokens (B, N, C); or a vector (B, C).
        reduction: `max`: the largest value of each channel (B, C), the vector of Vanilla MINT (2402.09225), a vector
            as it is. `mean_std`: the channels' means, then their standard deviations over the sites, (B, 2C).
            `map`: (B, C, H, W), or (B, C, N) of tokens.
        layout: Where the channels of a four-dimensional activation stand.
        rounding: The type to round to; see `kept_dtype`.

    Raises:
        UserError: a vector is asked for its map or spread, or the activation has another number of dimensions.
    """
    if activation.ndim == 2:
        if reduction != "max":
            raise UserError(f"it gives a vector, which has no {reduction}; ask for it without ':{reduction}'.")
        found = activation.to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    else:
        found = _reduced(_channels_first(activation, layout), reduction)
    return rounded(found, kept_dtype(found.shape[1:], rounding))


def _channels_first(activation: Tensor, layout: Layout) -> Tensor:
    if activation.ndim == 4:
        return activation.permute(0, 3, 1, 2) if layout == "NHWC" else activation
    if activation.ndim == 3:
        return activation.transpose(1, 2)
    shape = tuple(activation.shape)
    raise UserError(f"it gives a tensor of shape {shape}; only maps (B, C, H, W), tokens and vectors are known.")


def _reduced(maps: Tensor, reduction: Reduction) -> Tensor:
    """Of (B, C, ...) in whatever type and memory."""
    if reduction == "map":
        return maps.to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    sites = tuple(range(2, maps.ndim))
    if reduction == "max":
        return maps.amax(dim=sites)
    # Moments in float32: summing bfloat16 sites would lose what the spread is asked for.
    std, mean = torch.std_mean(maps.float(), dim=sites, correction=0)
    return torch.cat([mean, std], dim=1)
