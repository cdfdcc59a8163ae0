"""From a folder of one's own photos to a table: pack, train, audit, with references and the complement beside."""

import json
from pathlib import Path

import pytest

from mint_lightning.cli import main
from tests.images import face_folder

pytestmark = pytest.mark.integration

TINY = '{"image_size": 32, "widths": [4, 4, 8, 8], "embedding": 8}'
RESIZED = '{"size": [32, 32]}'


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = face_folder(tmp_path_factory.mktemp("own") / "photos", identities=80, photos=4, size=32)
    (folder / "Thumbs.db").write_bytes(b"x")
    (folder / "person_000" / "empty.jpg").write_bytes(b"")
    return folder


def test_from_a_folder_to_a_table(
    photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(photos.parent)
    halves = '{"members": 0.5, "externals": 0.5}'
    held = ["--hold_out", "1", "--hold_out_minimum", "3", "--image_size", "32", "--seed", "3"]
    assert main(["pack", "--source", "folder:photos", "--out", "shards/own", "--partitions", halves, *held]) == 0
    printed = capsys.readouterr().out
    assert "empty.jpg" in printed
    assert "Thumbs.db" in printed
    assert main(["verify", "shards/own"]) == 0

    train = ["train-audited", "--shards", "shards/own", "--arguments", TINY, "--epochs", "1", "--batch_size", "32"]
    assert main([*train, "--out", "networks/own", "--bf16", "false"]) == 0
    assert main([*train, "--out", "networks/other", "--bf16", "false", "--complement", "true"]) == 0

    data = ["--data.class_path", "datamodules.Faces", "--data.init_args.shards", "shards/own"]
    data += ["--data.init_args.network.card", "networks/own/card.json", "--data.init_args.batch_size", "32"]
    rows = ["--rows", '[{"head": "vanilla", "taps": ["conv2"], "samples": 64}, {"head": "agreement"}]']
    random = f'{{"architecture": "iresnet_small", "arguments": {TINY}, "preprocessing": {RESIZED}, "seed": %d}}'
    beside = [
        "--references",
        f'{{"r1": {random % 1}, "r2": {random % 2}}}',
        "--complement",
        '{"card": "networks/other"}',
    ]
    run = ["--recipe", '{"epochs": 2}', "--twins", "1", "--out", "audit", "--accelerator", "cpu"]
    assert main(["table", *data, *rows, *beside, *run]) == 0
    evidence = json.loads(Path("audit/table.json").read_text())["evidence"]
    for row in evidence["rows"]:
        kinds = [control["kind"] for control in row["controls"]]
        assert kinds.count("reference") == 2
        assert row["complement_auc"] is not None
        assert row["unseen_auc"] is not None
        assert row["reference_test"]["references"] == 2
    assert evidence["rows"][0]["samples"] == 64

    same = ["--references", '{"r": {"card": "networks/own"}}']
    assert main(["table", *data, *rows, *same, *run[:-2], "--out", "again"]) == 2
    assert "the audited network itself" in capsys.readouterr().err
    other = ["--references", '{"r": {"card": "networks/other"}}']
    assert main(["table", *data, *rows, *other, "--out", "again"]) == 2
    assert "trained on them" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("manifest gone", "manifest"),
        ("manifest not JSON", "manifest"),
        ("tar cut short", ".tar"),
        ("one class", "externals"),
        ("weights are a pickle", "network.safetensors"),
    ],
)
def test_damage_is_one_sentence(
    damage: str, words: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    halves = '{"members": 0.5, "externals": 0.5}'
    pack = ["pack", "--source", f"folder:{photos}", "--partitions", halves, "--image_size", "32", "--workers", "0"]
    assert main([*pack, "--out", "own"]) == 0
    network = f'{{"architecture": "iresnet_small", "arguments": {TINY}}}'
    groups = ["--data.members", "[members]", "--data.externals", "[externals]"]
    if damage == "manifest gone":
        Path("own/manifest.json").unlink()
    elif damage == "manifest not JSON":
        Path("own/manifest.json").write_text("{")
    elif damage == "tar cut short":
        for tar in Path("own").glob("*.tar"):
            tar.write_bytes(tar.read_bytes()[:1000])
    elif damage == "one class":
        groups = ["--data.members", "[members]", "--data.externals", "[externals_unseen]"]
    else:
        Path("network.safetensors").write_bytes(b"\x80\x04\x95\x00")
        network = f'{{"architecture": "iresnet_small", "arguments": {TINY}, "weights": "network.safetensors"}}'
    data = ["--data.class_path", "datamodules.Faces", "--data.shards", "own", "--data.network", network, *groups]
    rows = ["--rows", '[{"head": "norm"}]', "--twins", "1", "--data.batch_size", "32", "--data.workers", "0"]
    assert main(["table", *data, *rows, "--out", "audit"]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("Error: ")
    assert words in error
    assert not Path("audit").exists()
