"""Reading activations: the right values, no later than needed, nothing left behind."""

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import resnet18
from torchvision.models.feature_extraction import create_feature_extractor

from mint_lightning.audited import parse_tap, reduce
from mint_lightning.audited.taps import read_taps
from mint_lightning.errors import UserError

pytestmark = pytest.mark.unit


def hooks_left(module: nn.Module) -> int:
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in module.modules())


class Counting(nn.Module):
    """Four stages that count how often they run; `fail` raises in the third."""

    def __init__(self, fail: bool = False) -> None:
        super().__init__()
        self.stages = nn.ModuleList(nn.Conv2d(3, 3, 1) for _ in range(4))
        self.runs = [0, 0, 0, 0]
        self.fail = fail

    def forward(self, x: Tensor) -> Tensor:
        for number, stage in enumerate(self.stages):
            self.runs[number] += 1
            if self.fail and number == 2:
                raise ZeroDivisionError
            x = stage(x)
        return x


class Odd(nn.Module):
    """One module used twice, one never, one that gives a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)
        self.twice = nn.ReLU()
        self.never = nn.ReLU()
        self.pair = nn.GRU(4, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.twice(self.twice(self.conv(x)))
        return self.pair(x.mean(1))[0]


@torch.no_grad()
def test_values_are_those_of_torchvisions_feature_extractor() -> None:
    torch.manual_seed(0)
    network = resnet18().eval()
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 2)
    images = torch.randn(2, 3, 64, 64)
    nodes = ["layer1.0.conv1", "layer1", "layer2.1.bn2", "layer3", "avgpool", "fc"]
    oracle = create_feature_extractor(network, nodes)(images)
    taken = read_taps(
        network, images, {node: ["max"] if node == "fc" else ["max", "map", "mean_std"] for node in nodes}
    )
    for node in nodes[:-1]:
        torch.testing.assert_close(taken[node]["map"], oracle[node].half().float(), atol=1e-5, rtol=1e-3)
        torch.testing.assert_close(taken[node]["max"], oracle[node].flatten(2).max(2).values)
        flat = oracle[node].flatten(2)
        moments = torch.cat([flat.mean(2), flat.var(2, correction=0).sqrt()], dim=1)
        torch.testing.assert_close(taken[node]["mean_std"], moments, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(taken["fc"]["max"], oracle["fc"])


@torch.no_grad()
def test_in_place_operations_after_a_tap_do_not_reach_its_activation() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.ReLU(inplace=True), nn.Identity()
    )
    images = torch.randn(2, 3, 6, 6)
    before = torch.nn.functional.conv2d(images, network[0].weight, network[0].bias)
    assert before.min() < 0
    taken = read_taps(network, images, {"0": ["map", "max"], "": ["max"]})
    torch.testing.assert_close(taken["0"]["map"], before.half().float(), atol=1e-5, rtol=1e-3)
    torch.testing.assert_close(taken["0"]["max"], before.amax((2, 3)))
    vector = nn.Sequential(nn.Flatten(), nn.ReLU(inplace=True), nn.Identity())
    taken = read_taps(vector, images.clone(), {"0": ["max"], "2": ["max"]})
    torch.testing.assert_close(taken["0"]["max"], images.flatten(1))


@pytest.mark.parametrize(("paths", "runs"), [(["stages.1"], [1, 1, 0, 0]), (["stages.2", "stages.0"], [1, 1, 1, 0])])
@torch.no_grad()
def test_nothing_runs_after_the_last_tap(paths: list[str], runs: list[int]) -> None:
    network = Counting()
    read_taps(network, torch.randn(1, 3, 4, 4), {path: ["max"] for path in paths})
    assert network.runs == runs
    assert hooks_left(network) == 0


@torch.no_grad()
def test_without_early_exit_everything_runs() -> None:
    network = Counting()
    read_taps(network, torch.randn(1, 3, 4, 4), {"stages.0": ["max"]}, early_exit=False)
    assert network.runs == [1, 1, 1, 1]


@torch.no_grad()
def test_a_network_that_catches_exceptions_is_left_all_the_same() -> None:
    class Careful(Counting):
        def forward(self, x: Tensor) -> Tensor:
            try:
                return super().forward(x)
            except Exception:
                return torch.zeros(1)

    network = Careful()
    taken = read_taps(network, torch.randn(1, 3, 4, 4), {"stages.1": ["max"]})
    assert taken["stages.1"]["max"].shape == (1, 3)
    assert network.runs == [1, 1, 0, 0]


def test_hooks_are_removed_when_the_network_fails() -> None:
    network = Counting(fail=True)
    with pytest.raises(ZeroDivisionError):
        read_taps(network, torch.randn(1, 3, 4, 4), {"stages.0": ["max"], "stages.3": ["max"]})
    assert hooks_left(network) == 0


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("twice", "'twice' runs more than once"),
        ("never", "'never' is not reached"),
    ],
)
@torch.no_grad()
def test_what_cannot_be_a_tap_is_said(path: str, sentence: str) -> None:
    network = Odd()
    with pytest.raises(UserError, match=sentence):
        read_taps(network, torch.randn(1, 3, 4, 4), {path: ["max"]}, early_exit=False)
    assert hooks_left(network) == 0


def test_tokens_are_reduced_over_tokens() -> None:
    tokens = torch.randn(2, 5, 3)
    torch.testing.assert_close(reduce(tokens, "max"), tokens.max(1).values)
    assert torch.equal(reduce(tokens, "map"), tokens.transpose(1, 2).half().float())


def test_maps_are_rounded_to_half_precision_and_stay_finite() -> None:
    maps = torch.tensor([1.0 + 2**-12, 1e6, -1e6]).view(1, 3, 1, 1)
    assert reduce(maps, "map").flatten().tolist() == [1.0, 65504.0, -65504.0]


def test_channels_at_the_end_are_found_where_the_layout_says_so() -> None:
    maps = torch.randn(2, 3, 4, 5)
    last = maps.permute(0, 2, 3, 1)
    for reduction in ("max", "mean_std", "map"):
        torch.testing.assert_close(reduce(last, reduction, "NHWC"), reduce(maps, reduction))


@pytest.mark.parametrize("reduction", ["max", "map", "mean_std"])
def test_reduced_data_is_float32_contiguous_and_its_own(reduction: str) -> None:
    for source in (torch.randn(2, 3, 1, 1), torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)):
        for dtype in (torch.float32, torch.bfloat16):
            activation = source.to(dtype)
            reduced = reduce(activation, reduction)
            kept = reduced.clone()
            activation.zero_()
            assert reduced.dtype == torch.float32
            assert reduced.is_contiguous()
            assert torch.equal(reduced, kept)
            assert not reduced.isnan().any()


def test_requests_are_parsed_and_wrong_ones_explained() -> None:
    assert parse_tap("conv4") == ("conv4", "max")
    assert parse_tap("layer1.0:map") == ("layer1.0", "map")
    with pytest.raises(UserError, match=r"'conv4:mean': unknown reduction 'mean'; known are max, mean_std, map"):
        parse_tap("conv4:mean")
    with pytest.raises(UserError, match="vector"):
        reduce(torch.randn(2, 3), "map")
    with pytest.raises(UserError, match=r"\(2, 3, 4, 5, 6\)"):
        reduce(torch.randn(2, 3, 4, 5, 6), "max")
