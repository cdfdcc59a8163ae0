"""AdaFace's networks (Kim et al., CVPR 2022, arXiv 2204.00964): the body of InsightFace's, under other names, on BGR.

Layers carry the names of github.com/mk-minchul/AdaFace, so that its checkpoints load; the code is ours. Where a block
keeps its width, the shortcut takes every second place rather than a convolution.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from torch import Tensor, nn

from mint_lightning.audited.preprocessing import Preprocessing
from mint_lightning.errors import UserError

ADAFACE_PREPROCESSING: Final = Preprocessing(channels="BGR")
_WIDTHS: Final = (64, 128, 256, 512)
_BODY, _HEAD = "model.", "head."


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.shortcut_layer: nn.Module = nn.MaxPool2d(1, stride)
        if inputs != outputs:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.res_layer(x) + self.shortcut_layer(x)


class AdaFaceIR(nn.Module):
    """Takes float32 (B, 3, 112, 112) BGR, (x - 127.5) / 127.5; gives the embedding (B, 512) before it is normalised.

    Args:
        blocks: number of blocks in each of the four stages.
        image_size: side of the square input.
    """

    def __init__(self, blocks: Sequence[int], image_size: int = 112) -> None:
        super().__init__()
        if image_size % 16:
            raise UserError(f"AdaFace's image_size must be a multiple of 16, not {image_size}.")
        self.input_layer = nn.Sequential(nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64))
        body: list[nn.Module] = []
        inputs = _WIDTHS[0]
        for width, number in zip(_WIDTHS, blocks, strict=True):
            body += [_Block(inputs, width, 2), *(_Block(width, width, 1) for _ in range(number - 1))]
            inputs = width
        self.body = nn.Sequential(*body)
        side = image_size // 16
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(512),
            nn.Dropout(0.4),
            nn.Flatten(),
            nn.Linear(512 * side * side, 512),
            nn.BatchNorm1d(512, affine=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.output_layer(self.body(self.input_layer(x)))


def adaface_taps(blocks: Sequence[int]) -> dict[str, str]:
    """The last block of each stage, and the embedding."""
    ends = [sum(blocks[: stage + 1]) - 1 for stage in range(len(blocks))]
    return {f"conv{stage}": f"body.{end}" for stage, end in enumerate(ends, 1)} | {"outcome": "output_layer"}


def adaface_keys(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of a training checkpoint (`model.` and `head.` before the names) the network's own weights."""
    if not any(name.startswith(_BODY) for name in state):
        return dict(state)
    return {name.removeprefix(_BODY): value for name, value in state.items() if not name.startswith(_HEAD)}


ADAFACE_BLOCKS: Final = {
    "adaface18": (2, 2, 2, 2),
    "adaface50": (3, 4, 14, 3),
    "adaface101": (3, 13, 30, 3),
}


def adaface18(image_size: int = 112) -> AdaFaceIR:
    """AdaFace IR-18."""
    return AdaFaceIR(ADAFACE_BLOCKS["adaface18"], image_size)


def adaface50(image_size: int = 112) -> AdaFaceIR:
    """AdaFace IR-50."""
    return AdaFaceIR(ADAFACE_BLOCKS["adaface50"], image_size)


def adaface101(image_size: int = 112) -> AdaFaceIR:
    """AdaFace IR-101."""
    return AdaFaceIR(ADAFACE_BLOCKS["adaface101"], image_size)
