"""The classifier of the object-classification paper on MINT: six convolutions in three blocks, and two dense layers.

The paper says: 3x3 convolutions of 32, 32, 64, 64, 128 and 128 filters, BatchNorm and ReLU, max-pooling and dropout
after each block of two, a dense layer of 128 (its layer 7, the best to audit) and softmax. It leaves the shares of
dropout open; .2, .3 and .4 are usual for this network.
"""

from collections.abc import Sequence
from typing import Final

from torch import Tensor, nn

from mint_lightning.audited.preprocessing import Preprocessing
from mint_lightning.errors import UserError

SIX_CONV_TAPS: Final = {f"layer{number}": f"layer{number}" for number in range(1, 8)} | {"outcome": "layer8"}
SIX_CONV_PREPROCESSING: Final = Preprocessing(size=(32, 32))
_WIDTHS: Final = (32, 32, 64, 64, 128, 128)


class SixConv(nn.Module):
    """Takes float32 (B, 3, image_size, image_size); gives logits (B, classes): the softmax is the loss's.

    Args:
        classes: of the logits.
        image_size: side of the input, a multiple of 8.
        dropout: after each block and before the last layer.
    """

    def __init__(
        self, classes: int = 10, image_size: int = 32, dropout: Sequence[float] = (0.2, 0.3, 0.4, 0.0)
    ) -> None:
        super().__init__()
        if image_size % 8 or image_size < 8:
            raise UserError(f"The six-convolution network's image_size must be a multiple of 8, not {image_size}.")
        if classes < 2:
            raise UserError(f"classes is {classes}; a classifier has two or more.")
        if len(dropout) != 4:
            raise UserError(f"dropout needs four shares, of three blocks and the last layer, not {list(dropout)}.")
        inputs = 3
        for number, width in enumerate(_WIDTHS, 1):
            layer = nn.Sequential(nn.Conv2d(inputs, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
            self.add_module(f"layer{number}", layer)
            inputs = width
        self.pools = nn.ModuleList(nn.Sequential(nn.MaxPool2d(2), nn.Dropout(share)) for share in dropout[:3])
        self.layer7 = nn.Sequential(nn.Flatten(), nn.Linear(inputs * (image_size // 8) ** 2, 128), nn.ReLU())
        self.dropout = nn.Dropout(dropout[3])
        self.layer8 = nn.Linear(128, classes)

    def forward(self, x: Tensor) -> Tensor:
        for block, pool in enumerate(self.pools):
            for number in (2 * block + 1, 2 * block + 2):
                x = self.get_submodule(f"layer{number}")(x)
            x = pool(x)
        return self.layer8(self.dropout(self.layer7(x)))


def six_conv(classes: int = 10, image_size: int = 32, dropout: Sequence[float] = (0.2, 0.3, 0.4, 0.0)) -> SixConv:
    """The six-convolution classifier of the object-classification paper."""
    return SixConv(classes, image_size, dropout)
