"""Real faces under MINT_DATA; skipped without them."""

import json
import os
from pathlib import Path

import pytest

from mint_lightning.cli import main

pytestmark = [pytest.mark.integration, pytest.mark.real]


def archive(name: str) -> Path:
    path = Path(os.environ.get("MINT_DATA") or "nowhere") / name
    if not path.is_file():
        pytest.skip(f"{name} is not under MINT_DATA")
    return path.absolute()


def test_att_packs_and_verifies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faces = archive("att_orl/att_orl_aligned112_jpeg90.npz")
    monkeypatch.chdir(tmp_path)
    assert main(["pack", "--source", f"npz:{faces}", "--name", "att", "--out", "att"]) == 0
    assert main(["verify", "att"]) == 0
    counts = json.loads(Path("att/manifest.json").read_text())["counts"]["att"]["all"]
    assert sum(split["images"] for split in counts.values()) == 400
    assert sum(split["identities"] for split in counts.values()) == 40


def test_raw_att_and_yale_are_packed_as_arrays_of_pixels_and_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, yale = archive("att_orl/att_orl_400.npz"), archive("yale/yale_aligned112_jpeg90.npz")
    monkeypatch.chdir(tmp_path)
    assert main(["pack", "--source", f"npz:{raw}", "--image_size", "92", "--out", "att"]) == 0
    assert main(["pack", "--source", f"npz:{yale}", "--out", "yale"]) == 0
    for name, number, people in (("att", 400, 40), ("yale", 164, 15)):
        manifest = json.loads(Path(name, "manifest.json").read_text())
        assert manifest["photos"] == {"found": number, "read": number, "broken": 0}
        assert sum(split["identities"] for split in manifest["counts"][name]["all"].values()) == people


def test_every_raw_att_face_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw, detector = archive("att_orl/att_orl_400.npz"), archive("models/det_500m.onnx")
    monkeypatch.chdir(tmp_path)
    how = ["--detector", str(detector), "--padding", "0.5"]
    assert main(["pack", "--source", f"npz:{raw}", *how, "--out", "att"]) == 0
    assert json.loads(Path("att/manifest.json").read_text())["faces"] == {"detected": 400}


def test_objects_in_parts_keep_classes_and_leave_copies_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signs = archive("gtsrb/gtsrb32_webp_lossless.npz")
    monkeypatch.chdir(tmp_path)
    form = ["--image_size", "32", "--encoder", "png", "--by_database", "true"]
    assert main(["pack", "--source", f"npz:{signs}", *form, "--out", "signs"]) == 2
    assert main(["pack", "--source", f"npz:{signs}", *form, "--copies", "leave_out", "--out", "signs"]) == 0
    manifest = json.loads(Path("signs/manifest.json").read_text())
    assert manifest["photos"]["found"] == 13070 + 6315
    assert 0 < manifest["photos"]["broken"] < 20
    train = manifest["counts"]["gtsrb32_train"]["gtsrb32_train"]
    assert sum(split["identities"] for split in train.values()) <= 1307
    assert len({line.split(",")[1] for line in Path("signs/attributes.csv").read_text().splitlines()[1:]}) == 43


def test_lfw_halves_hold_out_one_photo_of_whoever_has_three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faces = archive("lfw/lfw_aligned112_jpeg90.npz")
    monkeypatch.chdir(tmp_path)
    halves = ["--partitions", '{"H1": 0.5, "H2": 0.5}', "--hold_out", "1", "--hold_out_minimum", "3"]
    assert main(["pack", "--source", f"npz:{faces}", "--name", "lfw", "--out", "lfw", *halves]) == 0
    counts = json.loads(Path("lfw/manifest.json").read_text())["counts"]["lfw"]
    images = {name: sum(split["images"] for split in splits.values()) for name, splits in counts.items()}
    people = {name: sum(split["identities"] for split in splits.values()) for name, splits in counts.items()}
    assert sum(images.values()) == 13233
    assert people["H1"] + people["H2"] == 5749
    assert images["H1_unseen"] == people["H1_unseen"]
    assert people["H1_unseen"] + people["H2_unseen"] == 901  # people of LFW with three photos or more
