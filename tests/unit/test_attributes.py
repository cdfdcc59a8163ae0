"""Attributes of photos from a CSV file, and the figures by attribute."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mint_lightning.errors import UserError
from mint_lightning.learning.attributes import read_attributes
from mint_lightning.learning.audit import run_table
from mint_lightning.learning.rows import RowSpec
from mint_lightning.shards import KeyList
from tests.shard_sets import open_set, pack_noise
from tests.small_table import faces, settings


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("attributes") / "shards"
    pack_noise(root, people=120, size=32, partitions={"A": 0.5, "B": 0.5})
    return root


@pytest.fixture(scope="module")
def keys(shards: Path) -> KeyList:
    return open_set(shards)[1]


def write(folder: Path, text: str) -> Path:
    path = folder / "attributes.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_lines_of_keys_and_gaps(keys: KeyList, tmp_path: Path) -> None:
    first, second, third = (str(key) for key in keys.key[:3])
    file = write(tmp_path, f"camera,key,light\nold,{first},day\n,{second},night\n\n")
    found = read_attributes(file, keys)
    assert list(found) == ["camera", "light"]
    assert [found["camera"][key] for key in (first, second, third)] == ["old", "not said", "not said"]
    assert [found["light"][key] for key in (first, second, third)] == ["day", "night", "not said"]
    assert len(found["light"]) == len(keys)


def test_lines_of_photos(keys: KeyList, tmp_path: Path) -> None:
    names = np.array(["same.png", *(f"{row}.png" for row in range(1, len(keys) - 1)), "same.png"], dtype=object)
    named = replace(keys, origin=names)
    found = read_attributes(write(tmp_path, "\ufeffphoto,camera\n3.png,old\n"), named)
    assert [key for key, value in found["camera"].items() if value == "old"] == [str(keys.key[3])]
    assert set(found["camera"].values()) == {"not said", "old"}
    with pytest.raises(UserError, match="Several photos"):
        read_attributes(write(tmp_path, "photo,camera\nsame.png,old\n"), named)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "need a header"),
        ("camera,light\na,b\n", "need a header"),
        ("key\nx\n", "need a header"),
        ("key,camera,camera\n", "all different"),
        ("key,camera\nx\n", "Line 2 .* has 1 values"),
        ("key,camera\nx,a\nx,b\n", "Line 3 .* stands above"),
        ("key,camera\nx,a\n", "None of the photos"),
    ],
)
def test_bad_files_are_refused_in_a_sentence(keys: KeyList, tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_attributes(write(tmp_path, text), keys)


def test_no_file_and_no_text(keys: KeyList, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_attributes(tmp_path / "none.csv", keys)
    (tmp_path / "picture.csv").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(UserError, match="cannot be read"):
        read_attributes(tmp_path / "picture.csv", keys)


def test_a_table_gives_its_figures_by_attribute(shards: Path, keys: KeyList, tmp_path: Path) -> None:
    light = np.where(np.arange(len(keys)) % 2, "day", "night")
    lines = "".join(f"{key},{value}\n" for key, value in zip(keys.key[:], light, strict=True))
    file = write(tmp_path, f"key,light\n{lines}")
    given = settings("none", pixels=False, twins=0, attributes=str(file))
    (row,) = run_table(faces(shards), [RowSpec("norm")], given).evidence.rows
    found = {part.name: part for part in row.slices if part.kind == "light"}
    assert set(found) == {"day", "night"}
    test = np.char.equal(keys.split[:].astype(str), "test")
    assert {name: part.images for name, part in found.items()} == {
        name: int(np.count_nonzero(test & (light == name))) for name in ("day", "night")
    }
