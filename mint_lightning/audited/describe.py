"""One dry run that finds out what can be tapped and what it costs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mint_lightning.audited.aad import Layout
from mint_lightning.audited.taps import module_at, tensor_of
from mint_lightning.errors import UserError


@dataclass(frozen=True)
class TapInfo:
    """One place where an activation can be read.

    Args:
        name: Name of the tap; the module's path where it has no other.
        module: Dotted path of the module, empty for the network itself.
        channels: Number of channels, or length of a vector.
        height: Height of the map; number of tokens; None for a vector.
        width: Width of the map; None for tokens and vectors.
        share: Multiply-adds up to and with this module, of those of the whole forward: the cost of an early exit.
    """

    name: str
    module: str
    channels: int
    height: int | None
    width: int | None
    share: float


@dataclass(frozen=True)
class _Firing:
    count: int
    shape: tuple[int, ...]  # without the batch; empty where the output is no tensor
    multiply_adds: int


def describe_taps(
    module: nn.Module, forward: Callable[[], Any], taps: Mapping[str, str] | None, layout: Layout
) -> list[TapInfo]:
    """Run a forward of `module` on one image and describe its taps.

    Args:
        module: The network.
        forward: Runs it, batch of one.
        taps: Module paths by tap name; None for every module that can be tapped, in the order they run.
        layout: Where the channels stand in maps.

    Multiply-adds are those of convolutions and matrix products, as `torch.utils.flop_counter` counts them.
    """
    firings, total = _dry_run(module, forward)
    if callable(known := getattr(module, "multiply_adds", None)):  # of a graph that torch does not run
        costs = known()
        firings = {path: replace(fired, multiply_adds=costs.get(path, 0)) for path, fired in firings.items()}
        total = costs[""]
    if taps is None:
        taps = {
            path: path for path, fired in firings.items() if path and fired.count == 1 and 1 <= len(fired.shape) <= 3
        }
    paths = {part: path for path, part in module.named_modules(remove_duplicate=False)}
    real = {name: paths[module_at(module, path)] for name, path in taps.items()}
    return [_info(name, taps[name], firings[path], total, layout) for name, path in real.items()]


def _info(name: str, path: str, fired: _Firing, total: int, layout: Layout) -> TapInfo:
    shape = list(fired.shape)
    channels_at_end = len(shape) == 2 or (len(shape) == 3 and layout == "NHWC")
    channels = shape.pop(-1 if channels_at_end else 0)
    height, width, *_ = [*shape, None, None]
    return TapInfo(name, path, channels, height, width, fired.multiply_adds / total if total else 0.0)


def _dry_run(module: nn.Module, forward: Callable[[], Any]) -> tuple[dict[str, _Firing], int]:
    firings: dict[str, _Firing] = {}
    counter = FlopCounterMode(display=False)

    def hook_of(path: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            try:
                shape = tuple(tensor_of(output, path).shape[1:])
            except UserError:
                shape = ()
            count = firings[path].count + 1 if path in firings else 1
            firings[path] = _Firing(count, shape, counter.get_total_flops() // 2)

        return hook

    handles = [part.register_forward_hook(hook_of(path)) for path, part in module.named_modules(remove_duplicate=False)]
    try:
        with torch.no_grad(), counter:
            forward()
    finally:
        for handle in handles:
            handle.remove()
    return firings, counter.get_total_flops() // 2
