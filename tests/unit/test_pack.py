import hashlib
import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest

from mint_lightning.shards import SPLITS, HoldOut, KeyList, Manifest, pack, parallel, partition_of, split_of
from mint_lightning.shards.sources import FolderSource
from tests.images import encoded, face, face_folder
from tests.packing import Listed, faces, small

pytestmark = pytest.mark.unit

HALVES = {"A": 0.5, "B": 0.5}


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return face_folder(tmp_path_factory.mktemp("photos") / "faces", identities=40, photos=4, size=16)


@pytest.fixture(scope="module")
def packed(people, tmp_path_factory):
    out = tmp_path_factory.mktemp("shards") / "set"
    hold_out = HoldOut(photos=1, minimum=3, partitions=("A",))
    manifest = pack(FolderSource(people), out, image_size=16, encoder="png", partitions=HALVES, hold_out=hold_out)
    return out, manifest, KeyList.load(out, manifest)


def files(root):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(root.iterdir())}


def test_every_photo_is_packed_once_with_its_own_pixels(people, packed):
    _, manifest, keys = packed
    assert manifest.images == len(keys) == 160
    assert sorted(keys.origin) == sorted(photo.origin for photo in FolderSource(people).list())
    assert len(set(keys.key)) == 160
    assert (np.diff(keys.shard) >= 0).all()


def test_plain_webdataset_reads_the_shards(people, packed):
    import webdataset

    out, manifest, keys = packed
    urls = [str(out / shard.name) for shard in manifest.shards]
    samples = list(webdataset.WebDataset(urls, shardshuffle=False))
    assert [sample["__key__"] for sample in samples] == keys.key.tolist()
    for row, sample in enumerate(samples):
        facts = json.loads(sample["json"])
        assert facts == {
            "source": "faces",
            "identity": str(keys.identity[row]),
            "label": int(keys.label[row]),
            "partition": str(keys.partition[row]),
            "origin": keys.origin[row],
        }
        assert hashlib.sha256(sample["png"]).hexdigest().encode() == keys.sha256[row]
        assert sample["png"] == encoded(np.asarray(face(int(facts["label"]), int(facts["origin"][11]), 16)))


def test_membership_is_not_stored(packed):
    out, _, _ = packed
    assert "member" not in (out / "manifest.json").read_text()


def test_splits_and_partitions_are_those_of_the_identity(packed):
    _, _, keys = packed
    for row in range(len(keys)):
        identity = str(keys.identity[row])
        assert keys.split[row] == split_of("faces", identity, seed=0)
        assert keys.partition[row].removesuffix("_unseen") == partition_of("faces", identity, HALVES, seed=0)


def test_hold_out_takes_its_photos_from_the_named_partition_only(packed):
    _, manifest, keys = packed
    assert manifest.partitions == {"A": 0.5, "B": 0.5, "A_unseen": {"held_out_from": "A", "photos": 1, "minimum": 3}}
    people_of_a = set(keys.identity[keys.partition == "A"])
    held = keys.identity[keys.partition == "A_unseen"].tolist()
    assert sorted(held) == sorted(people_of_a)
    # drawn by hash: not always the same place in the folder
    assert len({origin[-5] for origin in keys.origin[keys.partition == "A_unseen"]}) > 1


def test_hold_out_spares_identities_with_few_photos(tmp_path):
    photos = [entry for entry in faces(20, 4) if int(entry[0][1:]) % 2 or entry[1][-1] < "2"]
    manifest = small(Listed(photos), tmp_path / "x", hold_out=HoldOut(2, 3, ("all",)))
    keys = KeyList.load(tmp_path / "x", manifest)
    names, times = np.unique(keys.identity[keys.partition == "all_unseen"], return_counts=True)
    assert set(names) == {f"p{i}" for i in range(1, 20, 2)}
    assert set(times) == {2}


def test_labels_number_the_sorted_identities(packed):
    _, _, keys = packed
    names = sorted(set(keys.identity.tolist()))
    assert [names[label] for label in keys.label] == keys.identity.tolist()


def test_counts_are_those_of_the_key_list(packed):
    _, manifest, keys = packed
    for partition in ("A", "A_unseen", "B"):
        for split in SPLITS:
            rows = (keys.partition == partition) & (keys.split == split)
            cell = manifest.counts["faces"][partition].get(split, {"images": 0, "identities": 0})
            assert cell == {"images": rows.sum(), "identities": len(set(keys.identity[rows]))}


def test_lanes_differ_by_at_most_one_in_each_group(packed):
    _, _, keys = packed
    for partition in set(keys.partition):
        for split in set(keys.split):
            lanes = np.bincount(keys.lane[(keys.partition == partition) & (keys.split == split)], minlength=8)
            assert lanes.max() - lanes.min() <= 1


def test_lanes_stay_equal_when_photos_are_broken(tmp_path):
    photos = [
        (identity, origin, bytes if number % 5 == 0 else reader)
        for number, (identity, origin, reader) in enumerate(faces(40))
    ]
    manifest = small(Listed(photos), tmp_path / "x", max_broken=0.5)
    keys = KeyList.load(tmp_path / "x", manifest)
    assert len(manifest.broken) == 16
    for split in set(keys.split):
        lanes = np.bincount(keys.lane[keys.split == split], minlength=8)
        assert lanes.max() - lanes.min() <= 1


def test_positions_count_through_the_shards_of_a_lane(people, tmp_path):
    manifest = small(FolderSource(people), tmp_path / "x", lanes=2, shard_bytes=20_000)
    keys = KeyList.load(tmp_path / "x", manifest)
    for split in SPLITS:
        for lane in range(2):
            rows = np.flatnonzero((keys.split == split) & (keys.lane == lane))
            assert keys.position[rows].tolist() == list(range(len(rows)))
    fit = [shard for shard in manifest.shards if shard.split == "fit" and shard.lane == 0]
    assert len(fit) > 2
    assert all(shard.bytes <= 20_000 + 10_240 for shard in manifest.shards)
    assert [shard.count for shard in manifest.shards] == np.bincount(keys.shard).tolist()


def test_equal_input_gives_equal_bytes_whatever_the_workers(people, tmp_path, monkeypatch):
    small(FolderSource(people), tmp_path / "none", partitions=HALVES, workers=0)
    small(FolderSource(people), tmp_path / "three", partitions=HALVES, workers=3)
    spawned = partial(ProcessPoolExecutor, mp_context=get_context("spawn"))
    monkeypatch.setattr(parallel, "ProcessPoolExecutor", spawned)
    small(FolderSource(people), tmp_path / "spawned", partitions=HALVES, workers=1)
    assert files(tmp_path / "none") == files(tmp_path / "three") == files(tmp_path / "spawned")


def test_neither_the_place_nor_the_order_of_listing_changes_a_byte(tmp_path):
    small(Listed(faces()), tmp_path / "one")
    small(Listed(faces()[::-1]), tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_the_seed_changes_the_division(people, packed, tmp_path):
    _, manifest, keys = packed
    other = small(FolderSource(people), tmp_path / "x", partitions=HALVES, seed=1)
    assert other.partition_hash != manifest.partition_hash
    assert set(KeyList.load(tmp_path / "x", other).key) == set(keys.key)


def test_manifest_names_files_by_their_hash_and_no_place(packed, people):
    out, manifest, _ = packed
    assert Manifest.load(out) == manifest
    digests = files(out)
    assert {shard.name: shard.sha256 for shard in manifest.shards} == {
        k: v for k, v in digests.items() if k.endswith(".tar")
    }
    assert digests["keys.parquet"] == manifest.keys_sha256
    assert str(people.parent) not in (out / "manifest.json").read_text()


def test_broken_photos_are_left_out_and_listed(tmp_path):
    root = face_folder(tmp_path / "faces", identities=20, photos=2, size=16)
    (root / "person_000/a.jpg").write_bytes(b"")
    (root / "person_001/b.png").write_bytes(b"text")
    (root / "person_002/c.png").write_bytes(encoded(face(1))[:500])
    (root / "person_003/Thumbs.db").write_bytes(b"x")
    manifest = small(FolderSource(root), tmp_path / "x", max_broken=0.1)
    reasons = {entry["photo"]: entry["reason"] for entry in manifest.broken}
    assert reasons["faces: person_000/a.jpg"] == "the file is empty"
    assert reasons["faces: person_001/b.png"] == "not an image"
    assert reasons["faces: person_002/c.png"].startswith("damaged")
    assert manifest.images == 40
    assert manifest.skipped == {"count": 1, "examples": ["person_003/Thumbs.db"]}


def test_an_unreadable_file_is_broken(tmp_path):
    root = face_folder(tmp_path / "faces", identities=20, photos=1, size=16)
    source = FolderSource(root)
    source.list()
    (root / "person_004/0.png").unlink()
    manifest = small(source, tmp_path / "x", max_broken=0.1)
    assert manifest.broken[0]["reason"] == "cannot be read (No such file or directory)"
