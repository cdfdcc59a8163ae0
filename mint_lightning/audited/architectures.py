"""Networks by name: the project's own, any of timm, any function of the user."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

from torch import nn

from mint_lightning.audited.aad import Layout
from mint_lightning.audited.iresnet import (
    IRESNET_TAPS,
    iresnet18,
    iresnet34,
    iresnet50,
    iresnet100,
    iresnet200,
    iresnet_small,
)
from mint_lightning.audited.preprocessing import Preprocessing
from mint_lightning.audited.rng import seeded
from mint_lightning.errors import UserError

OWN: Final[dict[str, Callable[..., nn.Module]]] = {
    build.__name__: build for build in (iresnet18, iresnet34, iresnet50, iresnet100, iresnet200, iresnet_small)
}
_OUTPUT: Final = {"outcome": ""}


@dataclass(frozen=True)
class Built:
    """A network with random weights, and what goes with its architecture unless the user says otherwise."""

    module: nn.Module
    taps: dict[str, str] = field(default_factory=lambda: dict(_OUTPUT))
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    layout: Layout = "NCHW"


def build(architecture: str, arguments: Mapping[str, Any], seed: int = 0) -> Built:
    """Build a network, its weights drawn from `seed`; torch's global random state stays as it was.

    Args:
        architecture: A name of `OWN`; `timm:NAME`, never downloading; or `package.module:function`, which is the
            user's own code and is run.
        arguments: Given to the architecture's function by name.
        seed: Of the random weights.

    Raises:
        UserError: no such architecture (the nearest names are listed), or it cannot be built from these arguments.
    """
    with seeded(seed):
        if architecture in OWN:
            return _build_own(architecture, arguments)
        if architecture.startswith("timm:"):
            return _build_timm(architecture.removeprefix("timm:"), arguments)
        if ":" in architecture:
            return Built(_build_function(architecture, arguments))
    near = get_close_matches(architecture, OWN, n=1)
    question = f" (did you mean {near[0]}?)" if near else ""
    raise UserError(
        f"Unknown architecture {architecture!r}{question}: known are {', '.join(OWN)}, timm:NAME for any model of timm "
        "and package.module:function for your own."
    )


def _build_own(name: str, arguments: Mapping[str, Any]) -> Built:
    module = _call(OWN[name], name, arguments)
    size = arguments.get("image_size", 112)
    return Built(module, dict(IRESNET_TAPS), Preprocessing(size=(size, size)))


def _build_timm(name: str, arguments: Mapping[str, Any]) -> Built:
    import timm  # five seconds, which networks of our own should not cost

    if not timm.is_model(name):
        near = get_close_matches(name, timm.list_models(), n=3)
        question = f"; the nearest are {', '.join(near)}" if near else ""
        raise UserError(f"timm has no model {name!r}{question}.")
    try:
        module = timm.create_model(name, pretrained=False, **arguments)
    except Exception as error:  # what a model raises on a wrong argument is its own affair
        raise UserError(f"timm cannot build {name!r} with the arguments {dict(arguments)}: {error}") from error
    config = module.pretrained_cfg
    size = arguments.get("img_size", config["input_size"][1:])
    preprocessing = Preprocessing(
        size=(size, size) if isinstance(size, int) else tuple(size),
        mean=_on_255(config["mean"]),
        std=_on_255(config["std"]),
    )
    layout: Layout = "NHWC" if str(getattr(module, "output_fmt", "NCHW")) == "NHWC" else "NCHW"
    return Built(module, _timm_taps(module), preprocessing, layout)


def _timm_taps(module: nn.Module) -> dict[str, str]:
    modules = dict(module.named_modules())
    stages = [stage["module"] for stage in getattr(module, "feature_info", []) if stage["module"] in modules]
    return {f"conv{number}": path for number, path in enumerate(stages, start=1)} | _OUTPUT


def _on_255(values: tuple[float, ...]) -> tuple[float, float, float]:
    red, green, blue = (255 * value for value in values)
    return red, green, blue


def _build_function(architecture: str, arguments: Mapping[str, Any]) -> nn.Module:
    package, _, function = architecture.partition(":")
    try:
        source = importlib.import_module(package)
    except Exception as error:  # the user's module may fail in any way while it is imported
        raise UserError(f"{architecture}: importing {package!r} failed ({type(error).__name__}: {error}).") from error
    if not callable(make := getattr(source, function, None)):
        names = [name for name, value in vars(source).items() if callable(value) and not name.startswith("_")]
        near = get_close_matches(function, names, n=3)
        question = f"; the nearest are {', '.join(near)}" if near else ""
        raise UserError(f"{architecture}: the module {package!r} has no function {function!r}{question}.")
    return _call(make, architecture, arguments)


def _call(make: Callable[..., Any], name: str, arguments: Mapping[str, Any]) -> nn.Module:
    signature = inspect.signature(make)
    try:
        signature.bind(**arguments)
    except TypeError as error:
        known = ", ".join(signature.parameters) or "none"
        raise UserError(
            f"{name} cannot be built with the arguments {dict(arguments)}: {error}; it takes {known}."
        ) from error
    try:
        module = make(**arguments)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{name} failed with the arguments {dict(arguments)} ({type(error).__name__}: {error})."
        ) from error
    if not isinstance(module, nn.Module):
        raise UserError(f"{name} gave a {type(module).__name__}; a torch.nn.Module is needed.")
    return module
