"""IResNet: the names and shapes of arcface_torch, and the arithmetic of its blocks."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mint_lightning.audited import iresnet18, iresnet34, iresnet50, iresnet100, iresnet200, iresnet_small
from mint_lightning.audited.iresnet import IBasicBlock, IResNet
from mint_lightning.errors import UserError

pytestmark = pytest.mark.unit


def batchnorm_keys(name: str, width: int) -> dict[str, tuple[int, ...]]:
    keys = {f"{name}.{part}": (width,) for part in ("weight", "bias", "running_mean", "running_var")}
    return keys | {f"{name}.num_batches_tracked": ()}


def published_keys(blocks: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """State dict of an InsightFace checkpoint, written down from its description rather than from our class."""
    keys = {"conv1.weight": (64, 3, 3, 3), **batchnorm_keys("bn1", 64), "prelu.weight": (64,)}
    inputs = 64
    for stage, (count, width) in enumerate(zip(blocks, (64, 128, 256, 512), strict=True), start=1):
        for block in range(count):
            name = f"layer{stage}.{block}"
            keys |= batchnorm_keys(f"{name}.bn1", inputs) | {f"{name}.conv1.weight": (width, inputs, 3, 3)}
            keys |= batchnorm_keys(f"{name}.bn2", width) | {f"{name}.prelu.weight": (width,)}
            keys |= {f"{name}.conv2.weight": (width, width, 3, 3)} | batchnorm_keys(f"{name}.bn3", width)
            if block == 0:
                keys |= {f"{name}.downsample.0.weight": (width, inputs, 1, 1)}
                keys |= batchnorm_keys(f"{name}.downsample.1", width)
            inputs = width
    keys |= batchnorm_keys("bn2", 512) | {"fc.weight": (512, 25088), "fc.bias": (512,)}
    return keys | batchnorm_keys("features", 512)


@pytest.mark.parametrize(
    ("make", "blocks"),
    [
        (iresnet18, (2, 2, 2, 2)),
        (iresnet34, (3, 4, 6, 3)),
        (iresnet50, (3, 4, 14, 3)),
        (iresnet100, (3, 13, 30, 3)),
        (iresnet200, (6, 26, 60, 6)),
    ],
)
def test_published_checkpoints_have_these_names_and_shapes(make, blocks) -> None:
    with torch.device("meta"):
        state = make().state_dict()
    assert {key: tuple(value.shape) for key, value in state.items()} == published_keys(blocks)


def test_iresnet100_has_65_million_parameters_and_the_shapes_of_the_papers() -> None:
    with torch.device("meta"):
        network = iresnet100()
        x = network.prelu(network.bn1(network.conv1(torch.empty(2, 3, 112, 112))))
    assert sum(parameter.numel() for parameter in network.parameters()) == 65_156_160
    for stage, shape in enumerate([(64, 56, 56), (128, 28, 28), (256, 14, 14), (512, 7, 7)], start=1):
        x = network.get_submodule(f"layer{stage}")(x)
        assert tuple(x.shape[1:]) == shape


@torch.no_grad()
def test_a_block_is_its_formula() -> None:
    torch.manual_seed(0)
    block = IBasicBlock(4, 6, stride=2).eval()
    for part in block.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
            part.weight.normal_(1, 0.2)
            part.bias.normal_()
    x = torch.randn(2, 4, 8, 8)

    def normed(value: torch.Tensor, layer: nn.BatchNorm2d) -> torch.Tensor:
        scale = layer.weight / (layer.running_var + 1e-5).sqrt()
        return (value - layer.running_mean[:, None, None]) * scale[:, None, None] + layer.bias[:, None, None]

    inner = normed(F.conv2d(normed(x, block.bn1), block.conv1.weight, padding=1), block.bn2)
    inner = torch.where(inner > 0, inner, 0.25 * inner)
    inner = normed(F.conv2d(inner, block.conv2.weight, stride=2, padding=1), block.bn3)
    shortcut = normed(F.conv2d(x, block.downsample[0].weight, stride=2), block.downsample[1])
    torch.testing.assert_close(block(x), inner + shortcut, rtol=1e-4, atol=1e-5)


def test_small_variant_learns_its_own_sizes() -> None:
    network = iresnet_small()
    assert network(torch.randn(2, 3, 112, 112)).shape == (2, 128)
    assert network.fc.in_features == 128 * 7 * 7
    wide = iresnet_small(widths=(4, 8, 8, 16), blocks=(1, 2, 1, 1), embedding=32, image_size=50)
    assert wide(torch.randn(2, 3, 50, 50)).shape == (2, 32)


def test_the_scale_of_the_embedding_is_not_learnt() -> None:
    network = iresnet_small(widths=(4, 4, 4, 4), embedding=8)
    network(torch.randn(4, 3, 112, 112)).square().sum().backward()
    assert network.features.weight.grad is None
    assert network.features.bias.grad is not None


def test_four_stages_or_an_error() -> None:
    with pytest.raises(UserError, match="widths must be four positive numbers"):
        IResNet((1, 1, 1, 1), widths=(8, 8, 8))
    with pytest.raises(UserError, match="blocks must be four positive numbers"):
        IResNet((1, 0, 1, 1))


@pytest.mark.parametrize("stem_stride", [1, 2, 4])
def test_the_stem_may_be_strided(stem_stride: int) -> None:
    network = iresnet_small(widths=(2, 2, 2, 2), embedding=3, image_size=56, stem_stride=stem_stride).eval()
    assert network(torch.zeros(1, 3, 56, 56)).shape == (1, 3)
