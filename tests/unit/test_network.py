"""The frozen network: what it gives, what it refuses, and that nothing about it ever moves."""

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

from mint_lightning.audited import AuditedNetwork, Preprocessing, TapInfo, iresnet100, iresnet_small, precision
from mint_lightning.audited.precision import bf16_is_faster
from mint_lightning.errors import UserError

pytestmark = pytest.mark.unit

TAPS = {"conv1": "conv1", "conv2": "conv2", "outcome": "fc"}
PREPROCESSING = Preprocessing(size=(8, 8))


class Tiny(nn.Module):
    """3x3 convolution to 4 channels, BatchNorm, ReLU used twice, strided convolution to 2, linear to 5."""

    def __init__(self, use_view: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(4, 2, 3, stride=2, padding=1, bias=False)
        self.fc = nn.Linear(2 * 16, 5)
        self.use_view = use_view
        self.runs = 0

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn(self.conv1(x)))
        x = self.relu(self.conv2(x))
        self.runs += 1
        return self.fc(x.view(x.size(0), -1) if self.use_view else x.flatten(1))


def tiny(**options: object) -> AuditedNetwork:
    torch.manual_seed(0)
    return AuditedNetwork(Tiny(), taps=TAPS, preprocessing=PREPROCESSING, **options)


@pytest.fixture
def images() -> Tensor:
    return torch.randint(0, 256, (3, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def test_aad_by_view_and_request(images: Tensor) -> None:
    network = tiny()
    requests = ["conv1", "conv1:map", "conv2:mean_std", "outcome"]
    aad = network(images, requests, ["original", "flip"])
    assert list(aad) == ["original", "flip"]
    assert {spec: tuple(value.shape[1:]) for spec, value in aad["flip"].items()} == network.aad_shapes(requests)
    with torch.no_grad():
        maps = network.module.conv1((images.float() - 127.5) / 127.5)
        whole = network.module((images.flip(3).float() - 127.5) / 127.5)
    torch.testing.assert_close(aad["original"]["conv1:map"], maps.half().float(), atol=1e-5, rtol=1e-3)
    torch.testing.assert_close(aad["original"]["conv1"], maps.amax((2, 3)))
    torch.testing.assert_close(aad["flip"]["outcome"], whole)
    assert all(value.dtype == torch.float32 and not value.requires_grad for value in aad["flip"].values())
    torch.testing.assert_close(network.embed(images.flip(3)), whole)


def test_the_same_figures_whatever_is_asked_beside(images: Tensor) -> None:
    network = tiny()
    alone = network(images, ["conv2"])["original"]["conv2"]
    beside = network(images, ["outcome", "conv1:map", "conv2"], ["flip", "original"])["original"]["conv2"]
    assert torch.equal(alone, beside)


def test_the_forward_stops_after_the_last_tap(images: Tensor) -> None:
    network = tiny()
    network(images, ["conv2"])  # the first use looks at the whole network once
    before = network.module.runs
    network(images, ["conv1", "conv2"], ["original", "flip"])
    assert network.module.runs == before + 1  # conv1's own first look; the two views stopped earlier
    network(images, ["conv1", "conv2"], ["original", "flip"])
    assert network.module.runs == before + 1


def test_a_module_that_runs_twice_is_refused_although_an_early_exit_would_hide_it(images: Tensor) -> None:
    with pytest.raises(UserError, match="'relu' runs more than once"):
        tiny()(images, ["relu"])


def test_an_unknown_tap_lists_the_known(images: Tensor) -> None:
    with pytest.raises(UserError, match=r"no tap 'conv9'; known are conv1, conv2, outcome, .*such as bn"):
        tiny()(images, ["conv9"])
    with pytest.raises(UserError, match="no tap ''"):
        tiny()(images, [""])
    with pytest.raises(UserError, match=r"no view 'turn'; known are original, flip"):
        tiny()(images, ["conv1"], ["turn"])
    with pytest.raises(UserError, match="asked for no tap"):
        tiny()(images, [])
    with pytest.raises(UserError, match=r"no module 'layer1' for its tap 'first'"):
        AuditedNetwork(Tiny(), taps={"first": "layer1"})
    with pytest.raises(UserError, match="at least one tap"):
        AuditedNetwork(Tiny(), taps={})


def test_any_module_path_is_a_tap(images: Tensor) -> None:
    aad = tiny()(images, ["bn:map", "fc"])["original"]
    assert aad["bn:map"].shape == (3, 4, 8, 8)
    assert aad["bn:map"].min() < 0  # as it was before the in-place ReLU


def test_training_mode_does_not_move_it(images: Tensor) -> None:
    class Learner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.audited = tiny()

    learner = Learner()
    before = learner.audited.fingerprint()
    expected = learner.audited(images, ["outcome"])["original"]["outcome"]
    learner.train()
    learner.audited.train()
    learner.audited(images, ["outcome"])
    learner.audited.module.train()  # past our own method
    assert torch.equal(learner.audited(images, ["outcome"])["original"]["outcome"], expected)
    assert learner.audited.fingerprint() == before
    assert not any(parameter.requires_grad for parameter in learner.parameters())


def test_fingerprint_tells_one_bit_and_ignores_memory() -> None:
    network = tiny()
    first = network.fingerprint()
    assert first == tiny(channels_last=False).fingerprint()
    assert first == pickle.loads(pickle.dumps(network)).fingerprint() == copy.deepcopy(network).fingerprint()
    with torch.no_grad():
        network.module.bn.running_var[2] += 1e-6
    assert network.fingerprint() != first


def test_shares_of_multiply_adds_by_hand() -> None:
    conv1, conv2, fc = 3 * 4 * 9 * 64, 4 * 2 * 9 * 16, 32 * 5
    rows = {row.name: row for row in tiny().describe()}
    total = conv1 + conv2 + fc
    assert rows["conv1"].share == pytest.approx(conv1 / total)
    assert rows["conv2"].share == pytest.approx((conv1 + conv2) / total)
    assert rows["outcome"].share == 1
    assert (rows["conv2"].module, rows["conv2"].channels, rows["conv2"].height, rows["conv2"].width) == (
        "conv2",
        2,
        4,
        4,
    )
    assert rows["outcome"] == TapInfo("outcome", "fc", 5, None, None, 1.0)
    assert [row.name for row in tiny().describe(every_module=True)] == ["conv1", "bn", "conv2", "fc"]


def test_conv1_of_iresnet100_costs_9_percent() -> None:
    with torch.device("meta"):
        module = iresnet100()
    network = AuditedNetwork(module, taps={"conv1": "layer1", "conv4": "layer4", "outcome": "features"})
    rows = network.describe()
    assert (rows[0].channels, rows[0].height, rows[0].width) == (64, 56, 56)
    assert (rows[1].channels, rows[1].height, rows[1].width) == (512, 7, 7)
    assert rows[0].share == pytest.approx(0.089, abs=0.001)


def test_a_network_that_needs_contiguous_memory_gets_it(images: Tensor) -> None:
    torch.manual_seed(0)
    network = AuditedNetwork(Tiny(use_view=True), taps=TAPS, preprocessing=PREPROCESSING)
    torch.testing.assert_close(network.embed(images), tiny().embed(images))


def test_bf16_changes_little_and_gives_float32(images: Tensor) -> None:
    exact = tiny()(images, ["conv1:map", "outcome"])["original"]
    rounded = tiny(bf16=True)(images, ["conv1:map", "outcome"])["original"]
    for spec in exact:
        assert rounded[spec].dtype == torch.float32
        assert not torch.equal(rounded[spec], exact[spec])
        torch.testing.assert_close(rounded[spec], exact[spec], rtol=0.05, atol=0.02)


def test_a_trainers_autocast_does_not_reach_the_network(images: Tensor) -> None:
    exact = tiny()(images, ["outcome"])["original"]["outcome"]
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(tiny()(images, ["outcome"])["original"]["outcome"], exact)


def test_bf16_auto_follows_the_device() -> None:
    network = tiny(bf16="auto")
    assert network.uses_bf16 == bf16_is_faster("cpu")
    assert network.to("meta").uses_bf16 is False


@pytest.mark.parametrize(
    ("flags", "float32", "bfloat16", "faster"),
    [
        ({"avx512_bf16": True}, 2.0, 1.0, True),
        ({"avx512_bf16": True}, 1.0, 2.0, False),
        ({"amx_bf16": True}, 1.0, 0.95, False),  # too little to be sure of
        ({"avx512_bf16": False}, 2.0, 1.0, False),  # emulated
    ],
)
def test_a_processor_is_timed_before_it_is_trusted_with_bf16(
    monkeypatch: pytest.MonkeyPatch, flags: dict[str, bool], float32: float, bfloat16: float, faster: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags)
    seconds = {torch.float32: float32, torch.bfloat16: bfloat16}
    monkeypatch.setattr(precision, "_convolution_seconds", lambda: seconds)
    assert bf16_is_faster.__wrapped__("cpu") is faster


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_it_runs_where_it_is_moved(images: Tensor) -> None:
    expected = tiny().embed(images)
    network = tiny().to("cuda")
    torch.testing.assert_close(network.embed(images.cuda()).cpu(), expected, rtol=1e-3, atol=1e-3)


def test_preprocessing_order_scale_and_size() -> None:
    images = torch.arange(3 * 16, dtype=torch.uint8).view(1, 3, 4, 4)
    prepared = Preprocessing(size=(4, 4), mean=(1, 2, 3), std=(2, 4, 8), channels="BGR")(images)
    blue, red = images[0, 2].float(), images[0, 0].float()
    torch.testing.assert_close(prepared[0, 0], (blue - 1) / 2)
    torch.testing.assert_close(prepared[0, 2], (red - 3) / 8)
    half = Preprocessing(size=(2, 2), mean=(0, 0, 0), std=(1, 1, 1))(torch.full((1, 3, 4, 4), 9, dtype=torch.uint8))
    torch.testing.assert_close(half, torch.full((1, 3, 2, 2), 9.0))
    with pytest.raises(ValueError, match="uint8"):
        PREPROCESSING(torch.zeros(1, 3, 8, 8))


def test_preprocessing_refuses_what_makes_no_sense() -> None:
    for values, sentence in [
        ({"std": (0, 1, 1)}, "std must be positive"),
        ({"mean": (1, 1)}, "mean needs 3 numbers"),
        ({"channels": "GBR"}, "RGB or BGR"),
        ({"scale": 1}, "card.json: preprocessing has the unknown key 'scale'"),
    ]:
        with pytest.raises(UserError, match=sentence):
            Preprocessing.from_dict(values, "card.json")
    assert Preprocessing.from_dict(PREPROCESSING.to_dict(), "card.json") == PREPROCESSING


def test_images_of_another_size_are_resized() -> None:
    network = AuditedNetwork(iresnet_small(widths=(4, 4, 4, 4), embedding=8), taps={"outcome": "features"})
    assert network.embed(torch.zeros(2, 3, 60, 50, dtype=torch.uint8)).shape == (2, 8)
