"""The distance from BatchNorm's statistics, and the jittered view: by hand, as AAD, as rows of a table."""

import pytest
import torch
from torch import nn

from mint_lightning.audited import AuditedNetwork, NetworkSource, Preprocessing, untrained_twin
from mint_lightning.audited.views import VIEWS
from mint_lightning.errors import UserError
from mint_lightning.learning.rows import RowSpec
from tests.network_card import ARGUMENTS

pytestmark = pytest.mark.unit


def images(count: int = 5, side: int = 112) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def network() -> AuditedNetwork:
    """A small IResNet whose BatchNorm layers have seen something."""
    found = NetworkSource(architecture="iresnet_small", arguments=ARGUMENTS, seed=3).load()
    generator = torch.Generator().manual_seed(1)
    for part in found.module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            part.running_mean.copy_(torch.randn(part.running_mean.shape, generator=generator))
            part.running_var.copy_(torch.rand(part.running_var.shape, generator=generator) + 0.5)
    return found


def by_hand(found: AuditedNetwork, pixels: torch.Tensor) -> torch.Tensor:
    """A plain loop of hooks before each layer."""
    values = []

    def before(layer: nn.Module, inputs: tuple[torch.Tensor]) -> None:
        own = inputs[0].double()
        mean = own.mean(dim=tuple(range(2, own.ndim))) if own.ndim > 2 else own
        values.append(((mean - layer.running_mean) / (layer.running_var + layer.eps).sqrt()).abs().mean(dim=1))

    handles = [
        part.register_forward_pre_hook(before)
        for part in found.module.modules()
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)
    ]
    with torch.no_grad():
        found.run(pixels)
    for handle in handles:
        handle.remove()
    return torch.stack(values, dim=1)


def test_it_is_what_a_plain_loop_finds() -> None:
    found, side = network(), 112
    pixels = images(side=side)
    aad = found(pixels, ["batchnorm", "conv2"])["original"]
    expected = by_hand(found, pixels)
    assert aad["batchnorm"].shape == expected.shape
    # Layers are named in another order than they run; as sets of values by image they are the same.
    torch.testing.assert_close(
        aad["batchnorm"].sort(dim=1).values.double(), expected.sort(dim=1).values, atol=1e-4, rtol=1e-4
    )
    alone = found(pixels, ["conv2"])["original"]["conv2"]
    torch.testing.assert_close(aad["conv2"], alone)
    assert found.aad_shapes(["batchnorm"]) == {"batchnorm": tuple(expected.shape[1:])}


def test_a_network_without_batchnorm_says_so() -> None:
    plain = AuditedNetwork(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten()),
        taps={"outcome": "1"},
        preprocessing=Preprocessing(size=(16, 16)),
    )
    with pytest.raises(UserError, match="no BatchNorm layer"):
        plain(images(side=16), ["batchnorm"])


def test_a_twin_is_measured_against_its_own_statistics() -> None:
    found = network()
    twin = untrained_twin(found, seed=1)
    one, other = (each(images(), ["batchnorm"])["original"]["batchnorm"] for each in (found, twin))
    assert one.shape == other.shape
    assert not torch.allclose(one, other)


def test_the_jittered_view_is_a_function_of_the_image() -> None:
    pixels = images(2, 20)
    found = VIEWS["jitter"](pixels)
    assert found.dtype == torch.uint8
    assert found.shape == pixels.shape
    assert torch.equal(found, VIEWS["jitter"](pixels))
    assert torch.equal(found[:, :, 3, 4].int(), (0.9 * pixels[:, :, 5, 7].float()).round().int())
    assert torch.equal(found[:, :, -1, -1].int(), (0.9 * pixels[:, :, -1, -1].float()).round().int())


def test_rows_read_what_they_name() -> None:
    assert RowSpec("batchnorm").requests("outcome") == [("original", "batchnorm")]
    assert RowSpec("agreement", view="jitter").requests("outcome") == [("original", "outcome"), ("jitter", "outcome")]
    assert RowSpec("agreement", view="jitter").title == "Jitter agreement"
    assert RowSpec("agreement").title == "Flip agreement"
    assert RowSpec("loss").requests("outcome") == [("original", "outcome")]
    for wrong in (
        {"head": "norm", "view": "flip"},
        {"head": "agreement", "view": "mirror"},
        {"head": "agreement", "view": "original"},
    ):
        with pytest.raises(UserError, match="view"):
            RowSpec(**wrong)
