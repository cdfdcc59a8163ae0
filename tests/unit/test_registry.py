"""Networks by name: the names and shapes of their published checkpoints, their taps, and what does not fit them."""

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mint_lightning.audited import NetworkSource, Preprocessing
from mint_lightning.audited.architectures import build
from mint_lightning.audited.registry import OWN
from mint_lightning.errors import UserError

pytestmark = pytest.mark.unit

Shapes = dict[str, tuple[int, ...]]
SMALL = ("mobilefacenet", "mobilefacenet_casia", "cifar_resnet20", "six_conv")
LAST = {"faces": 512, "objects": 10}


def norm(name: str, width: int, affine: bool = True) -> Shapes:
    parts = ("weight", "bias") if affine else ()
    return {f"{name}.{part}": (width,) for part in (*parts, "running_mean", "running_var")} | {
        f"{name}.num_batches_tracked": ()
    }


def adaface_keys(blocks: tuple[int, ...]) -> Shapes:
    keys = {"input_layer.0.weight": (64, 3, 3, 3), **norm("input_layer.1", 64), "input_layer.2.weight": (64,)}
    inputs, place = 64, 0
    for count, width in zip(blocks, (64, 128, 256, 512), strict=True):
        for _ in range(count):
            name = f"body.{place}"
            if inputs != width:
                keys |= {f"{name}.shortcut_layer.0.weight": (width, inputs, 1, 1)}
                keys |= norm(f"{name}.shortcut_layer.1", width)
            keys |= norm(f"{name}.res_layer.0", inputs) | {f"{name}.res_layer.1.weight": (width, inputs, 3, 3)}
            keys |= norm(f"{name}.res_layer.2", width) | {f"{name}.res_layer.3.weight": (width,)}
            keys |= {f"{name}.res_layer.4.weight": (width, width, 3, 3)} | norm(f"{name}.res_layer.5", width)
            inputs, place = width, place + 1
    keys |= norm("output_layer.0", 512) | {"output_layer.3.weight": (512, 25088), "output_layer.3.bias": (512,)}
    return keys | norm("output_layer.4", 512, affine=False)


def cifar_keys(depth: int) -> Shapes:
    keys = {"conv1.weight": (16, 3, 3, 3), **norm("bn1", 16)}
    inputs = 16
    for stage, width in enumerate((16, 32, 64), start=1):
        for block in range((depth - 2) // 6):
            name = f"layer{stage}.{block}"
            keys |= {f"{name}.conv1.weight": (width, inputs, 3, 3)} | norm(f"{name}.bn1", width)
            keys |= {f"{name}.conv2.weight": (width, width, 3, 3)} | norm(f"{name}.bn2", width)
            inputs = width
    return keys | {"linear.weight": (10, 64), "linear.bias": (10,)}


PUBLISHED = {
    "adaface18": adaface_keys((2, 2, 2, 2)),
    "adaface50": adaface_keys((3, 4, 14, 3)),
    "adaface101": adaface_keys((3, 13, 30, 3)),
    **{f"cifar_resnet{depth}": cifar_keys(depth) for depth in (20, 32, 44, 56, 110)},
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_checkpoints_have_these_names_and_shapes(name: str) -> None:
    with torch.device("meta"):
        state = OWN[name].build().state_dict()
    assert {key: tuple(value.shape) for key, value in state.items()} == PUBLISHED[name]


@pytest.mark.parametrize("name", OWN)
def test_every_network_has_its_taps_on_the_meta_device(name: str) -> None:
    known = OWN[name]
    with torch.device("meta"):
        module = known.build().eval()
    shapes: Shapes = {}
    for tap, path in known.taps.items():
        module.get_submodule(path).register_forward_hook(
            lambda _module, _inputs, output, tap=tap: shapes.update({tap: tuple(output.shape)})
        )
    with torch.no_grad():
        out = module(torch.empty(2, 3, *known.preprocessing.size, device="meta"))
    assert list(shapes) == list(known.taps), "in order of depth"
    assert list(known.taps)[-1] == "outcome"
    assert shapes["outcome"] == tuple(out.shape)
    sides = [shape[2] for shape in shapes.values() if len(shape) == 4]
    assert sides == sorted(sides, reverse=True)
    assert known.about
    assert known.task in ("faces", "objects")
    if name != "iresnet_small":
        assert known.source
        width = 128 if name.startswith("mobilefacenet") else LAST[known.task]
        assert shapes["outcome"] == (2, width)


def test_the_first_is_the_demonstrators_and_orders_of_channels_are_theirs() -> None:
    assert next(iter(OWN)) == "iresnet100"
    assert {name for name, known in OWN.items() if known.preprocessing.channels == "BGR"} == {
        "adaface18", "adaface50", "adaface101"
    }  # fmt: skip


def written(path: Path, name: str, *, half: bool = False, prefix: str = "", **more: Tensor) -> dict[str, Tensor]:
    """Write a checkpoint of a network with weights drawn from seed 7, and return its state."""
    state = build(name, {}, seed=7).module.state_dict()
    kept = {key: value.half() if half and value.is_floating_point() else value for key, value in state.items()}
    torch.save({"state_dict": {prefix + key: value for key, value in kept.items()} | more}, path)
    return kept


@pytest.mark.parametrize(
    ("name", "prefix", "half"),
    [*((name, *form) for name in SMALL for form in (("module.", False), ("", True))), ("iresnet18", "", True)],
)
def test_checkpoints_load_in_half_precision_and_from_several_devices(
    tmp_path: Path, name: str, prefix: str, half: bool
) -> None:
    state = written(tmp_path / "w.pt", name, half=half, prefix=prefix)
    network = NetworkSource(architecture=name, weights=str(tmp_path / "w.pt")).load()
    found = network.module.state_dict()
    assert all(torch.equal(found[key], value.to(found[key].dtype)) for key, value in state.items())
    assert {value.dtype for value in found.values() if value.is_floating_point()} == {torch.float32}


def test_of_adafaces_training_checkpoint_the_head_is_left(tmp_path: Path) -> None:
    state = written(tmp_path / "w.ckpt", "adaface18", prefix="model.", **{"head.kernel": torch.zeros(512, 4)})
    network = NetworkSource(architecture="adaface18", weights=str(tmp_path / "w.ckpt")).load()
    assert all(torch.equal(value, state[key]) for key, value in network.module.state_dict().items())
    torch.save(state, tmp_path / "bare.pt")
    bare = NetworkSource(architecture="adaface18", weights=str(tmp_path / "bare.pt")).load()
    assert bare.fingerprint() == network.fingerprint()


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", [*SMALL, "adaface18"])
def test_weights_that_do_not_fit_are_one_sentence_naming_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "w.pt"
    state = written(path, name)
    first, last = next(iter(state)), list(state)[-1]
    other = "six_conv" if name != "six_conv" else "cifar_resnet20"

    def refused(sentence: str, architecture: str = name) -> None:
        with pytest.raises(UserError, match=rf"(?s)w\.pt.*{sentence}") as caught:
            NetworkSource(architecture=architecture, weights=str(path)).load()
        assert "\n" not in str(caught.value)

    refused("do not fit .* missing .* unexpected", other)
    torch.save({key: value for key, value in state.items() if key != first}, path)
    refused(rf"1 missing \({first}\)")
    torch.save(state | {"fc2.weight": torch.zeros(2)}, path)
    refused(r"1 unexpected \(fc2\.weight\)")
    torch.save(state | {first: torch.zeros(5)}, path)
    refused(rf"1 of another shape \({first} \(5,\)")
    torch.save(state | {last: Bomb(tmp_path / "went_off")}, path)
    refused("could run code")
    assert not (tmp_path / "went_off").exists()
    torch.save(state, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused("damaged or cut short")


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("cifar_resnet20", {"classes": 1}, "classes is 1"),
        ("cifar_resnet20", {"depth": 20}, "it takes classes"),
        ("cifar_resnet21", {}, r"Unknown architecture 'cifar_resnet21' \(did you mean cifar_resnet"),
        ("six_conv", {"image_size": 30}, "multiple of 8, not 30"),
        ("six_conv", {"dropout": [0.1]}, "four shares"),
        ("adaface18", {"image_size": 100}, "multiple of 16, not 100"),
    ],
)
def test_what_cannot_be_built_is_explained(name: str, arguments: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        build(name, arguments)


def test_an_image_size_is_the_preprocessings_too() -> None:
    network = NetworkSource(architecture="six_conv", arguments={"image_size": 16, "classes": 3}).load()
    assert network.preprocessing.size == (16, 16)
    assert network.aad_shapes(["layer7", "outcome", "layer1:map"]) == {
        "layer7": (128,), "outcome": (3,), "layer1:map": (32, 16, 16)
    }  # fmt: skip


@torch.no_grad()
def test_a_shortcut_of_cifar_takes_every_second_place_and_adds_channels_of_zeros() -> None:
    module = build("cifar_resnet20", {}).module
    x = torch.randn(2, 16, 8, 8)
    short = module.get_submodule("layer2.0.shortcut")(x)
    assert torch.equal(short[:, 8:24], x[:, :, ::2, ::2])
    assert not short[:, :8].any()
    assert not short[:, 24:].any()


def test_cropping_takes_the_middle_and_squeezing_does_not() -> None:
    image = torch.arange(112, dtype=torch.uint8).expand(1, 3, 112, 112).contiguous()
    plain = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
    cut = Preprocessing(size=(112, 96), crop=True, **plain)(image)
    assert torch.equal(cut, image[:, :, :, 8:104].float())
    squeezed = Preprocessing(size=(112, 96), **plain)(image)
    assert squeezed.shape == cut.shape
    assert not torch.equal(squeezed, cut)
    # Twice the size: the same share of the width, then resized.
    double = image.repeat_interleave(2, 2).repeat_interleave(2, 3)
    again = Preprocessing(size=(112, 96), crop=True, **plain)(double)
    assert again.shape == cut.shape
    assert (again[..., 1:-1] - cut[..., 1:-1]).abs().max() <= 1
    # Of its own shape it is as it was; the choice is kept on a card.
    assert torch.equal(Preprocessing(crop=True, **plain)(image), image.float())
    kept = Preprocessing(size=(112, 96), crop=True)
    assert Preprocessing.from_dict(kept.to_dict(), "card") == kept
