"""CNN MINT: a small convolutional network on whole activation maps."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mint_lightning.errors import UserError
from mint_lightning.heads.base import Head, HeadOutput, Masks, SeededDropout


class CNNHead(Head):
    """CNN MINT as published: two convolutions (64, 128 filters), then two fully connected layers sized to the
    convolutions' output (arXiv 2402.09225, 2503.08332).

    Args:
        shapes: shape of one sample at each tap, (C, H, W) each. One tap: its convolutions' output is flattened.
            Several taps (the papers' "combination", maps of four sizes): one convolutional branch per tap, averaged
            over positions and concatenated, because only pooled branches can be joined whatever their sizes.
        filters: of the two convolutions.
        kernel: side of their kernels; 3 with stride 1 is the usual reading where a paper is silent.
        pool: max-pooling after each convolution; 2 is the usual reading. It is left out where a map is smaller.
        width: of the first fully connected layer, which the papers leave open; 128 matches the last convolution.
        dropout: before each fully connected layer. The papers name none for the CNN, so the default is 0.
    """

    needs_maps = True

    def __init__(
        self,
        shapes: Sequence[Sequence[int]],
        filters: tuple[int, int] = (64, 128),
        kernel: int = 3,
        pool: int = 2,
        width: int = 128,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(shapes)
        if kernel % 2 == 0 or kernel < 1:
            raise UserError(f"kernel is {kernel}; it must be odd, so that padding keeps the map's size.")
        self.branches = nn.ModuleList(_branch(shape, filters, kernel, pool) for shape in self.shapes)
        self.pooled = len(self.shapes) > 1
        with torch.no_grad():
            size = self._features([torch.zeros(1, *shape) for shape in self.shapes]).shape[1]
        self.hidden = nn.Linear(size, width)
        self.last = nn.Linear(width, 1)
        self.dropouts = nn.ModuleList(SeededDropout(dropout, layer) for layer in range(2))

    def _features(self, maps: Sequence[Tensor]) -> Tensor:
        outputs = [branch(x) for branch, x in zip(self.branches, maps, strict=True)]
        return torch.cat([x.mean((2, 3)) if self.pooled else x.flatten(1) for x in outputs], dim=1)

    def logits(self, inputs: Sequence[Tensor], draw: Masks | None) -> HeadOutput:
        """Standardised (B, C, H, W) of each tap -> logits (B,)."""
        x = self.dropouts[0](self._features(inputs), draw)
        x = self.dropouts[1](self.hidden(x).relu(), draw)
        logit = self.last(x).squeeze(1)
        return HeadOutput(logit, logit.new_zeros(()))


def _branch(shape: tuple[int, ...], filters: tuple[int, int], kernel: int, pool: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    channels, side = shape[0], min(shape[1:])
    for width in filters:
        layers += [nn.Conv2d(channels, width, kernel, padding=kernel // 2), nn.ReLU()]
        if pool > 1 and side >= pool:
            layers.append(nn.MaxPool2d(pool))
            side //= pool
        channels = width
    return nn.Sequential(*layers)
