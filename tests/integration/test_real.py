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
