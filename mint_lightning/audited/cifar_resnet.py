"""The ResNets of CIFAR-10 (He et al., arXiv 1512.03385, section 4.2), with shortcuts without parameters (option A).

Layers carry the names of github.com/akamaster/pytorch_resnet_cifar10, so that its checkpoints load; the code is ours.
"""

from collections.abc import Callable
from typing import Final

import torch.nn.functional as F
from torch import Tensor, nn

from mint_lightning.audited.preprocessing import Preprocessing
from mint_lightning.errors import UserError

CIFAR_TAPS: Final = {
    "conv1": "layer1",
    "conv2": "layer2",
    "conv3": "layer3",
    "features": "pool",
    "outcome": "linear",
}
CIFAR_PREPROCESSING: Final = Preprocessing(size=(32, 32), mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
DEPTHS: Final = (20, 32, 44, 56, 110)


class _Shortcut(nn.Module):
    """Every second place, and channels of zeros before and behind: option A."""

    def __init__(self, more: int) -> None:
        super().__init__()
        self.each = more // 2

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.each, self.each))


class _BasicBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.shortcut: nn.Module = nn.Identity() if stride == 1 else _Shortcut(outputs - inputs)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return self.relu(inner + self.shortcut(x))


class CIFARResNet(nn.Module):
    """Takes float32 (B, 3, 32, 32), normalised; gives logits (B, classes). depth is 6 n + 2."""

    def __init__(self, depth: int, classes: int = 10) -> None:
        super().__init__()
        blocks, left = divmod(depth - 2, 6)
        if left or blocks < 1:
            raise UserError(
                f"A ResNet of CIFAR has 6 n + 2 layers, such as {', '.join(map(str, DEPTHS))}, not {depth}."
            )
        if classes < 2:
            raise UserError(f"classes is {classes}; a classifier has two or more.")
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _stage(blocks, 16, 16, 1)
        self.layer2 = _stage(blocks, 16, 32, 2)
        self.layer3 = _stage(blocks, 32, 64, 2)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.linear = nn.Linear(64, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        return self.linear(self.pool(self.layer3(self.layer2(self.layer1(x)))))


def _stage(blocks: int, inputs: int, outputs: int, stride: int) -> nn.Sequential:
    first = _BasicBlock(inputs, outputs, stride)
    return nn.Sequential(first, *(_BasicBlock(outputs, outputs, 1) for _ in range(blocks - 1)))


def cifar_resnet(depth: int) -> Callable[..., nn.Module]:
    """The function that builds the network of that depth."""

    def build(classes: int = 10) -> CIFARResNet:
        return CIFARResNet(depth, classes)

    return build
