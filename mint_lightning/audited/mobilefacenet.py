"""MobileFaceNet (Chen et al., arXiv 1804.07573), in the two forms whose weights are published.

Layers carry the names of the two projects, so that their state dicts load unchanged; the code is ours.
"""

from typing import Final

from torch import Tensor, nn

from mint_lightning.audited.preprocessing import Preprocessing

# Expansion, channels, number and stride of the first of each group of bottlenecks: table 1 of the paper.
_BOTTLENECKS: Final = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))

MS1M_TAPS: Final = {
    "conv1": "dw_conv",
    "conv2": "features.4",
    "conv3": "features.11",
    "conv4": "features.14",
    "outcome": "bn",
}
CASIA_TAPS: Final = {
    "conv1": "dw_conv1",
    "conv2": "blocks.4",
    "conv3": "blocks.11",
    "conv4": "blocks.14",
    "outcome": "linear1",
}
MS1M_PREPROCESSING: Final = Preprocessing(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
CASIA_PREPROCESSING: Final = Preprocessing(size=(112, 96), std=(128.0, 128.0, 128.0), crop=True)


def _conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]


class _DepthwiseSeparable(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, 1, 1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.depthwise(x)))
        return self.relu(self.bn2(self.pointwise(x)))


class _InvertedResidual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.conv = nn.Sequential(
            nn.Sequential(*_conv_bn(inputs, inner, 1), nn.ReLU6()),
            nn.Sequential(*_conv_bn(inner, inner, 3, stride, inner), nn.ReLU6()),
            *_conv_bn(inner, outputs, 1),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


class _GlobalDepthwise(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.depthwise(x))


class MobileFaceNetMS1M(nn.Module):
    """The form of github.com/foamliu/MobileFaceNet: ReLU and ReLU6 in place of the paper's PReLU.

    Takes float32 (B, 3, 112, 112) RGB with ImageNet's mean and deviation; gives the embedding (B, 128).
    """

    def __init__(self, embedding: int = 128) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(*_conv_bn(3, 64, 3, 2), nn.ReLU6())
        self.dw_conv = _DepthwiseSeparable(64, 64)
        blocks: list[nn.Module] = []
        channels = 64
        for expansion, width, number, first in _BOTTLENECKS:
            for place in range(number):
                blocks.append(_InvertedResidual(channels, width, first if place == 0 else 1, expansion))
                channels = width
        self.features = nn.Sequential(*blocks)
        self.conv2 = nn.Sequential(*_conv_bn(128, 512, 1), nn.ReLU6())
        self.gdconv = _GlobalDepthwise(512)
        self.conv3 = nn.Conv2d(512, embedding, 1)
        self.bn = nn.BatchNorm1d(embedding)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2(self.features(self.dw_conv(self.conv1(x))))
        return self.bn(self.conv3(self.gdconv(x)).flatten(1))


class _Block(nn.Module):
    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int = 0,
        *,
        groups: int = 1,
        linear: bool = False,
        flat: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.prelu = None if linear else nn.PReLU(outputs)
        self.flat = flat

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(self.conv(x))
        x = x if self.prelu is None else self.prelu(x)
        return x.flatten(1) if self.flat else x


class _Bottleneck(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.conv = nn.Sequential(
            *_conv_bn(inputs, inner, 1),
            nn.PReLU(inner),
            *_conv_bn(inner, inner, 3, stride, inner),
            nn.PReLU(inner),
            *_conv_bn(inner, outputs, 1),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileFaceNetCASIA(nn.Module):
    """The form of github.com/Xiaoccer/MobileFaceNet_Pytorch, as in the paper but for a last linear layer.

    Takes float32 (B, 3, 112, 96) RGB, (x - 127.5) / 128, the middle columns of the 112x112 alignment; gives the
    embedding (B, 128).
    """

    def __init__(self, embedding: int = 128) -> None:
        super().__init__()
        self.conv1 = _Block(3, 64, 3, 2, 1)
        self.dw_conv1 = _Block(64, 64, 3, 1, 1, groups=64)
        blocks: list[nn.Module] = []
        channels = 64
        for expansion, width, number, first in _BOTTLENECKS:
            for place in range(number):
                blocks.append(_Bottleneck(channels, width, first if place == 0 else 1, expansion))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.conv2 = _Block(128, 512, 1)
        self.linear7 = _Block(512, 512, (7, 6), groups=512, linear=True)
        self.linear1 = _Block(512, embedding, 1, linear=True, flat=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear1(self.linear7(self.conv2(self.blocks(self.dw_conv1(self.conv1(x))))))


def mobilefacenet(embedding: int = 128) -> MobileFaceNetMS1M:
    """MobileFaceNet with ReLU, as trained on MS-Celeb-1M by foamliu."""
    return MobileFaceNetMS1M(embedding)


def mobilefacenet_casia(embedding: int = 128) -> MobileFaceNetCASIA:
    """MobileFaceNet with PReLU on 112x96, as trained on CASIA-WebFace by Xiaoccer."""
    return MobileFaceNetCASIA(embedding)
