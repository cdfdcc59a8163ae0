"""The untrained twin: the same architecture, weights that saw nothing. A control that can only refute."""

import copy
from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mint_lightning.audited.architectures import Built, build
from mint_lightning.audited.network import AuditedNetwork
from mint_lightning.audited.rng import seeded
from mint_lightning.errors import UserError

_METHODS = ("reset_parameters", "_reset_parameters", "init_weights")


def untrained_twin(network: AuditedNetwork, seed: int) -> AuditedNetwork:
    """A deep copy of the network with all weights drawn anew from `seed`; follow it with `adapt_batchnorm`.

    Every module's own `reset_parameters` (torch's layers, timm's, our IResNet) is run, inner modules first; torch's
    attention has `_reset_parameters`, timm's transformers `init_weights`. It does not reach buffers other than
    BatchNorm's statistics, nor values that are no tensors. Weights get the layers' own initialisation where the
    network has none for the whole, which may differ in scale from what its authors began with. The original network
    and torch's global random state stay as they are. A network with `twin`, as an ONNX file needs it, gets that
    architecture instead.

    Raises:
        UserError: a parameter is drawn by no such method, so that its trained value would remain.
    """
    if network.twin is not None:
        built = _declared(network, seed)
        module, taps = built.module, built.taps
    else:
        module, taps = copy.deepcopy(network.module), network.taps
        with seeded(seed), torch.no_grad():
            _reset(module, network.name)
    return AuditedNetwork(
        module,
        taps=taps,
        preprocessing=network.preprocessing,
        name=f"{network.name}, untrained twin {seed}",
        bf16=network.bf16,
        layout=network.layout,
        aad_dtype=network.aad_dtype,
        access=network.access,
        batch=network.batch,
        compile=network.compile_with,
    )


def _declared(network: AuditedNetwork, seed: int) -> Built:
    """The architecture that the user says the network has, at random weights."""
    given = network.twin or {}
    if not set(given) <= {"architecture", "arguments", "taps"} or "architecture" not in given:
        raise UserError(f"twin is {given}; give {{architecture: NAME, arguments: {{...}}, taps: {{...}}}}.")
    built = build(str(given["architecture"]), given.get("arguments") or {}, seed)
    if taps := given.get("taps"):
        built = replace(built, taps=dict(taps))
    missing = [name for name in network.taps if name not in built.taps]
    if missing:
        raise UserError(
            f"The twin {given['architecture']} of {network.name!r} has no tap {missing[0]!r}; it has "
            f"{', '.join(built.taps)}: say in twin.taps which of its modules is that tap, or leave the tap out."
        )
    return built


@torch.no_grad()
def adapt_batchnorm(twin: AuditedNetwork, batches: Iterable[Tensor]) -> int:
    """Replace BatchNorm statistics by those of the given images, averaged over batches; then they are frozen.

    Without it the activations of random weights grow or vanish with depth. Changes `twin`, so give it no network
    that is under audit.

    Args:
        twin: The network to adapt.
        batches: uint8 RGB (B, 3, H, W), B of at least 2, on the twin's device; each batch counts equally.

    Returns:
        Number of images seen.

    Raises:
        UserError: there were no batches, or one holds a single image.
    """
    layers = [layer for layer in twin.module.modules() if isinstance(layer, _BatchNorm)]
    momenta = [layer.momentum for layer in layers]
    images = 0
    try:
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # cumulative average
            layer.training = True
        for batch in batches:
            if len(batch) < 2:
                raise UserError("BatchNorm statistics need batches of at least 2 images.")
            twin.run(batch)
            images += len(batch)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
            layer.training = False
    if images == 0:
        raise UserError("BatchNorm statistics need at least one batch of images.")
    return images


def _reset(module: nn.Module, name: str) -> None:
    # Whatever is still NaN at the end was drawn anew by nobody and would have remained a trained value.
    for parameter in module.parameters():
        parameter.fill_(torch.nan)
    # Children before parents, as in Module.apply: what a whole network does to its parts has the last word.
    for path, part in reversed(list(module.named_modules())):
        method = next((getattr(part, each) for each in _METHODS if callable(getattr(part, each, None))), None)
        try:
            if method is not None:
                method()
        except Exception as error:  # a user's method may want arguments, or anything else
            where = f"{path or 'the whole'} ({type(part).__name__})"
            raise UserError(
                f"Network {name!r} can have no untrained twin: resetting {where} failed: {error}."
            ) from error
    left = [path for path, parameter in module.named_parameters() if parameter.isnan().any()]
    if left:
        raise UserError(
            f"Network {name!r} can have no untrained twin: {len(left)} of its parameters ({left[0]}, for one) "
            "belong to modules without a reset_parameters() that draws them."
        )
