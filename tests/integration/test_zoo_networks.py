"""Networks by name from generated checkpoints: described, streamed through, audited at two taps, left as they were."""

import json
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mint_lightning.audited import NetworkSource, adapt_batchnorm
from mint_lightning.audited.registry import OWN
from mint_lightning.cli import main
from mint_lightning.files import sha256_file
from tests.integration.test_real import archive
from tests.shard_sets import pack_noise

pytestmark = pytest.mark.integration

# Sizes that need no minutes: the larger networks at a third of their side.
SMALL: dict[str, dict[str, Any]] = {
    "iresnet18": {"image_size": 32},
    "adaface18": {"image_size": 32},
    "mobilefacenet": {},
    "mobilefacenet_casia": {},
    "cifar_resnet20": {},
    "six_conv": {},
    "timm:resnet10t": {"num_classes": 3},
}
LARGE = sorted(set(OWN) - set(SMALL) - {"iresnet_small"})
TAPS = {"six_conv": ["layer6", "layer7"], "timm:resnet10t": ["conv2", "features"]}


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_noise(tmp_path_factory.mktemp("zoo") / "shards", people=80, photos=1)


def checkpoint(path: Path, name: str, arguments: dict[str, Any]) -> None:
    """A checkpoint as it is published: of half precision, of AdaFace with its head, of CIFAR from several devices.

    Its BatchNorm statistics are those of images, as in a trained network: without them the activations of a hundred
    random layers overflow.
    """
    network = NetworkSource(architecture=name, arguments=arguments, seed=3).load()
    images = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    adapt_batchnorm(network, [images])
    state = network.module.state_dict()
    if name.startswith("iresnet"):
        state = OrderedDict((key, value.half()) for key, value in state.items())
    if name.startswith("adaface"):
        state = {f"model.{key}": value for key, value in state.items()} | {"head.kernel": torch.zeros(512, 3)}
    if name.startswith("cifar"):
        state = {f"module.{key}": value for key, value in state.items()}
    torch.save({"state_dict": state}, path)


def audited(name: str, arguments: dict[str, Any], shards: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Describe, `table` at two taps and `fit` of one head, in the current folder; the network stays as it was."""
    taps = TAPS.get(name, ["conv3", "outcome"])
    checkpoint(Path("w.pt"), name, arguments)
    size = {"preprocessing": {"size": [64, 64]}} if name.startswith("timm:") else {}
    source = NetworkSource(architecture=name, weights="w.pt", arguments=arguments, **size)
    network = source.load()
    before, file = network.fingerprint(), sha256_file(Path("w.pt"))
    values = {key: value.clone() for key, value in network.module.state_dict().items()}

    words = ["networks", "describe", name, "--weights", "w.pt", "--arguments", json.dumps(arguments)]
    assert main(words) == 0
    described = capsys.readouterr().out
    assert before[:16] in described
    assert all(any(line.startswith(tap) for line in described.splitlines()) for tap in taps)

    given = {"architecture": name, "weights": "w.pt", "arguments": arguments, **size}
    data = {"shards": str(shards), "network": given, "members": ["d"], "externals": ["e"], "batch_size": 16}
    config = {
        "data": {"class_path": "datamodules.Faces", "init_args": {**data, "workers": 0}},
        "rows": [{"head": "vanilla", "taps": [tap]} for tap in taps],
        "recipe": {"epochs": 1},
        "twins": 1,
        "seeds": 1,
        "accelerator": "cpu",
        "name": "zoo",
    }
    Path("table.json").write_text(json.dumps(config))
    assert main(["table", "--config", "table.json"]) == 0
    document = json.loads(Path("mlruns/tables/zoo/table.json").read_text())
    rows = document["evidence"]["rows"]
    assert len(rows) == 2
    assert before in json.dumps(document), "the table names the network it is of"

    images = torch.randint(0, 256, (3, 3, 40, 40), dtype=torch.uint8)
    aad = network(images, taps)["original"]
    assert all(np.isfinite(value.numpy()).all() and len(value) == 3 for value in aad.values())
    assert network.fingerprint() == source.load().fingerprint() == before
    assert sha256_file(Path("w.pt")) == file
    found = network.module.state_dict()
    assert all(torch.equal(found[key], value) for key, value in values.items())


@pytest.mark.parametrize("name", SMALL)
def test_a_small_network_is_audited_at_two_taps(
    name: str, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    audited(name, SMALL[name], shards, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_a_large_network_is_audited_at_two_taps(
    name: str, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    audited(name, {}, shards, capsys)


def test_one_head_leaves_the_network_as_it_was(shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint(Path("w.pt"), "cifar_resnet20", {})
    source = NetworkSource(architecture="cifar_resnet20", weights="w.pt")
    before = source.load().fingerprint()
    load, kept = NetworkSource.load, []

    def loaded(self: NetworkSource) -> Any:
        network = load(self)
        kept.append(network)
        return network

    monkeypatch.setattr(NetworkSource, "load", loaded)
    config = {
        "name": "zoo",
        "model": {"class_path": "mint_lightning.learning.VanillaMINT", "init_args": {"taps": ["conv3", "features"]}},
        "data": {
            "class_path": "datamodules.Faces",
            "init_args": {
                "shards": str(shards),
                "network": {"architecture": "cifar_resnet20", "weights": "w.pt"},
                "members": ["d"],
                "externals": ["e"],
                "batch_size": 16,
                "workers": 0,
            },
        },
    }
    Path("fit.json").write_text(json.dumps(config))
    fast = ["--trainer.max_epochs", "1", "--trainer.accelerator", "cpu"]
    assert main(["fit", "--config", "fit.json", *fast]) == 0
    seen = [network.fingerprint() for network in kept]
    assert seen
    assert set(seen) == {before}


Check = Callable[[str, list[str]], dict[str, dict[str, Any]]]


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Runs `networks check` and gives what it reached with each order of channels."""

    def run(name: str, words: list[str]) -> dict[str, dict[str, Any]]:
        out = tmp_path / "check.json"
        assert main(["networks", "check", name, *words, "--out", str(out)]) == 0
        return {check["channels"]: check for check in json.loads(out.read_text())["checks"]}

    return run


@pytest.mark.real
def test_resnet20_of_cifar_reaches_its_published_accuracy(measured: Check) -> None:
    weights = archive("models/akamaster_resnet20-12fca82f.th")
    archive("cifar10/cifar10_lossless_subset.npz")
    found = measured("cifar_resnet20", ["--weights", str(weights), "--labels", "cifar10"])
    own = {of["split"]: of for of in found["RGB"]["labels"]}
    assert (own["train"]["photos"], own["test"]["photos"]) == (5170, 1017)
    assert own["train"]["accuracy"] >= 0.997
    assert own["test"]["accuracy"] >= 0.915
    assert found["RGB"]["own"]
    assert found["BGR"]["labels"][1]["accuracy"] < own["test"]["accuracy"]


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "file", "least"),
    [
        ("mobilefacenet", "mobilefacenet_ms1m_foamliu.pt", 0.988),
        ("mobilefacenet_casia", "mobilefacenet_casia_xiaoccer_068.ckpt", 0.984),
    ],
)
def test_mobilefacenets_reach_what_is_published(name: str, file: str, least: float, measured: Check) -> None:
    weights = archive(f"models/{file}")
    archive("lfw/lfw_aligned112_jpeg90.npz")
    found = measured(name, ["--weights", str(weights), "--pairs", "lfw"])
    assert found["RGB"]["pairs"]["pairs"] == 6000
    assert found["RGB"]["pairs"]["folds"] == 10
    assert found["RGB"]["pairs"]["accuracy"] >= least
    assert found["BGR"]["pairs"]["accuracy"] < found["RGB"]["pairs"]["accuracy"]


@pytest.mark.real
@torch.no_grad()
def test_mobilefacenet_gives_what_its_onnx_export_gives() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    weights = archive("models/mobilefacenet_ms1m_foamliu.pt")
    export = archive("models/mobilefacenet128_ms1m_foamliu_export.onnx")
    network = NetworkSource(architecture="mobilefacenet", weights=str(weights)).load()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(export), options, providers=["CPUExecutionProvider"])
    images = torch.randint(0, 256, (4, 3, 112, 112), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    inputs = network.preprocessing(images)
    own = network.module(inputs).numpy()
    for image, embedding in zip(inputs.numpy(), own, strict=True):
        theirs = session.run(None, {session.get_inputs()[0].name: image[None]})[0][0]
        np.testing.assert_allclose(embedding, theirs, rtol=0, atol=1e-4 * float(np.abs(theirs).max()))
