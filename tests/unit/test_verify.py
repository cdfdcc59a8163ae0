import hashlib
import io
import json
import shutil
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from mint_lightning.shards import HoldOut, KeyList, Manifest, pack, verify
from mint_lightning.shards.sources import FolderSource
from tests.images import encoded, face, face_folder

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("verify")
    source = FolderSource(face_folder(folder / "faces", identities=30, photos=3, size=16))
    pack(
        source,
        folder / "set",
        image_size=16,
        encoder="png",
        partitions={"A": 0.5, "B": 0.5},
        hold_out=HoldOut(1, 3, ("A",)),
        lanes=2,
    )
    return folder / "set"


@pytest.fixture
def root(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "set")


def forge(root, shard, change, manifest_too=True):
    """Rewrite one tar with `change(members)`, members being (name, bytes) pairs, and own up to it in the manifest."""
    path = root / shard.name
    with tarfile.open(path) as tar:
        members = [(member.name, tar.extractfile(member).read()) for member in tar]
    members = change(members)
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    if manifest_too:
        content = path.read_bytes()
        new = replace(shard, bytes=len(content), sha256=hashlib.sha256(content).hexdigest(), count=len(members) // 2)
        manifest = Manifest.load(root)
        replace(manifest, shards=tuple(new if each == shard else each for each in manifest.shards)).save(root)


def one(problems, *words):
    """The one problem that has all the words."""
    found = [problem for problem in problems if all(word in problem for word in words)]
    assert len(found) == 1, problems
    return found[0]


def shard_of(root, partition, split="fit", lane=0):
    for shard in Manifest.load(root).shards:
        if (shard.partition, shard.split, shard.lane) == (partition, split, lane):
            return shard
    raise LookupError


@pytest.mark.parametrize("workers", [0, 2])
def test_a_whole_set_has_no_problems(whole, workers):
    assert verify(whole, workers=workers) == []


def test_no_manifest(tmp_path):
    one(verify(tmp_path), "There is no shard manifest")


def test_missing_tar(root):
    shard = shard_of(root, "A")
    (root / shard.name).unlink()
    problems = verify(root)
    one(problems, f"{shard.name} is missing")
    one(problems, "key list", shard.name, "the tar holds 0")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_truncated_tar(root, share):
    shard = shard_of(root, "A")
    content = (root / shard.name).read_bytes()
    (root / shard.name).write_bytes(content[: int(len(content) * share)])
    problems = verify(root)
    one(problems, f"{shard.name} is cut short", f"the manifest says {shard.bytes}")


def test_a_changed_byte_anywhere_is_found(root):
    shard = shard_of(root, "B")
    content = (root / shard.name).read_bytes()
    for place in np.linspace(0, len(content) - 1, 12).astype(int):
        changed = bytearray(content)
        changed[place] ^= 0xFF
        (root / shard.name).write_bytes(changed)
        assert any(shard.name in problem for problem in verify(root)), place


def test_a_changed_image_is_named(root):
    shard = shard_of(root, "B")
    other = encoded(face(99, 0, 16))
    forge(root, shard, lambda members: [members[0], (members[1][0], other), *members[2:]])
    keys = KeyList.load(root, Manifest.load(root))
    key = keys.key[keys.shard == Manifest.load(root).shards.index(shard_of(root, "B"))][0]
    one(verify(root), "'sha256'", str(key))


def test_an_image_that_cannot_be_decoded_is_named(root):
    shard = shard_of(root, "A")
    forge(root, shard, lambda members: [members[0], (members[1][0], members[1][1][:200]), *members[2:]])
    one(verify(root), "cannot be decoded", shard.name)


def test_an_image_of_another_size_is_named(root):
    large = encoded(face(1, 0, 20))
    forge(root, shard_of(root, "A"), lambda members: [members[0], (members[1][0], large), *members[2:]])
    one(verify(root), "20 x 20 pixels")


def test_duplicate_key(root):
    shard = shard_of(root, "A")
    forge(root, shard, lambda members: [*members, *members[:2]])
    problems = verify(root)
    one(problems, "is there 2 times")


def test_identity_in_two_splits_and_image_in_two_partitions(root):
    with tarfile.open(root / shard_of(root, "A", "test").name) as tar:
        first, second = tar.getmembers()[:2]
        facts = json.loads(tar.extractfile(first).read())
        image = tar.extractfile(second).read()
    moved = json.dumps({**facts, "partition": "B"}).encode()
    forge(root, shard_of(root, "B"), lambda members: [*members, ("faces-0123.png", image), ("faces-0123.json", moved)])
    problems = verify(root)
    one(problems, f"'faces: {facts['identity']}'", "2 splits")
    one(problems, f"'faces: {facts['identity']}'", "2 partitions")
    one(problems, "The same image is in several partitions", "faces-0123 (B, fit)")


def test_held_out_photos_are_no_second_partition(whole):
    keys = KeyList.load(whole, Manifest.load(whole))
    assert set(keys.identity[keys.partition == "A_unseen"]) <= set(keys.identity[keys.partition == "A"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda members: members[1:], ("lacks its json",)),
        (lambda members: members[:-1], ("lacks its png",)),
        (lambda members: [("../x.txt", b"x"), *members], ("'../x.txt'", "does not belong there")),
        (lambda members: [(members[0][0], b"{}"), *members[1:]], ("does not have the keys",)),
        (lambda members: [(members[0][0], b"\xff"), *members[1:]], ("does not have the keys",)),
    ],
)
def test_a_sample_of_another_make_is_named(root, change, words):
    forge(root, shard_of(root, "A"), change)
    problems = [problem for problem in verify(root) if all(word in problem for word in words)]
    assert problems


def test_a_partition_that_is_not_the_tars_is_named(root):
    def change(members):
        facts = json.loads(members[0][1])
        return [(members[0][0], json.dumps({**facts, "partition": "B"}).encode()), *members[1:]]

    forge(root, shard_of(root, "A"), change)
    one(verify(root), "says partition 'B'")


def test_damaged_or_missing_key_list_still_checks_the_tars(root):
    (root / "keys.parquet").write_bytes(b"x")
    shard = shard_of(root, "A")
    (root / shard.name).unlink()
    problems = verify(root)
    one(problems, "keys.parquet")
    one(problems, f"{shard.name} is missing")


def test_a_key_list_that_says_otherwise_is_named(root):
    manifest = Manifest.load(root)
    keys = KeyList.load(root, manifest)
    identity = keys.identity.copy()
    identity[4] = "person_999"
    sha = replace(keys, identity=identity).save(root)
    replace(manifest, keys_sha256=sha).save(root)
    problems = verify(root)
    one(problems, "differ in 'identity' of 1 images", str(keys.key[4]))
    one(problems, "partition_hash")


def test_wrong_counts_in_the_manifest(root):
    manifest = Manifest.load(root)
    counts = json.loads(json.dumps(manifest.counts))
    counts["faces"]["A"]["fit"]["images"] += 1
    replace(manifest, counts=counts).save(root)
    one(verify(root), "counts")


def test_a_stray_tar_is_named(root):
    (root / "more.tar").write_bytes(b"")
    one(verify(root), "more.tar is not in the manifest")
