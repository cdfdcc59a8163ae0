"""From the words of a tap request to modules of a network, or one sentence that says what there is."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Literal

from torch import nn

from mint_lightning.audited.aad import Reduction, parse_tap
from mint_lightning.audited.batchnorm import BATCHNORM, layers
from mint_lightning.audited.taps import module_at
from mint_lightning.errors import UserError

Access = Literal["activations", "outcome"]


def places(
    module: nn.Module, taps: Mapping[str, str], spec: str, network: str, access: Access
) -> list[tuple[str, Reduction]]:
    """Modules and reductions that a request is made of: one, or every BatchNorm layer.

    Args:
        module: the network; taps: its named ones, the outcome last.
        spec: `NAME`, `NAME:mean_std` or `NAME:map`; NAME is a tap or the path of any module; or `batchnorm`.
        network: what people call it, for errors.
        access: "outcome": nothing but the last tap may be read.

    Raises:
        UserError: there is no such module, or it may not be read.
    """
    name, reduction = parse_tap(spec)
    every_batchnorm = spec == BATCHNORM and BATCHNORM not in taps
    outcome = list(taps)[-1]
    if access == "outcome" and (every_batchnorm or taps.get(name, name) != taps[outcome]):
        raise UserError(
            f"Network {network!r} gives its outcome alone (access: outcome), so {name!r} cannot be read: a row reads "
            f"[{outcome}]."
        )
    if not every_batchnorm:
        return [(path_of(module, taps, name, network), reduction)]
    found = layers(module)
    if not found:
        raise UserError(f"Network {network!r} has no BatchNorm layer with statistics: leave out {BATCHNORM!r}.")
    return [(path, "batchnorm") for path in found]


def path_of(module: nn.Module, taps: Mapping[str, str], name: str, network: str) -> str:
    """The path of a tap or module by name; `UserError` where there is none, with the nearest."""
    path = taps.get(name, name)
    try:
        module_at(module, path)
    except AttributeError:
        pass
    else:
        if path or name in taps:
            return path
    modules = [known for known, _ in module.named_modules() if known and known not in taps]
    near = get_close_matches(path, modules, n=3, cutoff=0.4) or modules[:3]
    example = f"such as {', '.join(near)}" if near else "of which it has none"
    if name in taps:
        raise UserError(
            f"Network {network!r} has no module {path!r} for its tap {name!r}; give a module's path, {example}."
        )
    raise UserError(
        f"Network {network!r} has no tap {name!r}; known are {', '.join(taps)}, and the path of any module, {example}."
    )
