"""Several databases in one shard set, each a partition of its own."""

from pathlib import Path

import numpy as np
import pytest

from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.learning.members import TrainedOn
from mint_lightning.learning.membership import membership
from mint_lightning.shards import HoldOut, KeyList, Manifest, open_source, pack
from mint_lightning.shards.sources import DatabasesSource
from tests.images import face_folder
from tests.packing import Listed, faces

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photos")
    for seed, (name, people) in enumerate({"one": 24, "two": 12, "three": 9}.items()):
        face_folder(root / name, identities=people, photos=2, size=16, seed=seed)
    (root / "README.txt").write_text("x")
    (root / "two" / "notes.txt").write_text("x")
    return root


@pytest.fixture(scope="module")
def packed(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest, KeyList]:
    out = tmp_path_factory.mktemp("set") / "faces"
    request = ["--source", f"databases:{photos}", "--by_database", "true", "--lanes", "4", "--image_size", "16"]
    assert main(["pack", *request, "--encoder", "png", "--workers", "0", "--out", str(out)]) == 0
    manifest = Manifest.load(out)
    return out, manifest, KeyList.load(out, manifest)


def test_each_folder_is_a_database(photos: Path) -> None:
    source = open_source(f"databases:{photos}", name="all")
    assert isinstance(source, DatabasesSource)
    listed = source.list()
    assert {photo.source for photo in listed} == {"one", "two", "three"}
    assert (listed[0].source, listed[0].identity, listed[0].origin) == ("one", "person_000", "person_000/0.png")
    assert source.skipped == ["two/notes.txt"]
    assert source.describe()["photos"] == len(listed) == 90
    assert source.describe() == DatabasesSource(photos, "all").describe()


def test_a_database_is_a_partition_of_that_name(packed: tuple[Path, Manifest, KeyList]) -> None:
    _, manifest, keys = packed
    assert manifest.partitions == {name: {"database": name} for name in ("one", "three", "two")}
    assert np.array_equal(keys.partition[:], keys.source[:])
    for name in manifest.partitions:
        lanes = np.bincount(keys.lane[:][keys.where(partitions=[name], splits=["fit"])], minlength=4)
        assert lanes.max() - lanes.min() <= 1, "dealt to the lanes by database"


def test_databases_are_no_random_partition(packed: tuple[Path, Manifest, KeyList]) -> None:
    _, manifest, keys = packed
    found = membership(keys, manifest, None, members=["one"], externals=["two", "three"])
    assert len(found.members) == 48
    assert len(found.externals) == 42
    trained = TrainedOn(keys.key[keys.where(partitions=["one"])], ("one",), manifest.partition_hash)
    for groups in (
        membership(keys, manifest, trained),
        membership(keys, manifest, trained, members=["one"], externals=["two"]),
    ):
        assert not groups.random_partition
    assert len(membership(keys, manifest, trained).externals) == 42


@pytest.mark.parametrize(
    "arguments",
    [{"partitions": {"a": 0.5, "b": 0.5}}, {"hold_out": HoldOut(1, 3, ("all",))}],
    ids=["shares", "held out"],
)
def test_databases_and_other_partitions_exclude_each_other(arguments: dict, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="With by_database each database is a partition of its own"):
        pack(Listed(faces()), tmp_path / "x", by_database=True, **arguments)


def test_a_database_needs_a_plain_name_and_people(tmp_path: Path) -> None:
    face_folder(tmp_path / "photos/my faces", identities=4, photos=1, size=16)
    with pytest.raises(UserError, match="partition name 'my faces'"):
        pack(open_source(f"databases:{tmp_path}/photos"), tmp_path / "x", by_database=True)
    (tmp_path / "photos/my faces").rename(tmp_path / "photos/mine")
    face_folder(tmp_path / "photos/few", identities=2, photos=1, size=16)
    with pytest.raises(UserError, match="Partition 'few' gets 2"):
        pack(open_source(f"databases:{tmp_path}/photos"), tmp_path / "x", by_database=True)
    with pytest.raises(UserError, match="holds no databases"):
        open_source(f"databases:{tmp_path}/photos/few/person_000").list()
    with pytest.raises(UserError, match="cannot be read"):
        open_source(f"databases:{tmp_path}/nowhere").list()


def test_requests_without_databases_keep_their_hash() -> None:
    from mint_lightning.shards.recipe import Recipe

    plain = Recipe(112, "png", {"all": 1.0}, None, 0, 8, 2**20).request(Listed(faces()))
    assert "by_database" not in plain
    assert Recipe(112, "png", {"all": 1.0}, None, 0, 8, 2**20, True).request(Listed(faces()))["by_database"] is True
