"""`networks`: the list, the taps, the check; its words, and what is refused in one sentence."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mint_lightning.audited import AuditedNetwork, NetworkSource, Preprocessing, build
from mint_lightning.audited.registry import OWN
from mint_lightning.cli import main
from mint_lightning.learning import check as checking
from tests.network_card import small_network

pytestmark = pytest.mark.unit

Captured = pytest.CaptureFixture[str]


def refused(words: list[str], capsys: Captured) -> str:
    """The one sentence of a command that is refused."""
    assert main(["networks", *words]) == 2
    found = capsys.readouterr()
    assert "Traceback" not in found.err
    return found.err


def test_the_list_names_every_network_with_its_terms_on_request(capsys: Captured) -> None:
    assert main(["networks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    named = [line.split()[0] for line in lines[1:-1]]
    assert named == list(OWN)
    assert "BGR 112x112" in lines[1 + named.index("adaface101")]
    assert "RGB 112x96" in lines[1 + named.index("mobilefacenet_casia")]
    assert "layer7" in lines[1 + named.index("six_conv")]
    assert "timm:NAME" in lines[-1]
    assert main(["networks", "--task", "objects"]) == 0
    objects = [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:-1]]
    assert objects == [name for name, known in OWN.items() if known.task == "objects"]
    assert main(["networks", "--long", "true"]) == 0
    long = " ".join(capsys.readouterr().out.split())
    for word in ("non-commercial", "akamaster", "none stated"):
        assert word in long


def test_describe_prints_what_the_network_says(capsys: Captured) -> None:
    assert main(["networks", "describe", "cifar_resnet20"]) == 0
    out = capsys.readouterr().out
    network = NetworkSource(architecture="cifar_resnet20").load()
    assert network.fingerprint()[:16] in out
    assert "random weights" in out
    assert "RGB 32x32" in out
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.split()[0] in network.taps}
    assert list(rows) == list(network.taps)
    for tap in network.describe():
        assert tap.module in rows[tap.name]
        assert str(tap.channels) in rows[tap.name]
        assert f"{100 * tap.share:.1f}" in rows[tap.name]
    assert rows["conv1"][2:4] == ["16", "32x32"]
    assert rows["features"][2:4] == ["64", "-"]
    assert rows["outcome"][-2:] == ["100.0", "%"]
    assert "more modules can be taps" in out
    assert main(["networks", "describe", "cifar_resnet20", "--every", "true"]) == 0
    everything = capsys.readouterr().out
    assert "layer3.2.bn2" in everything
    assert "more modules" not in everything


def test_describe_of_weights_and_of_a_card(tmp_path: Path, capsys: Captured) -> None:
    module = build("six_conv", {"classes": 3}, seed=5).module
    torch.save(module.state_dict(), tmp_path / "w.pt")
    words = ["networks", "describe", "six_conv", "--weights", str(tmp_path / "w.pt"), "--arguments", '{"classes": 3}']
    before = (tmp_path / "w.pt").read_bytes()
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "random" not in out
    network = NetworkSource(architecture="six_conv", weights=str(tmp_path / "w.pt"), arguments={"classes": 3}).load()
    assert network.fingerprint()[:16] in out
    assert (tmp_path / "w.pt").read_bytes() == before
    card = small_network(tmp_path)
    for name in (card, card.parent):
        assert main(["networks", "describe", str(name)]) == 0
        out = capsys.readouterr().out
        assert "BGR 32x32" in out
        assert "conv4" in out


def test_what_describe_refuses(tmp_path: Path, capsys: Captured) -> None:
    assert "did you mean mobilefacenet" in refused(["describe", "mobilefacent"], capsys)
    assert "describe and check, not 'iresnet100'" in refused(["iresnet100"], capsys)
    assert "absent.pt" in refused(["describe", "six_conv", "--weights", "absent.pt"], capsys)
    (tmp_path / "half.pt").write_bytes(b"PK\x03\x04 half a file")
    assert "half.pt" in refused(["describe", "six_conv", "--weights", str(tmp_path / "half.pt")], capsys)
    torch.save(build("six_conv", {}).module.state_dict(), tmp_path / "six.pt")
    sentence = refused(["describe", "mobilefacenet", "--weights", str(tmp_path / "six.pt")], capsys)
    assert "six.pt do not fit MobileFaceNetMS1M" in sentence
    assert "no_card.json" in refused(["describe", str(tmp_path / "no_card.json")], capsys)


def test_what_check_refuses(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "--pairs lfw" in refused(["check", "six_conv"], capsys)
    assert "--labels cifar10" in refused(["check", "six_conv", "--pairs", "lfw", "--labels", "cifar10"], capsys)
    monkeypatch.delenv("MINT_DATA", raising=False)
    assert "MINT_DATA" in refused(["check", "mobilefacenet", "--pairs", "lfw"], capsys)
    assert "MINT_DATA" in refused(["check", "cifar_resnet20", "--labels", "cifar10"], capsys)
    monkeypatch.setenv("MINT_DATA", str(tmp_path))
    assert "lfw_aligned112_jpeg90.npz" in refused(["check", "mobilefacenet", "--pairs", "lfw"], capsys)
    assert "cifar10_lossless_subset.npz" in refused(["check", "cifar_resnet20", "--labels", "cifar10"], capsys)
    colours(tmp_path)
    assert "ten classes" in refused(["check", "mobilefacenet", "--labels", "cifar10"], capsys)
    (tmp_path / checking.CIFAR_FILE).write_bytes(b"no archive")
    assert "is not the archive" in refused(["check", "cifar_resnet20", "--labels", "cifar10"], capsys)


def colours(root: Path) -> None:
    """Photos of the shape of CIFAR-10's, whose class is 0 where red is the strongest and 1 where blue is."""
    arrays = {}
    for split, count in (("train", 40), ("test", 20)):
        label = np.arange(count) % 2
        images = np.zeros((count, 32, 32, 3), np.uint8)
        images[label == 0, ..., 0] = 200
        images[label == 1, ..., 2] = 200
        arrays |= {f"x_{split}": images, f"y_{split}": label}
    arrays["y_train"][:4] = 9  # so that no order reaches all
    path = root / checking.CIFAR_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)


class ByColour(nn.Module):
    """Ten logits: the strength of red, of blue, and eight that are never the largest."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(3, 10, 1)
        with torch.no_grad():
            self.mix.weight.zero_()
            self.mix.weight[0, 0] = self.mix.weight[1, 2] = 1.0
            self.mix.bias.fill_(-50.0)
            self.mix.bias[:2] = 0.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.mix(x).mean((2, 3))


CODE = "from tests.unit.test_networks_command import ByColour\n\ndef make():\n    return ByColour()\n"
PLAIN = {"size": [32, 32]}


@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_a_classifier_is_measured_in_both_orders(
    channels: str, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    colours(tmp_path)
    (tmp_path / "colour_networks.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("MINT_DATA", str(tmp_path))
    out = tmp_path / "check.json"
    own = json.dumps(PLAIN | {"channels": channels})
    words = ["networks", "check", "colour_networks:make", "--labels", "cifar10", "--preprocessing", own]
    assert main([*words, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    document = json.loads(out.read_text())
    assert [check["channels"] for check in document["checks"]] == [channels, "BGR" if channels == "RGB" else "RGB"]
    assert [check["own"] for check in document["checks"]] == [True, False]
    figures = {
        check["channels"]: {of["split"]: (of["accuracy"], of["photos"]) for of in check["labels"]}
        for check in document["checks"]
    }
    assert figures == {"RGB": {"train": (0.9, 40), "test": (1.0, 20)}, "BGR": {"train": (0.0, 40), "test": (0.0, 20)}}
    train = document["checks"][channels == "BGR"]["labels"][0]
    assert train["low"] == pytest.approx(0.7634, abs=1e-3)  # Clopper-Pearson of 36 of 40
    assert train["high"] == pytest.approx(0.9721, abs=1e-3)
    assert "90.00 % [76.34, 97.21] of 40 photos" in printed
    assert ("Warning: RGB does better" in printed) == (channels == "BGR")


def test_a_check_leaves_the_network_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    colours(tmp_path)
    monkeypatch.setenv("MINT_DATA", str(tmp_path))
    network = AuditedNetwork(ByColour(), taps={"outcome": ""}, preprocessing=Preprocessing(size=(32, 32)))
    before = network.fingerprint(), network.preprocessing
    checking.check_labels(network)
    network.describe(every_module=True)
    assert (network.fingerprint(), network.preprocessing) == before
    with pytest.raises(KeyError), checking._fed(network, "BGR"):
        raise KeyError
    assert network.preprocessing == before[1]
