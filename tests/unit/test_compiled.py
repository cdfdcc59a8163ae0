"""A compiled network gives what it gives when it is not, stops behind its last tap, and is refused where it cannot."""

import shutil

import pytest
import torch
from torch import Tensor, nn

from mint_lightning.audited import AuditedNetwork, NetworkSource, Preprocessing, untrained_twin
from mint_lightning.audited.compiled import cut
from mint_lightning.errors import UserError
from tests.network_card import ARGUMENTS

pytestmark = pytest.mark.unit

IMAGES = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
ASKED = ["conv2", "conv3:mean_std", "conv1:map", "outcome"]
SMALL = Preprocessing(size=(32, 32))


def network(**more: object) -> AuditedNetwork:
    return NetworkSource(architecture="iresnet_small", arguments=ARGUMENTS, **more).load()


class InPlace(nn.Module):
    """Overwrites what a tap gave, in each way there is, also where nobody takes the result."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, 2), nn.Conv2d(4, 4, 3, 2)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        x += 1
        x = self.relu(x)
        x.mul_(3)
        return torch.relu_(self.second(x)).mean((2, 3))


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled_it_gives_the_same(backend: str) -> None:
    plain, compiled = network(), network(compile=backend)
    torch.testing.assert_close(compiled(IMAGES, ASKED), plain(IMAGES, ASKED))
    torch.testing.assert_close(compiled(IMAGES[:2], ["conv1"]), plain(IMAGES[:2], ["conv1"]))
    assert compiled.facts["compiled"] == backend
    assert compiled.fingerprint() == plain.fingerprint()
    assert untrained_twin(compiled, 0).compile_with == backend
    assert "compiled" not in plain.facts


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
def test_compiled_by_the_real_compiler_it_gives_the_same() -> None:
    torch.testing.assert_close(network(compile=True)(IMAGES, ASKED), network()(IMAGES, ASKED), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_in_place_operations_change_no_tap_and_are_not_lost(backend: str) -> None:
    module = InPlace().eval().requires_grad_(False)
    taps = {"conv1": "first", "rectified": "relu", "outcome": ""}
    asked = ["conv1:map", "rectified", "second", "outcome"]
    expected = AuditedNetwork(module, taps=taps, preprocessing=SMALL)(IMAGES, asked)
    compiled = AuditedNetwork(module, taps=taps, preprocessing=SMALL, compile=backend)
    torch.testing.assert_close(compiled(IMAGES, asked), expected)
    assert module.relu.inplace, "the network itself is left as it is"


def test_nothing_behind_the_last_tap_is_computed() -> None:
    graph = cut(network().module, {"layer2": ["max"]}, "NCHW", "usual")
    modules = {name for name, _ in graph.named_modules()}
    assert "layer2" in modules
    assert not modules & {"layer3", "layer4", "fc", "features"}


class Several(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pair, self.last = Pair(), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.pair(x)[1])


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.conv(x)
        return maps, maps.mean((2, 3))


def test_outputs_of_several_tensors_and_tokens() -> None:
    module = Several().eval()
    taps = {"maps": "pair#0", "vector": "pair#1", "outcome": ""}
    expected = AuditedNetwork(module, taps=taps, preprocessing=SMALL)(IMAGES, list(taps))
    compiled = AuditedNetwork(module, taps=taps, preprocessing=SMALL, compile="eager")
    torch.testing.assert_close(compiled(IMAGES, list(taps)), expected)


class Deciding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) if x.mean() > 0 else self.conv(-x)


def test_what_cannot_be_compiled_is_refused() -> None:
    deciding = AuditedNetwork(Deciding(), taps={"outcome": "conv"}, preprocessing=SMALL, compile="eager")
    with pytest.raises(UserError, match="cannot be traced"):
        deciding(IMAGES, ["outcome"])
    with pytest.raises(UserError, match="leave out compile"):
        network(compile="eager")(IMAGES, ["batchnorm"])
    with pytest.raises(UserError, match="cannot be compiled here"):
        network(compile="no such backend")(IMAGES, ["outcome"])


def test_other_values_than_those_of_hooks_are_refused() -> None:
    wrong = network(compile="eager")
    reader = wrong._reader({"layer1": ["max"]})
    run = reader.run
    reader.run = lambda prepared: {"layer1": {"max": run(prepared)["layer1"]["max"] + 0.5}}
    with pytest.raises(UserError, match="gives other values at 'layer1'"):
        wrong(IMAGES, ["layer1"])
