"""Networks by name: the project's own, any of timm, any function of the user."""

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from mint_lightning.audited.aad import Layout
from mint_lightning.audited.preprocessing import Preprocessing
from mint_lightning.audited.registry import OWN, KeyChange
from mint_lightning.audited.rng import seeded
from mint_lightning.errors import UserError

_OUTPUT: Final = {"outcome": ""}


@dataclass(frozen=True)
class Built:
    """A network with random weights, and what goes with its architecture unless the user says otherwise."""

    module: nn.Module
    taps: dict[str, str] = field(default_factory=lambda: dict(_OUTPUT))
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    layout: Layout = "NCHW"
    keys: KeyChange | None = None
    whole: bool = False
    """Whether the weights are in it already."""


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
    if Path(architecture).is_file():
        raise UserError(
            f"{architecture} is a file and names no architecture: say which, and give the file as its weights. A "
            "whole graph is taken as ONNX; archives of TorchScript and torch.export could run code when loaded."
        )
    near = get_close_matches(architecture, OWN, n=1)
    question = f" (did you mean {near[0]}?)" if near else ""
    raise UserError(
        f"Unknown architecture {architecture!r}{question}: known are {', '.join(OWN)}, timm:NAME for any model of timm "
        "and package.module:function for your own."
    )


def _build_own(name: str, arguments: Mapping[str, Any]) -> Built:
    known = OWN[name]
    module = _call(known.build, name, arguments)
    return Built(module, dict(known.taps), known.sized(arguments), keys=known.keys)


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
    taps = {f"conv{number}": path for number, path in enumerate(stages, start=1)}
    features = _features(module)
    return taps | ({"features": features} if features is not None else {}) | _OUTPUT


def _features(module: nn.Module) -> str | None:
    """The module that gives the classifier its input, the last one where that is handed on; None where none does."""
    names = _config(module).get("classifier")
    classifier = dict(module.named_modules()).get(names if isinstance(names, str) else "")
    if not names or classifier is None or isinstance(classifier, nn.Identity):
        return None
    given: list[Tensor] = []
    outputs: dict[str, Tensor] = {}

    def note(path: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                outputs[path] = output

        return hook

    hooks = [part.register_forward_hook(note(path)) for path, part in module.named_modules() if path]
    hooks.append(classifier.register_forward_pre_hook(lambda _module, inputs: given.append(inputs[0])))
    training = module.training
    try:
        with torch.no_grad():
            module.eval()(torch.zeros(1, *_input_size(module)))
    except Exception:  # what a model raises on a plain image is its own affair: it then has no such tap
        return None
    finally:
        module.train(training)
        for hook in hooks:
            hook.remove()
    same = [path for path, output in outputs.items() if given and _same(output, given[0])]
    return same[-1] if same else None


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.data_ptr() == other.data_ptr()


def _input_size(module: nn.Module) -> tuple[int, ...]:
    size = getattr(getattr(module, "patch_embed", None), "img_size", None)
    return (3, *size) if size else tuple(_config(module)["input_size"])


def _config(module: nn.Module) -> dict[str, Any]:
    config: Any = module.default_cfg  # a dict, which nn.Module's annotations cannot know
    return dict(config)


def _on_255(values: tuple[float, ...]) -> tuple[float, float, float]:
    red, green, blue = (255 * value for value in values)
    return red, green, blue


def _build_function(architecture: str, arguments: Mapping[str, Any]) -> nn.Module:
    package, _, function = architecture.partition(":")
    if (here := str(Path.cwd())) not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)  # `python -m` puts it there; the installed command does not
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
