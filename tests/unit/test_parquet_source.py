"""Parquet files with image bytes as a source."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.shards.image import BrokenImage
from mint_lightning.shards.sources.parquet import ParquetSource
from mint_lightning.shards.sources.parquetobjects import ParquetObjectsSource
from tests.images import encoded, face
from tests.shard_sets import open_set

pytestmark = pytest.mark.unit

NAMES = [f"name {number}" for number in range(10)]


def write(path: Path, rows: int = 30, labels: list | None = None, names: bool = True, **columns: object) -> Path:
    images = [{"bytes": encoded(face(row % 10, row, 16)), "path": f"{row}.png"} for row in range(rows)]
    found = {"image": images, "label": labels or [row % 10 for row in range(rows)]} | columns
    table = pa.table({name: column for name, column in found.items() if column is not None})
    if names:
        info = {"info": {"features": {"label": {"names": NAMES, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
    pq.write_table(table, path, row_group_size=7)
    return path


@pytest.mark.parametrize("workers", ["0", "1"])
def test_rows_are_packed_by_their_labels_names(tmp_path: Path, workers: str) -> None:
    write(tmp_path / "train.parquet")
    arguments = ["--image_size", "16", "--encoder", "png", "--workers", workers, "--out", str(tmp_path / "set")]
    assert main(["pack", "--source", f"parquet:{tmp_path / 'train.parquet'}", *arguments]) == 0
    manifest, keys = open_set(tmp_path / "set")
    assert (manifest.images, manifest.broken) == (30, ())
    assert sorted(zip(keys.identity.tolist(), keys.origin.tolist(), strict=True)) == [
        (f"name {who}", f"{row:02d}") for who in range(10) for row in range(who, 30, 10)
    ]


def test_several_files_and_other_forms(tmp_path: Path) -> None:
    for number in range(2):
        write(tmp_path / f"train-{number}.parquet", names=False)
    photos = ParquetSource(tmp_path).list()
    assert (len(photos), photos[31].origin, photos[31].identity) == (60, "1/01", "1")
    plain = write(
        tmp_path / "x.parquet", image=[encoded(face(row)) for row in range(30)], label=[f"p{row}" for row in range(30)]
    )
    photos = ParquetSource(plain).list()
    assert (photos[9].identity, photos[9].read()) == ("p9", encoded(face(9)))
    photos = ParquetSource(write(tmp_path / "y.parquet", label=None)).list()
    assert (photos[9].identity, photos[9].origin) == ("09", "09")


def test_rows_without_an_image_or_a_label_are_broken(tmp_path: Path) -> None:
    images = [{"bytes": None, "path": "a.png"}, None, {"bytes": b"", "path": None}, {"bytes": b"x", "path": None}]
    photos = ParquetSource(write(tmp_path / "x.parquet", 4, [1, 2, 3, None], image=images)).list()
    for photo, reason in zip(photos, ["no image bytes", "no image bytes", None, "its label is None"], strict=True):
        if reason is None:
            assert photo.read() == b""
        else:
            with pytest.raises(BrokenImage, match=reason):
                photo.read()
    assert ParquetSource(write(tmp_path / "y.parquet", 2, [-1, 99])).list()[1].identity == "99"


def test_what_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no \.parquet file"):
        ParquetSource(tmp_path).list()
    (tmp_path / "x.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(UserError, match="not a readable parquet file"):
        ParquetSource(tmp_path / "x.parquet").list()
    with pytest.raises(UserError, match="no columns of image bytes"):
        ParquetSource(write(tmp_path / "y.parquet", 2, image=["a", "b"])).list()
    with pytest.raises(UserError, match="2 columns of image bytes"):
        ParquetSource(write(tmp_path / "y.parquet", 2, image=None, one=[b"a", b"b"], two=[b"a", b"b"])).list()


def test_objects_are_identities_of_their_own_with_a_class(tmp_path: Path) -> None:
    root = tmp_path / "in"
    root.mkdir()
    write(root / "train-00000-of-00001.parquet", coarse_label=[5] * 30)
    write(root / "test-00000-of-00001.parquet", 10, image=[encoded(face(50 + row, 0, 16)) for row in range(10)])
    words = ["--image_size", "16", "--encoder", "png", "--workers", "0", "--lanes", "2", "--by_database", "true"]
    out = str(tmp_path / "set")
    assert main(["pack", "--source", f"objects:{root}", "--name", "c", "--out", out, *words]) == 0
    manifest, keys = open_set(tmp_path / "set")
    assert (len(keys), set(manifest.partitions)) == (40, {"c_train", "c_test"})
    source = ParquetObjectsSource(root, "c")
    photos = source.list()
    assert len({photo.identity for photo in photos}) == 40
    assert {photo.source: photo.attributes for photo in photos if photo.origin.endswith("07")} == {
        "c_test": {"class": "name 7"},
        "c_train": {"class": "name 7", "superclass": "5"},
    }
    assert list(source.classes) == source.describe()["classes"] == NAMES


def test_objects_without_names_are_sorted_by_number(tmp_path: Path) -> None:
    source = ParquetObjectsSource(write(tmp_path / "x.parquet", 4, [2, 11, None, 2], names=False))
    assert list(source.classes) == ["2", "11"]
    with pytest.raises(BrokenImage, match="its label is None"):
        source.list()[2].read()
    source = ParquetObjectsSource(write(tmp_path / "y.parquet", 2, [9, 10]))
    with pytest.raises(BrokenImage, match="its label is 10"):
        source.list()[1].read()
    assert list(source.classes) == NAMES
    with pytest.raises(UserError, match=r"has no column class, label, labels, fine_label \(it has image\)"):
        ParquetObjectsSource(write(tmp_path / "z.parquet", 2, label=None)).list()
