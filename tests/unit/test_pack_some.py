"""Packing some of a source, tars of another size, and what would be packed: through the front door."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.shards import KeyList, Manifest
from mint_lightning.shards.size import bytes_in_words, shard_size
from tests.images import face_folder

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 people: person i has 1 + i % 5 photos, 120 in all."""
    root = face_folder(tmp_path_factory.mktemp("photos") / "faces", identities=40, photos=5, size=16)
    for number, person in enumerate(sorted(root.iterdir())):
        for photo in sorted(person.iterdir())[1 + number % 5 :]:
            photo.unlink()
    return root


def packed(people: Path, out: Path, *words: str) -> tuple[Manifest, KeyList]:
    request = ["--source", f"folder:{people}", "--image-size", "16", "--workers", "0", "--lanes", "2"]
    assert main(["pack", *request, "--out", str(out), *words]) == 0
    manifest = Manifest.load(out)
    return manifest, KeyList.load(out, manifest)


def test_a_sample_is_balanced_and_nested(people: Path, tmp_path: Path) -> None:
    _, whole = packed(people, tmp_path / "whole")
    before: set[str] = set()
    for number, most in ((40, 1), (60, 2), (90, 3)):
        manifest, keys = packed(people, tmp_path / str(number), "--sample", str(number))
        assert (len(keys), manifest.request["source"]["sample"]) == (number, number)
        photos = Counter(keys.identity[:].tolist())
        there = Counter(whole.identity[:].tolist())
        assert len(photos) == 40
        assert max(photos.values()) == most
        assert all(photos[person] >= min(there[person], most - 1) for person in there)
        assert before < set(keys.key[:].tolist())
        before = set(keys.key[:].tolist())
    _, again = packed(people, tmp_path / "again", "--sample", "90")
    assert again.key[:].tolist() == keys.key[:].tolist()


def test_a_limit_takes_the_first_by_hash_and_keeps_splits(people: Path, tmp_path: Path) -> None:
    _, whole = packed(people, tmp_path / "whole")
    manifest, keys = packed(people, tmp_path / "some", "--limit", "70")
    first = whole.key[:][np.argsort(whole.key_hash)[:70]]
    assert set(keys.key[:].tolist()) == set(first.tolist())
    assert manifest.photos == {"found": 70, "read": 70, "broken": 0}
    there = dict(zip(whole.key[:].tolist(), whole.split[:].tolist(), strict=True))
    assert all(there[key] == split for key, split in zip(keys.key[:].tolist(), keys.split[:].tolist(), strict=True))
    _, all_of_them = packed(people, tmp_path / "many", "--limit", "5000")
    assert len(all_of_them) == 120


def test_tars_hold_as_many_images_as_asked(people: Path, tmp_path: Path) -> None:
    manifest, keys = packed(people, tmp_path / "by_images", "--shard-size", "7")
    assert max(shard.count for shard in manifest.shards) == 7
    lanes = {(shard.partition, shard.split, shard.lane) for shard in manifest.shards}
    for lane in lanes:
        own = [shard.count for shard in manifest.shards if (shard.partition, shard.split, shard.lane) == lane]
        assert all(count == 7 for count in own[:-1])
    by_bytes, _ = packed(people, tmp_path / "by_bytes", "--shard-size", "20kB")
    assert 10_000 < max(shard.bytes for shard in by_bytes.shards) <= 20_000 + 10_240
    whole, all_keys = packed(people, tmp_path / "whole")
    assert len(whole.shards) == 8 < len(manifest.shards)
    assert keys.key[:].tolist() == all_keys.key[:].tolist()
    assert "shard_images" not in whole.request


def test_a_dry_run_says_what_comes_and_writes_nothing(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (person := people / "person_001").exists()
    broken = person / "broken.jpg"
    broken.write_bytes(b"")
    try:
        words = ["--source", f"folder:{people}", "--image-size", "16", "--lanes", "2", "--shard-size", "7"]
        words += ["--partitions", '{"A": 0.5, "B": 0.5}', "--limit", "121", "--max-broken", "0.1", "--workers", "0"]
        assert main(["pack", *words, "--out", str(tmp_path / "set"), "--dry-run"]) == 0
        said = capsys.readouterr().out
        assert list(tmp_path.iterdir()) == []
        assert main(["pack", *words, "--out", str(tmp_path / "set")]) == 0
    finally:
        broken.unlink()
    manifest = Manifest.load(tmp_path / "set")
    assert "121 photos of 40 identities" in said
    assert "16 x 16, jpeg95; alignment: as given; border: as given" in said
    tars = re.search(r"in (\d+) tars", said)
    assert tars
    assert abs(int(tars[1]) - len(manifest.shards)) <= 1
    size = re.search(r"about ([\d.]+) KiB", said)
    assert size
    written = sum(shard.bytes for shard in manifest.shards)
    assert 0.8 < 1024 * float(size[1]) / written < 1.2
    for partition in ("A", "B"):
        fit = manifest.counts["faces"][partition]["fit"]
        line = next(line for line in said.splitlines() if line.strip().startswith(f"{partition} "))
        found = re.search(r"(\d+) of (\d+)", line)
        assert found
        assert 0 <= int(found[1]) - fit["images"] <= 1, "the broken photo is not known before it is read"
        assert int(found[2]) == fit["identities"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--limit", "0"], "limit = 0"),
        (["--sample", "-3"], "sample = -3"),
        (["--sample", "9", "--limit", "9"], "give one of them"),
        (["--shard-size", "many"], "shard_size is 'many'"),
        (["--shard-size", "0"], "shard_size is '0'"),
        (["--limit", "2", "--dry-run"], "identities only"),
        (["--dry-run", "--encoder", "gif"], "no encoder 'gif'"),
    ],
)
def test_what_cannot_be_asked_is_said(
    people: Path, words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pack", "--source", f"folder:{people}", "--out", str(tmp_path / "set"), *words]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_says_that_something_stands_in_the_way(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed(people, tmp_path / "set")
    words = ["pack", "--source", f"folder:{people}", "--out", str(tmp_path / "set"), "--dry-run"]
    assert main(words) == 2
    assert "already is a shard set" in capsys.readouterr().err
    assert main([*words, "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("2000", {"shard_images": 2000}), ("64MiB", {"shard_bytes": 2**26}), ("1.5 GB", {"shard_bytes": 1_500_000_000}),
        ("10kb", {"shard_bytes": 10_000}),
    ],
)  # fmt: skip
def test_sizes(text: str, means: dict[str, int]) -> None:
    assert shard_size(text) == means


@pytest.mark.parametrize("text", ["", "1.5", "MiB", "-5", "5 images", "0kB"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(UserError, match="shard_size"):
        shard_size(text)


def test_bytes_in_words() -> None:
    assert [bytes_in_words(size) for size in (0, 1023, 1536, 3 * 2**30)] == [
        "0 bytes", "1,023 bytes", "1.5 KiB", "3.0 GiB",
    ]  # fmt: skip
