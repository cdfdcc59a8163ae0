"""Classes of objects travel with their photos: key list, tars, manifest, and the sets made of a set."""

import csv
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import webdataset as wds

from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.learning.members import TrainedOn
from mint_lightning.learning.membership import membership
from mint_lightning.shards import KeyList, Manifest, open_source, pack, verify
from mint_lightning.shards.columns import Repeated
from mint_lightning.shards.join import join
from mint_lightning.shards.without import write_without
from tests.object_photos import SHAPES, ObjectPhotos
from tests.packing import Listed, faces, small

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest, KeyList]:
    root = tmp_path_factory.mktemp("sets") / "objects"
    manifest = small(
        ObjectPhotos(test=5),
        root,
        lanes=2,
        partitions={"members": 0.5, "externals": 0.5},
        by_database=["objects_test"],
    )
    return root, manifest, KeyList.load(root, manifest)


def test_the_class_stands_in_key_list_tars_and_manifest(packed) -> None:
    root, manifest, keys = packed
    assert manifest.classes == SHAPES
    assert verify(root) == []
    shape = [name.split("/")[0] for name in keys.origin[:]]
    assert keys.class_name[:].tolist() == shape
    assert keys.class_numbers(manifest.classes).tolist() == [SHAPES.index(name) for name in shape]
    for sample in wds.WebDataset(str(root / manifest.shards[0].name), shardshuffle=False):
        row = int(keys.rows_of([sample["__key__"]])[0])
        assert json.loads(sample["json"])["class_name"] == keys.class_name[row]
    with (root / "attributes.csv").open(newline="") as lines:
        assert {line["key"]: line["class"] for line in csv.DictReader(lines)} == dict(
            zip(keys.key.tolist(), shape, strict=True)
        )


def test_a_set_of_faces_has_no_such_column(tmp_path: Path) -> None:
    manifest = small(Listed(faces()), tmp_path / "faces")
    keys = KeyList.load(tmp_path / "faces", manifest)
    assert manifest.classes == ()
    assert not keys.has_classes
    import pyarrow.parquet as pq

    assert "class_name" not in pq.read_schema(tmp_path / "faces/keys.parquet").names
    with pytest.raises(UserError, match=r"does not say of what class its photos are: pack it of a source of objects"):
        keys.class_numbers(())


def test_classes_are_the_sources_in_its_order_or_sorted(tmp_path: Path, packed) -> None:
    backwards = ObjectPhotos(classes=SHAPES[::-1])
    assert small(backwards, tmp_path / "backwards").classes == SHAPES[::-1]
    assert small(ObjectPhotos(classes=()), tmp_path / "unnamed").classes == tuple(sorted(SHAPES))
    with pytest.raises(UserError, match=r"A photo is of the class 'disc', which the source 'objects' does not name"):
        small(ObjectPhotos(classes=SHAPES[1:]), tmp_path / "less")
    with pytest.raises(UserError, match=r"The class 'disc' is none of the 3 classes"):
        packed[2].class_numbers(SHAPES[1:])


def test_sets_made_of_a_set_keep_the_classes(packed, tmp_path: Path) -> None:
    root, manifest, keys = packed
    less = write_without(root, manifest, keys, np.arange(3), tmp_path / "less", {})
    assert less.classes == SHAPES
    assert verify(tmp_path / "less") == []
    assert KeyList.load(tmp_path / "less", less).class_name[:].tolist() == _by_key(keys, tmp_path / "less", less)
    again = small(open_source(f"webdataset:{root}"), tmp_path / "again")
    assert again.classes == tuple(sorted(SHAPES))
    more = small(ObjectPhotos(items=6, begin=100, name="more", classes=("wheel", *SHAPES)), tmp_path / "more", lanes=2)
    both = join([root, tmp_path / "more"], tmp_path / "both")
    joined = Manifest.load(both)
    assert joined.classes == (*SHAPES, "wheel")
    assert verify(both) == []
    own = KeyList.load(both, joined)
    assert own.class_name[:].tolist() == [name.split("/")[0] for name in own.origin[:]]
    assert len(own) == len(keys) + more.images


def _by_key(keys: KeyList, root: Path, manifest: Manifest) -> list[str]:
    return keys.class_name[keys.rows_of(KeyList.load(root, manifest).key[:])].tolist()


def test_a_tar_that_says_another_class_is_found(packed, tmp_path: Path) -> None:
    root, manifest, keys = packed
    for path in root.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    others = replace(keys, class_name=Repeated.of(["disc", *keys.class_name[1:].tolist()]))
    hash_of = others.save(tmp_path)
    replace(manifest, keys_sha256=hash_of).save(tmp_path)
    if keys.class_name[0] == "disc":
        pytest.fail("the first photo must be of another class for this test")
    assert any("differ in 'class_name' of 1 images" in problem for problem in verify(tmp_path))


def test_a_database_beside_random_partitions_is_a_partition_of_its_own(packed) -> None:
    _, manifest, keys = packed
    assert manifest.partitions == {
        "externals": 0.5,
        "members": 0.5,
        "objects_test": {"database": "objects_test"},
    }
    assert set(keys.source[keys.where(partitions=["objects_test"])]) == {"objects_test"}
    assert set(keys.source[keys.where(partitions=["members", "externals"])]) == {"objects_train"}
    trained = TrainedOn(keys.key[keys.where(partitions=["members"])], ("members",), manifest.partition_hash)
    drawn = membership(keys, manifest, trained, members=["members"], externals=["externals"])
    assert drawn.random_partition
    every = membership(keys, manifest, trained)
    assert len(every.externals) > len(drawn.externals)
    assert not every.random_partition, "the test database is among the externals"


def test_by_database_refuses_what_is_not_there(tmp_path: Path) -> None:
    for named, message in (
        (
            ["objects_tset"],
            r"by_database names 'objects_tset': the source has the databases objects_test, objects_train",
        ),
        (["objects_test"], r"'objects_test' is a database with a partition of its own, and a partition that is drawn"),
    ):
        partitions = {"objects_test": 0.5, "b": 0.5} if "drawn" in message else None
        with pytest.raises(UserError, match=message):
            pack(ObjectPhotos(test=4), tmp_path / "x", by_database=named, partitions=partitions)
    with pytest.raises(UserError, match=r"Partition 'objects_test' gets 0"):
        pack(ObjectPhotos(), tmp_path / "x", by_database=["objects_train"], partitions={"objects_test": 1.0})


def test_pack_says_by_command_line_which_databases_stay_apart(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)
    np.savez(
        tmp_path / "signs.npz",
        x_train=pixels[:40], y_train=np.arange(40) % 2, x_test=pixels[40:], y_test=np.arange(20) % 2,
        classes=np.array(["stop", "go"]),
    )  # fmt: skip
    asked = ["--source", f"npz:{tmp_path}/signs.npz", "--image_size", "8", "--encoder", "png", "--workers", "0"]
    asked += ["--partitions", '{"members": 0.5, "externals": 0.5}', "--by_database", "[signs_test]", "--lanes", "2"]
    assert main(["pack", *asked, "--out", str(tmp_path / "set")]) == 0
    manifest = Manifest.load(tmp_path / "set")
    assert set(manifest.partitions) == {"members", "externals", "signs_test"}
    with tarfile.open(tmp_path / "set" / manifest.shards[0].name) as tar:
        assert any(name.endswith(".json") for name in tar.getnames())
    assert main(["pack", *asked, "--out", str(tmp_path / "dry"), "--dry-run"]) == 0
    assert "signs_test" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["", "  ", "two\nlines"])
def test_a_class_needs_a_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="a class needs a name that can be read"):
        small(ObjectPhotos(classes=(*SHAPES[:3], name)), tmp_path / "strange")
