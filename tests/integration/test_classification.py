"""`train-audited --task classification`: it learns its members and writes down which, and refuses in a sentence."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from mint_lightning.audited import NetworkSource
from mint_lightning.cli import main
from mint_lightning.shards import KeyList, Manifest
from tests.coloured_shapes import CLASSES, name_classes, pack_shapes
from tests.shard_sets import pack_noise

pytestmark = pytest.mark.integration

QUICK = ["--batch_size", "32", "--bf16", "false", "--accelerator", "cpu", "--epochs", "2"]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_shapes(tmp_path_factory.mktemp("shards") / "shapes")


def train(shards: Path, out: Path, *words: str) -> int:
    return main(
        ["train-audited", "--task", "classification", "--shards", str(shards), "--out", str(out), *QUICK, *words]
    )


def card_in(folder: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / "card.json").read_text())
    return card


def members_in(folder: Path) -> list[str]:
    keys: list[str] = pq.read_table(folder / "members.parquet")["key"].to_pylist()
    return keys


def keys_of(shards: Path) -> KeyList:
    return KeyList.load(shards, Manifest.load(shards))


def test_it_learns_classes_and_leaves_networks_on_the_way(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--epochs", "12", "--batch_size", "16", "--arguments", '{"dropout": [0, 0, 0, 0]}']
    assert train(shards, tmp_path / "a", *words, "--checkpoints", "[1, 3]", "--validated", "true") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "a_epoch1", "a_epoch3", "a_validated"]
    keys, last = keys_of(shards), card_in(tmp_path / "a")
    assert capsys.readouterr().out.count("card.json") == 4
    assert last["accuracy"]["train"]["accuracy"] > 0.9
    reached = last["accuracy"]["test"]
    assert reached["low"] > 0.35  # of four classes chance has a quarter
    assert reached["low"] < reached["accuracy"] < reached["high"]
    assert members_in(tmp_path / "a") == sorted(keys.key[keys.where(["members"])])

    others = set(keys.where(["others"])) - set(keys.where(["others"], ["validate"]))
    for name, epochs in (("a", 12), ("a_epoch1", 1), ("a_epoch3", 3)):
        card = card_in(tmp_path / name)
        assert card["name"] == name
        assert card["config"]["epochs_trained"] == len(card["config"]["epochs_log"]) == epochs
        assert card["config"]["classes"] == list(CLASSES)
        assert card["accuracy"]["train"]["images"] == card["members"]["images"]
        assert card["accuracy"]["test"]["images"] == len(others)
        assert "test_by_partition" not in card["accuracy"]
    assert card_in(tmp_path / "a_epoch1")["members"]["images"] == len(keys.where(["members"])) // 16 * 16
    assert card_in(tmp_path / "a_epoch1")["accuracy"]["train"]["loss"] > last["accuracy"]["train"]["loss"]

    chosen = card_in(tmp_path / "a_validated")["config"]
    losses = [epoch["validation_loss"] for epoch in last["config"]["epochs_log"]]
    assert chosen["epochs_trained"] == 1 + int(np.argmin(losses))
    assert chosen["epochs_log"] == last["config"]["epochs_log"][: chosen["epochs_trained"]]

    assert main(["networks", "describe", str(tmp_path / "a" / "card.json")]) == 0
    said = capsys.readouterr().out
    assert f"{last['members']['images']} photos of {last['members']['identities']} identities of members" in said
    assert f"Accuracy, test: {100 * reached['accuracy']:.2f} % [" in said
    assert "Classes: 4: blue disc, blue square, red disc, red square" in said


def test_figures_of_the_card_are_those_of_its_network(shards: Path, tmp_path: Path) -> None:
    assert train(shards, tmp_path / "a", "--epochs", "3", "--checkpoints", "[1]", "--validated", "true") == 0
    from mint_lightning.shards import EvalLoader

    keys = keys_of(shards)
    number = keys.class_numbers(CLASSES)
    for name in ("a", "a_epoch1", "a_validated"):
        network = NetworkSource(card=str(tmp_path / name)).load()
        rows = keys.rows_of(members_in(tmp_path / name))
        right = [
            (network.embed(batch["images"]).argmax(1).numpy() == number[batch["row"].numpy()])
            for batch in EvalLoader(shards, keys, rows, batch_size=64)
        ]
        assert np.concatenate(right).mean() == card_in(tmp_path / name)["accuracy"]["train"]["accuracy"]


def test_an_audit_reads_every_layer(shards: Path, tmp_path: Path) -> None:
    assert train(shards, tmp_path / "a") == 0
    network = NetworkSource(card=str(tmp_path / "a" / "card.json")).load()
    taps = [*(f"layer{number}" for number in range(1, 8)), "outcome"]
    assert list(network.tap_names) == taps
    shapes = network.aad_shapes(taps)
    assert shapes["outcome"] == (len(CLASSES),)
    assert shapes["layer7"] == (128,)
    assert network.preprocessing.size == (16, 16)
    assert network.card is not None
    assert network.card.config["classes"] == list(Manifest.load(shards).classes)


def test_each_identity_is_in_exactly_half_of_the_halves(tmp_path: Path) -> None:
    root = pack_shapes(tmp_path / "set", number=480, together=2)
    found = []
    for half in range(4):
        out = tmp_path / f"half{half}"
        words = ("--partitions", "[members, others]", "--half", str(half), "--epochs", "3", "--batch_size", "16")
        assert train(root, out, *words) == 0
        found.append(set(members_in(out)))
        card = card_in(out)
        assert card["config"]["half"] == [half, 4]
        assert card["accuracy"]["test"]["images"] == 480 - card["members"]["images"]
        assert set(card["accuracy"]["test_by_partition"]) == {"members", "others"}
    keys = keys_of(root)
    inside = np.array([[key in members for members in found] for key in keys.key])
    assert (inside.sum(1) == 2).all()
    for label in np.unique(keys.label):
        assert len(np.unique(inside[keys.label == label], axis=0)) == 1
    patterns, times = np.unique(inside, axis=0, return_counts=True)
    assert len(patterns) == 6
    assert times.min() > 480 / 6 / 2


def test_sgd_smoothing_and_a_residual_network(tmp_path: Path) -> None:
    root = pack_shapes(tmp_path / "set", size=32, number=160)
    words = ("--architecture", "cifar_resnet20", "--optimizer", "sgd", "--label_smoothing", "0.1", "--epochs", "1")
    assert train(root, tmp_path / "a", *words) == 0
    card = card_in(tmp_path / "a")
    assert card["arguments"] == {"classes": 4}
    assert card["config"]["rate"] == 0.1
    words = ("--architecture", "timm:test_resnet", "--epochs", "1", "--augment", "flip")
    assert train(root, tmp_path / "b", *words) == 0
    assert card_in(tmp_path / "b")["arguments"] == {"num_classes": 4}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--margin", "0.3"], "--margin is of recognition, and the task is classification"),
        (["--loss", "cosface"], "--loss cosface is of recognition; the task classification takes cross_entropy"),
        (
            ["--architecture", "iresnet_small"],
            "iresnet_small gives embeddings of faces and no classes: take cifar_resnet20",
        ),
        (
            ["--architecture", "cifar_resnet20"],
            "cifar_resnet20 takes images of 32x32 pixels, and those of the shard set",
        ),
        (["--arguments", '{"classes": 7}'], "six_conv gives 7 values where the shard set has 4 classes"),
        (["--checkpoints", "[2]"], "checkpoints names the epoch 2, and the last network is that of epoch 2"),
        (["--half", "4"], "half=4 must be a number from 0 to 3"),
        (["--half", "0", "--halves", "3"], "halves=3 must be an even number"),
        (["--halves", "4"], "--half NUMBER says which of them"),
        (["--partitions", "[members, others]", "--validated", "true"], "No photo of the validate split is left"),
        (["--label_smoothing", "1.0"], "label_smoothing=1.0 from 0 to below 1"),
        (["--rate", "0"], "rate=0.0 above 0"),
        (["--batch_size", "30"], "use a batch_size of 28 or 32"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_a_sentence(
    words: list[str], sentence: str, shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(shards, tmp_path / "a", *words) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert not list(tmp_path.iterdir())


def test_arguments_of_classifiers_are_refused_to_faces(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train-audited", "--shards", str(shards), "--out", str(tmp_path / "a")]
    assert main([*command, "--augment", "flip"]) == 2
    assert "--augment is of classification, and the task is recognition" in capsys.readouterr().err
    assert main([*command, "--loss", "cross_entropy"]) == 2
    assert "the task recognition takes cosface or arcface" in capsys.readouterr().err


def test_a_set_without_classes_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = pack_noise(tmp_path / "noise", partitions={"members": 0.5, "others": 0.5})
    assert train(root, tmp_path / "a") == 2
    assert "pack it from a source that knows them, such as classes:FOLDER" in capsys.readouterr().err


def test_photos_without_a_class_are_left_out_and_classes_without_a_photo_are_said(tmp_path: Path) -> None:
    root = pack_shapes(tmp_path / "set", number=160)
    known = {f"{number}.png": CLASSES[number % 4] for number in range(160) if number % 4 not in (1, 3)}
    known |= {"1.png": CLASSES[1], "5.png": CLASSES[1], "9.png": CLASSES[1], "13.png": CLASSES[1]}
    name_classes(root, known)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert train(root, tmp_path / "a", "--batch_size", "16") == 0
    said = [str(each.message) for each in caught]
    assert any("photos to train on have no class: they are left out" in text for text in said)
    assert any("shows 1 of 4 classes (red square): the network cannot learn them" in text for text in said)
    keys = keys_of(root)
    origins = keys.origin[keys.rows_of(members_in(tmp_path / "a"))]
    assert set(origins) <= set(known)
