"""The same file in two partitions or splits: refused, or left out on both sides."""

import json
from pathlib import Path

import pytest

from mint_lightning.cli import main
from tests.images import encoded, face, face_folder
from tests.shard_sets import open_set

pytestmark = pytest.mark.unit

HALVES = '{"A": 0.5, "B": 0.5}'


def pack(root: Path, out: Path, *more: str) -> int:
    form = ["--image_size", "16", "--encoder", "png", "--partitions", HALVES, "--max_broken", "0.2"]
    return main(["pack", "--source", f"folder:{root}", "--out", str(out), *form, *more])


@pytest.mark.parametrize("workers", ["0", "2"])
def test_copies_across_people_are_left_out_on_both_sides(
    tmp_path: Path, workers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = face_folder(tmp_path / "faces", identities=40, photos=3, size=16)
    assert pack(root, tmp_path / "first") == 0
    _, keys = open_set(tmp_path / "first")
    places = dict(zip(keys.identity.tolist(), zip(keys.partition, keys.split, strict=True), strict=True))
    one = "person_000"
    apart = [person for person, place in places.items() if place != places[one]][:2]
    copied = encoded(face(0, 0, 16))
    for person in apart:
        (root / person / "copy.png").write_bytes(copied)
    (root / one / "copy.png").write_bytes(copied)
    (root / one / "empty.png").write_bytes(b"")
    (root / apart[0] / "empty.png").write_bytes(b"")
    assert pack(root, tmp_path / "set") == 2
    assert "ask for copies to be left out" in capsys.readouterr().err
    assert pack(root, tmp_path / "set", "--copies", "leave_out", "--workers", workers) == 0
    manifest, keys = open_set(tmp_path / "set")
    lines = [json.loads(line) for line in (tmp_path / "set/broken.jsonl").read_text().splitlines()]
    reasons = {entry["photo"].removeprefix("faces: "): entry["reason"] for entry in lines}
    same = "the same file as a photo in another partition or split"
    assert reasons == {
        f"{one}/0.png": same,
        f"{one}/copy.png": same,
        **{f"{person}/copy.png": same for person in apart},
        f"{one}/empty.png": "the file is empty",
        f"{apart[0]}/empty.png": "the file is empty",
    }
    assert manifest.photos == {"found": 125, "read": 119, "broken": 6}
    assert manifest.images == len(keys) == 119
    assert main(["verify", str(tmp_path / "set")]) == 0


def test_copies_within_a_split_stay_and_are_counted(tmp_path: Path) -> None:
    root = face_folder(tmp_path / "faces", identities=40, photos=2, size=16)
    (root / "person_003" / "copy.png").write_bytes((root / "person_003" / "0.png").read_bytes())
    assert pack(root, tmp_path / "set", "--copies", "leave_out") == 0
    manifest, _ = open_set(tmp_path / "set")
    assert (manifest.images, manifest.duplicates, manifest.broken) == (81, 1, ())


def test_requests_without_it_keep_their_hash(tmp_path: Path) -> None:
    root = face_folder(tmp_path / "faces", identities=20, photos=1, size=16)
    assert pack(root, tmp_path / "one", "--partitions", '{"all": 1.0}') == 0
    assert pack(root, tmp_path / "two", "--partitions", '{"all": 1.0}', "--copies", "leave_out") == 0
    (one, _), (two, _) = open_set(tmp_path / "one"), open_set(tmp_path / "two")
    assert "copies" not in one.request
    assert two.request["copies"] == "leave_out"
    assert [shard.sha256 for shard in one.shards] == [shard.sha256 for shard in two.shards]
