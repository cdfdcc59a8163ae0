"""Networks from ONNX files: the same activations as in torch, early exit, any batch, and what is no network."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto

from mint_lightning.audited import AuditedNetwork, NetworkSource, Preprocessing, adapt_batchnorm, untrained_twin
from mint_lightning.audited.iresnet import IRESNET_TAPS
from mint_lightning.cli import main
from mint_lightning.errors import UserError
from tests.network_card import ARGUMENTS
from tests.onnx_files import drawn, exported
from tests.shard_sets import pack_noise

pytestmark = pytest.mark.unit

IMAGES = torch.randint(0, 256, (5, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
TWIN = {"architecture": "iresnet_small", "arguments": ARGUMENTS}


def opened(path: Path, **more: object) -> AuditedNetwork:
    return NetworkSource(architecture="onnx", weights=str(path), **more).load()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AuditedNetwork]:
    path = tmp_path_factory.mktemp("onnx") / "network.onnx"
    module = exported(path)
    return path, AuditedNetwork(module, taps=IRESNET_TAPS, preprocessing=Preprocessing(size=(32, 32)))


def test_it_gives_the_activations_of_the_torch_network(pair: tuple[Path, AuditedNetwork]) -> None:
    path, torch_network = pair
    network = opened(path)
    assert network.tap_names == ("conv1", "conv2", "conv3", "conv4", "outcome")
    assert network.preprocessing == Preprocessing(size=(32, 32))
    asked = ["conv1", "conv2:mean_std", "conv3:map", "conv4", "outcome"]
    own, expected = (each(IMAGES, asked, ["original", "flip"]) for each in (network, torch_network))
    for view, aad in expected.items():
        for tap, value in aad.items():
            torch.testing.assert_close(own[view][tap], value, rtol=1e-4, atol=1e-4 * float(value.abs().max()))
    torch.testing.assert_close(network.embed(IMAGES), torch_network.embed(IMAGES), rtol=1e-4, atol=1e-4)


def test_taps_cost_what_they_cost_in_torch(pair: tuple[Path, AuditedNetwork]) -> None:
    path, torch_network = pair
    own, expected = opened(path).describe(), torch_network.describe()
    for one, other in zip(own, expected, strict=True):
        assert (one.name, one.channels, one.height, one.width) == (
            other.name, other.channels, other.height, other.width
        )  # fmt: skip
        assert one.share == pytest.approx(other.share, abs=1e-6)
    assert len(opened(path).describe(every_module=True)) > 20


def test_the_graph_is_cut_behind_the_last_tap(pair: tuple[Path, AuditedNetwork]) -> None:
    network = opened(pair[0])
    network(IMAGES, ["conv2"])
    network(IMAGES, ["conv2"])
    graph = network.module.graph
    cut = graph.cut([network.taps["conv2"]])
    assert len(cut.graph.node) < 0.7 * len(graph.model.graph.node)
    assert sum(len(w.raw_data) for w in cut.graph.initializer) < sum(
        len(w.raw_data) for w in graph.model.graph.initializer
    )
    asked = {names for names, _ in network.module._sessions}
    assert (network.taps["conv2"],) in asked
    whole = network.module._sessions
    network(IMAGES, ["conv1"])
    network(IMAGES, ["conv2"])
    assert len(whole) <= 4, "a session is made once for each set of taps"


def test_any_tensor_or_node_is_a_tap(tmp_path: Path) -> None:
    drawn(tmp_path / "n.onnx", ["N", 3, 16, 16])
    network = opened(tmp_path / "n.onnx")
    found = network(IMAGES, ["maps.0", "conv:mean_std", "outcome"])["original"]
    assert found["maps.0"].shape == (5, 4)
    torch.testing.assert_close(found["conv:mean_std"][:, :4], found["outcome"])
    with pytest.raises(UserError, match="has no tap 'conv9'"):
        network(IMAGES, ["conv9"])


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_a_fixed_batch_takes_any_number(tmp_path: Path, batch: int) -> None:
    module = exported(tmp_path / "fixed.onnx", batch=batch, dynamic=False)
    network = opened(tmp_path / "fixed.onnx")
    assert network.module.batch == batch
    expected = AuditedNetwork(module, taps=IRESNET_TAPS, preprocessing=Preprocessing(size=(32, 32)))
    for number in (1, 3, 5):
        images = IMAGES[:number]
        torch.testing.assert_close(network.embed(images), expected.embed(images), rtol=1e-4, atol=1e-4)


def test_channels_last_and_preprocessing_in_the_graph(tmp_path: Path) -> None:
    torch.manual_seed(0)
    drawn(tmp_path / "last.onnx", ["N", 16, 24, 3], channels_last=True, beginning=("Sub", "Mul"))
    network = opened(tmp_path / "last.onnx")
    assert network.preprocessing == Preprocessing(size=(16, 24), mean=(0, 0, 0), std=(1, 1, 1))
    torch.manual_seed(0)
    drawn(tmp_path / "first.onnx", ["N", 3, 16, 24], beginning=("Sub", "Mul"))
    torch.testing.assert_close(network.embed(IMAGES), opened(tmp_path / "first.onnx").embed(IMAGES))
    drawn(tmp_path / "plain.onnx", ["N", 3, None, None])
    assert opened(tmp_path / "plain.onnx").preprocessing == Preprocessing()


def test_it_is_known_by_its_weights_and_its_form(pair: tuple[Path, AuditedNetwork], tmp_path: Path) -> None:
    first = opened(pair[0])
    before = first.fingerprint()
    first(IMAGES, ["conv1", "outcome"])
    assert first.fingerprint() == before == opened(pair[0]).fingerprint()
    exported(tmp_path / "other.onnx", seed=1)
    assert opened(tmp_path / "other.onnx").fingerprint() != before
    assert repr(first.module).count("form=") == 1


def test_its_twin_is_the_architecture_that_is_declared(pair: tuple[Path, AuditedNetwork]) -> None:
    with pytest.raises(UserError, match="no untrained twin"):
        untrained_twin(opened(pair[0]), 1)
    network = opened(pair[0], twin=TWIN)
    twin = untrained_twin(network, 1)
    assert adapt_batchnorm(twin, [IMAGES]) == 5
    taps = list(network.tap_names)
    assert twin.aad_shapes(taps) == network.aad_shapes(taps)
    with pytest.raises(UserError, match="has no tap 'conv1'"):
        untrained_twin(opened(pair[0], twin={"architecture": "six_conv"}), 1)
    with pytest.raises(UserError, match="twin is"):
        untrained_twin(opened(pair[0], twin={"name": "x"}), 1)


def test_it_is_audited_like_any_other(
    pair: tuple[Path, AuditedNetwork], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    pack_noise(tmp_path / "shards", people=60, size=32)
    network = json.dumps({"architecture": "onnx", "weights": str(pair[0]), "twin": TWIN})
    words = ["--data.class_path", "datamodules.Faces", "--data.shards", "shards", "--data.network", network]
    words += ["--data.members", "[d]", "--data.externals", "[e]", "--data.batch_size", "32", "--data.workers", "0"]
    rows = "[{head: vanilla, taps: [conv1]}, {head: vanilla, taps: [outcome]}, {head: norm}]"
    words += ["--rows", rows, "--twins", "1", "--seeds", "1", "--recipe", "{epochs: 2}", "--with_network", "true"]
    assert main(["table", *words, "--register", "false"]) == 0
    card = json.loads((tmp_path / "mlruns/tables/table/network/card.json").read_text())
    assert (card["architecture"], card["weights"]["file"]) == ("onnx", "weights.onnx")
    photos = ["--out", "mlruns/audits/a", "shards"]
    assert main(["audit", "--auditor", "mlruns/tables/table/auditors/embedding_norm", *photos]) == 0
    assert main(["networks", "describe", str(pair[0])]) == 0
    assert "conv4" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda p: p.write_bytes(b"no graph at all"), "is not an ONNX file"),
        (lambda p: p.write_bytes(b""), "is not an ONNX file"),
        (lambda p: (exported(p), p.write_bytes(p.read_bytes()[: p.stat().st_size // 2])), "is not an ONNX file"),
        (lambda p: drawn(p, ["N", 3, 16, 16], inputs=2), "has the inputs images, more"),
        (lambda p: drawn(p, ["N", 3, 16, 16], kind=TensorProto.UINT8), "of the type UINT8"),
        (lambda p: drawn(p, ["N", 5, 16, 16]), r"shape \(\?, 5, 16, 16\), not images"),
        (lambda p: drawn(p, ["N", 100]), r"shape \(\?, 100\), not images"),
    ],
)
def test_what_is_no_network_is_refused(tmp_path: Path, made, said: str) -> None:
    made(tmp_path / "bad.onnx")
    with pytest.raises(UserError, match=said):
        opened(tmp_path / "bad.onnx")


def test_arguments_files_and_weights_elsewhere_are_refused(tmp_path: Path) -> None:
    drawn(tmp_path / "n.onnx", ["N", 3, 16, 16])
    with pytest.raises(UserError, match="takes no arguments"):
        opened(tmp_path / "n.onnx", arguments={"width": 3})
    with pytest.raises(UserError, match="name it as weights"):
        NetworkSource(architecture="onnx").load()
    with pytest.raises(UserError, match=r"no weights file at .*absent\.onnx"):
        opened(tmp_path / "absent.onnx")
    for location, said in (("../secret", "outside its folder"), ("/etc/passwd", "outside"), ("w.bin", "is not there")):
        model = onnx.load(str(tmp_path / "n.onnx"))
        weight = model.graph.initializer[0]
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        entry = weight.external_data.add()
        entry.key, entry.value = "location", location
        (tmp_path / "outside.onnx").write_bytes(model.SerializeToString())
        with pytest.raises(UserError, match=said):
            opened(tmp_path / "outside.onnx")


def test_weights_beside_the_file_are_read(tmp_path: Path) -> None:
    drawn(tmp_path / "n.onnx", ["N", 3, 16, 16])
    expected = opened(tmp_path / "n.onnx").embed(IMAGES)
    model = onnx.load(str(tmp_path / "n.onnx"))
    onnx.save(model, str(tmp_path / "e.onnx"), save_as_external_data=True, location="w.bin", size_threshold=0)
    np.testing.assert_array_equal(opened(tmp_path / "e.onnx").embed(IMAGES), expected)
