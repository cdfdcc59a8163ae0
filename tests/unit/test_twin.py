"""The untrained twin: nothing learnt is left in it, and its BatchNorm fits the images it was given."""

import pytest
import torch
from torch import Tensor, nn

from mint_lightning.audited import (
    AuditedNetwork,
    NetworkSource,
    Preprocessing,
    adapt_batchnorm,
    iresnet_small,
    untrained_twin,
)
from mint_lightning.errors import UserError

pytestmark = pytest.mark.unit

TRAINED = 777.0


def trained(module: nn.Module, size: int = 16, taps: dict[str, str] | None = None) -> AuditedNetwork:
    """A network all of whose values are marked as learnt."""
    with torch.no_grad():
        for tensor in [*module.parameters(), *module.buffers()]:
            tensor.fill_(TRAINED)
    return AuditedNetwork(module, taps=taps or {"outcome": ""}, preprocessing=Preprocessing(size=(size, size)))


def small() -> AuditedNetwork:
    return trained(
        iresnet_small(widths=(4, 4, 8, 8), embedding=6, image_size=16), taps={"a": "layer1", "b": "features"}
    )


def images(count: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 256, (count, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def test_nothing_learnt_remains_and_the_original_stays() -> None:
    network = small()
    before = network.fingerprint()
    twin = untrained_twin(network, seed=0)
    assert network.fingerprint() == before
    assert not any((tensor == TRAINED).any() for tensor in [*twin.module.parameters(), *twin.module.buffers()])
    assert (twin.taps, twin.preprocessing) == (network.taps, network.preprocessing)
    assert "untrained" in twin.name


def test_twins_follow_their_seed_and_leave_the_global_one() -> None:
    network = small()
    torch.manual_seed(9)
    expected = torch.rand(3)
    torch.manual_seed(9)
    twins = [untrained_twin(network, seed).fingerprint() for seed in (0, 0, 1)]
    assert torch.equal(torch.rand(3), expected)
    assert twins[0] == twins[1] != twins[2]


def test_iresnets_own_initialisation_has_the_last_word() -> None:
    twin = untrained_twin(trained(iresnet_small(widths=(32, 32, 32, 32), embedding=6, image_size=16)), seed=0)
    assert twin.module.layer2[0].conv1.weight.std() == pytest.approx(0.1, rel=0.05)


def test_networks_of_timm_have_twins() -> None:
    pytest.importorskip("timm")
    arguments = {"img_size": 32, "embed_dim": 8, "depth": 1, "num_heads": 2, "num_classes": 3}
    for source in (
        NetworkSource(architecture="timm:resnet18"),
        NetworkSource(architecture="timm:vit_tiny_patch16_224", arguments=arguments),
    ):
        twin = untrained_twin(trained(source.load().module), seed=0)
        assert not any((parameter == TRAINED).any() for parameter in twin.module.parameters())


class Owner(nn.Module):
    """Owns a parameter; how it is redrawn is up to subclasses."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 1)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).mean((2, 3)) * self.scale


class Forgetful(Owner):
    def reset_parameters(self) -> None:
        self.conv.reset_parameters()


class Continuing(Owner):
    def reset_parameters(self) -> None:
        self.scale.mul_(0.5)


class Demanding(Owner):
    def reset_parameters(self, scale: float) -> None:
        self.scale.fill_(scale)


@pytest.mark.parametrize("kind", [Owner, Forgetful, Continuing])
def test_a_parameter_that_nobody_redraws_is_refused(kind: type[nn.Module]) -> None:
    with pytest.raises(UserError, match=r"no untrained twin: 1 of its parameters \(scale, for one\)"):
        untrained_twin(trained(kind()), seed=0)


def test_a_reset_that_fails_is_named() -> None:
    with pytest.raises(UserError, match=r"resetting the whole \(Demanding\) failed"):
        untrained_twin(trained(Demanding()), seed=0)


def test_batchnorm_takes_the_statistics_of_the_images() -> None:
    torch.manual_seed(0)
    stages = (nn.Conv2d(3, 5, 1), nn.BatchNorm2d(5), nn.Dropout(0.5), nn.Conv2d(5, 2, 1), nn.BatchNorm2d(2))
    twin = untrained_twin(trained(nn.Sequential(*stages)), seed=1)
    batches = [images(8, seed) for seed in range(3)]
    assert adapt_batchnorm(twin, iter(batches)) == 24
    conv, norm = twin.module[0], twin.module[1]
    with torch.no_grad():
        values = [conv((batch.float() - 127.5) / 127.5) for batch in batches]
    mean = torch.stack([value.mean((0, 2, 3)) for value in values]).mean(0)
    variance = torch.stack([value.var((0, 2, 3)) for value in values]).mean(0)
    torch.testing.assert_close(norm.running_mean, mean)
    torch.testing.assert_close(norm.running_var, variance)
    # with its statistics right, the deeper one normalises what it gets
    deep = twin(torch.cat(batches), ["4:mean_std"])["original"]["4:mean_std"]
    assert deep[:, :2].mean(0).abs().max() < 0.1


def test_afterwards_the_statistics_are_frozen() -> None:
    twin = untrained_twin(small(), seed=0)
    momenta = [part.momentum for part in twin.module.modules() if isinstance(part, nn.BatchNorm2d)]
    adapt_batchnorm(twin, [images(4)])
    before = twin.fingerprint()
    twin(images(4, 5), ["b"])
    assert twin.fingerprint() == before
    assert momenta == [part.momentum for part in twin.module.modules() if isinstance(part, nn.BatchNorm2d)]
    assert not any(part.training for part in twin.modules())


def test_too_few_images_are_refused_and_nothing_stays_in_training() -> None:
    twin = untrained_twin(small(), seed=0)
    for batches in ([], [images(1)]):
        with pytest.raises(UserError, match="BatchNorm statistics need"):
            adapt_batchnorm(twin, batches)
        assert not any(part.training for part in twin.modules())
