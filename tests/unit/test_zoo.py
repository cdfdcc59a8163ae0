"""Networks by architecture: ours, timm's and the user's own, and one clear sentence for every way that fails."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from jsonargparse import ArgumentParser

from mint_lightning.audited import NetworkSource, Preprocessing, build, iresnet_small
from mint_lightning.errors import UserError
from mint_lightning.files import sha256_file
from tests.network_card import ARGUMENTS

pytestmark = pytest.mark.unit

OWN_CODE = """
from torch import nn

def make(width=3):
    return nn.Sequential(nn.Conv2d(3, width, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())

def nothing():
    return 3

def broken():
    raise OSError("no disk")
"""


@pytest.fixture
def own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "own_networks.py").write_text(OWN_CODE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_networks", raising=False)
    return "own_networks"


def test_random_weights_come_from_their_seed_and_are_called_so() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    source = NetworkSource(architecture="iresnet_small", arguments=ARGUMENTS, seed=1)
    first = source.load()
    assert torch.equal(torch.rand(3), expected)
    assert first.name == "iresnet_small (random weights, seed 1)"
    assert first.preprocessing.size == (32, 32)
    assert first.fingerprint() == source.load().fingerprint() != replace(source, seed=2).load().fingerprint()


def test_an_architecture_with_weights_and_its_own_preprocessing(tmp_path: Path) -> None:
    torch.save({"state_dict": iresnet_small(**ARGUMENTS).half().state_dict()}, tmp_path / "w.pt")
    network = NetworkSource(
        architecture="iresnet_small",
        arguments=ARGUMENTS,
        weights=str(tmp_path / "w.pt"),
        preprocessing={"channels": "BGR"},
    ).load()
    assert network.name == "iresnet_small"
    assert network.preprocessing == Preprocessing(size=(32, 32), channels="BGR")
    assert network.card.weights_sha256 == sha256_file(tmp_path / "w.pt")
    with pytest.raises(UserError, match=r"w\.pt do not fit IResNet .* of another shape"):
        NetworkSource(architecture="iresnet_small", weights=str(tmp_path / "w.pt")).load()
    with pytest.raises(UserError, match="unknown key 'chanels'"):
        NetworkSource(architecture="iresnet_small", preprocessing={"chanels": "BGR"}).load()


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (NetworkSource(), "needs a card .* or an architecture"),
        (NetworkSource(card="c.json", architecture="iresnet18"), "already names architecture and arguments"),
        (NetworkSource(architecture="resnet100"), r"Unknown architecture 'resnet100' \(did you mean iresnet100\?\)"),
        (NetworkSource(architecture="iresnet_small", arguments={"width": 3}), "'width'.* it takes widths, blocks"),
        (NetworkSource(architecture="iresnet_small", arguments={"widths": [1, 2]}), "widths must be four"),
        (NetworkSource(architecture="iresnet_small", weights="absent.pt"), r"no weights file at absent\.pt"),
        (NetworkSource(architecture="no.such.package:make"), "importing 'no.such.package' failed"),
    ],
)
def test_what_cannot_be_built_is_explained(source: NetworkSource, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        source.load()


def test_a_function_of_the_user(own_code: str) -> None:
    network = NetworkSource(architecture=f"{own_code}:make", arguments={"width": 5}).load()
    assert network.tap_names == ("outcome",)
    assert network.aad_shapes(["outcome", "0:map"]) == {"outcome": (5,), "0:map": (5, 112, 112)}
    for function, sentence in [
        ("nothing", "gave a int; a torch.nn.Module is needed"),
        ("broken", r"failed with the arguments {} \(OSError: no disk\)"),
        ("mak", "no function 'mak'; the nearest are make"),
    ]:
        with pytest.raises(UserError, match=sentence):
            NetworkSource(architecture=f"{own_code}:{function}").load()


def test_a_users_module_that_fails_to_import(tmp_path: Path, own_code: str) -> None:
    (tmp_path / "own_failing.py").write_text("import package_that_is_not_there")
    with pytest.raises(UserError, match=r"importing 'own_failing' failed \(ModuleNotFoundError"):
        NetworkSource(architecture="own_failing:make").load()


def test_a_name_of_timm() -> None:
    source = NetworkSource(architecture="timm:resnet18", arguments={"num_classes": 7})
    network = source.load()
    assert network.taps == {
        "conv1": "act1",
        "conv2": "layer1",
        "conv3": "layer2",
        "conv4": "layer3",
        "conv5": "layer4",
        "features": "global_pool",
        "outcome": "",
    }
    assert network.preprocessing.size == (224, 224)
    assert network.preprocessing.mean == pytest.approx((123.675, 116.28, 103.53))
    small = replace(source, preprocessing={"size": [64, 64]}).load()
    assert small.preprocessing.mean == network.preprocessing.mean
    assert small.aad_shapes(["conv5:map", "outcome"]) == {"conv5:map": (512, 2, 2), "outcome": (7,)}
    with pytest.raises(UserError, match=r"timm has no model 'resnet_18'; the nearest are .*resnet18"):
        build("timm:resnet_18", {})
    with pytest.raises(UserError, match="timm cannot build 'resnet18' with the arguments"):
        build("timm:resnet18", {"no_such_argument": 1})


def test_transformers_of_timm_give_channels_and_tokens() -> None:
    swin = {"img_size": 32, "window_size": 2, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 1], "num_classes": 3}
    network = NetworkSource(architecture="timm:swin_tiny_patch4_window7_224", arguments=swin).load()
    assert network.aad_shapes(["conv1:map", "conv2", "outcome"]) == {
        "conv1:map": (8, 8, 8),
        "conv2": (16,),
        "outcome": (3,),
    }
    vit = {"img_size": 32, "embed_dim": 8, "depth": 2, "num_heads": 2, "num_classes": 3}
    network = NetworkSource(architecture="timm:vit_tiny_patch16_224", arguments=vit).load()
    assert network.aad_shapes(["conv2", "conv2:map"]) == {"conv2": (8,), "conv2:map": (8, 5)}
    assert network.describe()[0].height == 5


@pytest.mark.parametrize(
    "network",
    [
        {"card": "a/card.json", "bf16": "auto"},
        {"architecture": "timm:resnet18", "weights": "f.safetensors", "arguments": {"num_classes": 3}, "bf16": True},
        {
            "architecture": "iresnet50",
            "taps": {"conv1": "layer1"},
            "preprocessing": {"mean": [1.0, 2.0, 3.0]},
            "seed": 4,
        },
    ],
)
def test_it_is_a_type_for_config_files(tmp_path: Path, network: dict) -> None:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    parser.add_argument("--network", type=NetworkSource)
    (tmp_path / "c.yaml").write_text(json.dumps({"network": network}))
    parsed = parser.parse_args([f"--config={tmp_path / 'c.yaml'}", "--network.name=x"])
    assert parser.instantiate(parsed).network == NetworkSource(**network, name="x")


def test_importing_the_room_does_not_import_timm() -> None:
    code = "import sys, mint_lightning.audited; print('timm' in sys.modules, 'lightning' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "False"]
