"""How far an image's statistics lie from those that a network's BatchNorm layers keep of its training.

A layer's running mean is that of its inputs over the training set; images it was trained on lie nearer to it than
others do (Huang et al., arXiv 2401.13719). As AAD it is the tap `batchnorm`: one value for each layer.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

BATCHNORM: Final = "batchnorm"


def layers(module: nn.Module) -> list[str]:
    """Paths of the BatchNorm layers that keep statistics, in the order in which the network names them."""
    return [
        path
        for path, part in module.named_modules()
        if isinstance(part, _BatchNorm) and part.running_mean is not None and part.running_var is not None
    ]


def distance(inputs: Tensor, layer: nn.Module) -> Tensor:
    """(B,) float32: how far each channel's mean over the sites of inputs (B, C, ...) lies from the running mean, in
    running standard deviations, averaged over channels."""
    mean, variance = layer.running_mean, layer.running_var
    assert isinstance(mean, Tensor)
    assert isinstance(variance, Tensor)
    own = inputs.float()
    if own.ndim > 2:
        own = own.flatten(2).mean(dim=2)
    return ((own - mean.float()) * torch.rsqrt(variance.float() + float(layer.eps))).abs().mean(dim=1)  # type: ignore[arg-type]
