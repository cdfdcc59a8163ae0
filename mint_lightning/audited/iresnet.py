"""IResNet, the residual network that most published face recognisers are.

The architecture is that of Duta et al., "Improved Residual Networks" (2004.04989), as InsightFace's `arcface_torch`
uses it for ArcFace and CosFace on aligned 112x112 faces. Layers carry the names of that project, so that its
published state dicts load unchanged; the code is ours.
"""

from collections.abc import Sequence
from typing import Final

from torch import Tensor, nn

from mint_lightning.errors import UserError

# The papers' "final convolutional layer of each block" is read as the block's output after the sum.
IRESNET_TAPS: Final = {
    "conv1": "layer1",
    "conv2": "layer2",
    "conv3": "layer3",
    "conv4": "layer4",
    "outcome": "features",
}
_STAGES: Final = 4


def _conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)


class IBasicBlock(nn.Module):
    """bn1, conv1, bn2, prelu, conv2 (which carries the stride), bn3, plus the identity; nothing after the sum."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = _conv3x3(inputs, outputs)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.prelu = nn.PReLU(outputs)
        self.conv2 = _conv3x3(outputs, outputs, stride)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        x = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        return self.bn3(self.conv2(x)) + identity


class IResNet(nn.Module):
    """Four stages of `IBasicBlock`, each halving the sides, then BatchNorm, dropout, a linear layer and BatchNorm1d.

    Takes float32 (B, 3, image_size, image_size), normalised (InsightFace: RGB, (x - 127.5) / 127.5); gives the
    embedding (B, embedding), not normalised to length one. At 112 pixels the stages give sides 56, 28, 14, 7.

    Args:
        blocks: Number of blocks in each of the four stages.
        widths: Channels of each stage; the stem has those of the first.
        embedding: Length of the embedding.
        image_size: Side of the square input in pixels; it decides the size of `fc`.
        dropout: Share of values dropped before `fc` while training.
        stem_stride: Of the first convolution; 1 in every published network. 2 or 4 makes all that follows 4 or 16
            times cheaper.
    """

    def __init__(
        self,
        blocks: Sequence[int],
        widths: Sequence[int] = (64, 128, 256, 512),
        embedding: int = 512,
        image_size: int = 112,
        dropout: float = 0.0,
        stem_stride: int = 1,
    ) -> None:
        super().__init__()
        for name, values in (("blocks", blocks), ("widths", widths)):
            if len(values) != _STAGES or min(values) < 1:
                raise UserError(f"IResNet's {name} must be four positive numbers, one for each stage, not {values!r}.")
        if stem_stride < 1:
            raise UserError(f"IResNet's stem_stride must be at least 1, not {stem_stride}.")
        self.conv1 = _conv3x3(3, widths[0], stem_stride)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.prelu = nn.PReLU(widths[0])
        self.layer1 = self._stage(blocks[0], widths[0], widths[0])
        self.layer2 = self._stage(blocks[1], widths[0], widths[1])
        self.layer3 = self._stage(blocks[2], widths[1], widths[2])
        self.layer4 = self._stage(blocks[3], widths[2], widths[3])
        self.bn2 = nn.BatchNorm2d(widths[3])
        self.dropout = nn.Dropout(dropout)
        side = (image_size + stem_stride - 1) // stem_stride
        for _ in range(_STAGES):
            side = (side + 1) // 2
        self.fc = nn.Linear(widths[3] * side * side, embedding)
        self.features = nn.BatchNorm1d(embedding)
        # A learnt scale would let one component of the embedding outweigh the others: the original freezes it at 1.
        self.features.weight.requires_grad_(False)
        self.reset_parameters()

    @staticmethod
    def _stage(blocks: int, inputs: int, outputs: int) -> nn.Sequential:
        first = IBasicBlock(inputs, outputs, stride=2)
        return nn.Sequential(first, *(IBasicBlock(outputs, outputs) for _ in range(blocks - 1)))

    def reset_parameters(self) -> None:
        """Draw all weights anew, as `arcface_torch` does: convolutions from N(0, 0.1), the rest as torch does."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0.0, 0.1)
            elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.Linear):
                module.reset_parameters()
            elif isinstance(module, nn.PReLU):
                nn.init.constant_(module.weight, module.init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.features(self.fc(self.dropout(self.bn2(x).flatten(1))))


def iresnet18(embedding: int = 512, image_size: int = 112, dropout: float = 0.0) -> IResNet:
    """IResNet-18: blocks 2, 2, 2, 2."""
    return IResNet((2, 2, 2, 2), embedding=embedding, image_size=image_size, dropout=dropout)


def iresnet34(embedding: int = 512, image_size: int = 112, dropout: float = 0.0) -> IResNet:
    """IResNet-34: blocks 3, 4, 6, 3."""
    return IResNet((3, 4, 6, 3), embedding=embedding, image_size=image_size, dropout=dropout)


def iresnet50(embedding: int = 512, image_size: int = 112, dropout: float = 0.0) -> IResNet:
    """IResNet-50: blocks 3, 4, 14, 3."""
    return IResNet((3, 4, 14, 3), embedding=embedding, image_size=image_size, dropout=dropout)


def iresnet100(embedding: int = 512, image_size: int = 112, dropout: float = 0.0) -> IResNet:
    """IResNet-100: blocks 3, 13, 30, 3; the network of the MINT papers."""
    return IResNet((3, 13, 30, 3), embedding=embedding, image_size=image_size, dropout=dropout)


def iresnet200(embedding: int = 512, image_size: int = 112, dropout: float = 0.0) -> IResNet:
    """IResNet-200: blocks 6, 26, 60, 6."""
    return IResNet((6, 26, 60, 6), embedding=embedding, image_size=image_size, dropout=dropout)


def iresnet_small(
    widths: Sequence[int] = (16, 32, 64, 128),
    blocks: Sequence[int] = (1, 1, 1, 1),
    embedding: int = 128,
    image_size: int = 112,
    dropout: float = 0.0,
    stem_stride: int = 1,
) -> IResNet:
    """The same network small enough to be trained on two processor cores in minutes: one block to a stage."""
    return IResNet(blocks, widths, embedding, image_size, dropout, stem_stride)
