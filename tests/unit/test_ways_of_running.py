"""How a network may be given: with its outcome alone, modules of several outputs, tokens, none at all to hook."""

import json
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from mint_lightning.audited import AuditedNetwork, NetworkSource, Preprocessing, untrained_twin
from mint_lightning.audited.batching import fastest_batch
from mint_lightning.cli import main
from mint_lightning.errors import UserError
from tests.network_card import ARGUMENTS
from tests.shard_sets import pack_noise

pytestmark = pytest.mark.unit

IMAGES = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def network(**more: object) -> AuditedNetwork:
    return NetworkSource(architecture="iresnet_small", arguments=ARGUMENTS, **more).load()


def test_with_its_outcome_alone_nothing_else_is_read() -> None:
    closed = network(access="outcome")
    torch.testing.assert_close(closed.embed(IMAGES), network().embed(IMAGES))
    for asked in ("conv1", "layer1", "batchnorm", "conv4:map"):
        with pytest.raises(UserError, match=r"gives its outcome alone .*\[outcome\]"):
            closed(IMAGES, [asked])
    assert untrained_twin(closed, 0).access == "outcome"
    with pytest.raises(UserError, match="access is 'all'"):
        AuditedNetwork(nn.Conv2d(3, 2, 1), taps={"outcome": ""}, access="all")


def test_every_result_says_what_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    pack_noise(tmp_path / "shards", people=60, size=32)
    network = {"architecture": "iresnet_small", "arguments": ARGUMENTS, "access": "outcome", "channels_last": False}
    network["batch"] = "auto"
    words = ["table", "--data.class_path", "datamodules.Faces", "--data.shards", "shards", "--data.workers", "0"]
    words += ["--data.network", json.dumps(network), "--data.members", "[d]", "--data.externals", "[e]"]
    words += ["--data.batch_size", "32", "--twins", "1", "--seeds", "1", "--recipe", "{epochs: 2}"]
    assert main([*words, "--rows", "[{head: vanilla, taps: [conv1]}]"]) == 2
    assert "gives its outcome alone" in capsys.readouterr().err
    assert main([*words, "--rows", "[{head: vanilla, taps: [outcome]}, {head: norm}]", "--register", "false"]) == 0
    document = json.loads((tmp_path / "mlruns/tables/table/table.json").read_text())
    assert document["context"]["network"]["access"] == "outcome"
    assert document["context"]["network"]["channels_last"] == "False"
    assert int(document["context"]["network"]["batch"]) >= 1
    assert any("outcome alone" in sentence for sentence in document["context"]["declared"])
    card = json.loads((tmp_path / "mlruns/tables/table/auditors/embedding_norm/auditor.json").read_text())
    assert card["network"]["run"]["access"] == "outcome"
    assert "outcome alone" in (tmp_path / "mlruns/tables/table/report.html").read_text()


class Several(nn.Module):
    """Gives maps and a vector, as a tuple, a list or a dict."""

    def __init__(self, kind: type) -> None:
        super().__init__()
        self.conv, self.kind = nn.Conv2d(3, 4, 3), kind

    def forward(self, x: Tensor) -> object:
        maps = self.conv(x)
        both = (maps, "a word", maps.mean((2, 3)))
        return dict(zip("abc", both, strict=True)) if self.kind is dict else self.kind(both)


class Whole(nn.Module):
    def __init__(self, kind: type) -> None:
        super().__init__()
        self.several, self.last = Several(kind), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        found = self.several(x)
        return self.last(found["c"] if isinstance(found, dict) else found[2])


@pytest.mark.parametrize("kind", [tuple, list, dict])
def test_modules_with_several_outputs_are_tapped(kind: type) -> None:
    whole = AuditedNetwork(Whole(kind), taps={"outcome": "last"}, preprocessing=Preprocessing(size=(32, 32)))
    found = whole(IMAGES, ["several", "several#0", "several#1", "outcome"])["original"]
    torch.testing.assert_close(found["several"], found["several#0"])
    assert found["several#1"].shape == (4, 4)
    torch.testing.assert_close(found["outcome"], whole.module.last(found["several#1"]))
    assert {tap.module for tap in whole.describe(every_module=True)} >= {"several", "several.conv", "last"}
    with pytest.raises(UserError, match="has no mean_std"):
        whole(IMAGES, ["several#1:mean_std"])
    for wrong in ("several#2", "several#x"):
        with pytest.raises(UserError, match=f"{wrong!r} cannot be a tap"):
            whole(IMAGES, [wrong])
    with pytest.raises(UserError, match="has no tap 'sevral#1'"):
        whole(IMAGES, ["sevral#1"])


class Functional(nn.Module):
    """Hides its nonlinearities in functions: what a module gives is tapped, and nothing in between can be."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, 2), nn.Conv2d(4, 6, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.first(x))
        return torch.relu(self.second(x)).mean((2, 3))


def test_a_network_of_functions_is_tapped_at_its_modules_and_its_output() -> None:
    taps, small = {"conv1": "first", "conv2": "second", "outcome": ""}, Preprocessing(size=(32, 32))
    functional = AuditedNetwork(Functional(), taps=taps, preprocessing=small)
    found = functional(IMAGES, ["conv1", "conv2:map", "outcome"])["original"]
    inputs = small(IMAGES)
    first = functional.module.first(inputs)
    torch.testing.assert_close(found["conv1"], first.amax((2, 3)), rtol=1e-4, atol=1e-5)
    second = torch.relu(functional.module.second(torch.relu(first)))
    torch.testing.assert_close(found["outcome"], second.mean((2, 3)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(torch.relu(found["conv2:map"]), second, rtol=1e-2, atol=1e-3)


def test_tokens_are_kept_or_reduced_over_tokens() -> None:
    source = NetworkSource(
        architecture="timm:vit_tiny_patch16_224",
        arguments={"img_size": 32, "depth": 2, "num_classes": 5},
        taps={"block": "blocks.0", "outcome": "head"},
        preprocessing={"size": [32, 32]},
    )
    vit = source.load()
    found = vit(IMAGES, ["block", "block:map", "block:mean_std", "outcome"])["original"]
    assert found["block:map"].shape == (4, 192, 5)  # B C N: the class token and 2 x 2 patches
    torch.testing.assert_close(found["block"], found["block:map"].amax(2), rtol=1e-2, atol=2e-3)
    assert found["block:mean_std"].shape == (4, 384)
    assert found["outcome"].shape == (4, 5)


def test_values_that_are_no_numbers_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    broken = network()
    name = next(name for name, _ in broken.module.named_parameters() if name.endswith("weight"))
    with torch.no_grad():
        broken.module.get_parameter(name).fill_(float("nan"))
    with pytest.raises(UserError, match="'conv1' that are no finite numbers"):
        broken(IMAGES, ["conv1"])
    state = broken.module.state_dict()
    save_file({key: value.contiguous() for key, value in state.items()}, tmp_path / "nan.safetensors")
    monkeypatch.chdir(tmp_path)
    pack_noise(tmp_path / "shards", people=60, size=32)
    given = {"card": None, "architecture": "iresnet_small", "arguments": ARGUMENTS, "weights": "nan.safetensors"}
    words = ["--data.shards", "shards", "--data.workers", "0", "--data.network", json.dumps(given)]
    words += ["--data.members", "[d]", "--data.externals", "[e]", "--data.batch_size", "32"]
    rows = "[{head: vanilla, taps: [conv1]}]"
    assert main(["table", "--data.class_path", "datamodules.Faces", *words, "--rows", rows, "--twins", "0"]) == 2
    assert "no finite numbers" in capsys.readouterr().err
    assert not (tmp_path / "mlruns/tables").exists()
    fit = ["fit", "--config", "faces_vanilla", *words, "--trainer.accelerator", "cpu", "--trainer.max_epochs", "1"]
    assert main(fit) == 2
    assert "no finite numbers" in capsys.readouterr().err


@pytest.mark.parametrize("batch", [1, 3, 4, 100, "auto"])
def test_how_many_run_at_once_changes_no_value(batch: int | str) -> None:
    asked = ["conv2", "conv3:mean_std", "conv1:map", "batchnorm", "outcome"]
    whole, parts = network(), network(batch=batch)
    images = torch.cat([IMAGES] * 5)
    expected, found = whole(images, asked, ["original", "flip"]), parts(images, asked, ["original", "flip"])
    for view in expected:
        torch.testing.assert_close(found[view], expected[view], rtol=1e-4, atol=1e-4)
    assert isinstance(parts.facts["batch"], int)
    assert "batch" not in whole.facts
    assert untrained_twin(parts, 0).batch == parts.batch


def test_the_fastest_batch_is_found_and_what_does_not_fit_is_not_taken() -> None:
    def run(images: Tensor) -> None:
        if len(images) > 16:
            raise torch.OutOfMemoryError("too large")
        time.sleep(0.004 + (0.002 * len(images) if len(images) > 8 else 0.0))

    assert fastest_batch(run, torch.zeros(64, 1)) == 8
    assert fastest_batch(run, torch.zeros(3, 1)) == 3
    for wrong in (0, -1, True, "many", 2.5):
        with pytest.raises(UserError, match="batch is"):
            network(batch=wrong)
