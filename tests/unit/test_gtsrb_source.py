"""GTSRB as published, as archives and as Kaggle has it: a track never crosses splits."""

from collections import defaultdict
from pathlib import Path

import pytest

from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.learning.attributes import read_attributes
from mint_lightning.shards import open_source
from tests import object_files as made
from tests.archives import write_zip
from tests.databases import write_files
from tests.shard_sets import open_set

pytestmark = pytest.mark.unit

WORDS = ["--image_size", "32", "--encoder", "png", "--workers", "0", "--lanes", "2"]


def published(root: Path, place: str = "GT-final_test.csv") -> Path:
    return write_files(root, made.gtsrb() | {place: made.answers()})


def archives(root: Path) -> Path:
    root.mkdir()
    files = {name: each.encode() if isinstance(each, str) else each for name, each in made.gtsrb().items()}
    for name, part in (("Training", "Final_Training"), ("Test", "Final_Test")):
        some = {name: content for name, content in files.items() if part in name}
        write_zip(root / f"GTSRB_Final_{name}_Images.zip", some)
    write_zip(root / "GTSRB_Final_Test_GT.zip", {"GT-final_test.csv": made.answers().encode()})
    return root


@pytest.mark.parametrize("form", ["folder", "below", "beside the images", "archives", "kaggle"])
def test_every_form_is_packed_alike(tmp_path: Path, form: str) -> None:
    places = {
        "folder": lambda: published(tmp_path / "in"),
        "below": lambda: published(tmp_path / "in", "GTSRB/GT-final_test.csv") / "GTSRB",
        "beside the images": lambda: published(tmp_path / "in", "GTSRB/Final_Test/Images/GT-final_test.csv"),
        "archives": lambda: archives(tmp_path / "in"),
        "kaggle": lambda: write_files(tmp_path / "in", made.gtsrb_of_kaggle()),
    }
    source = f"gtsrb:{places[form]()}"
    assert main(["pack", "--source", source, "--out", str(tmp_path / "set"), *WORDS]) == 0
    manifest, keys = open_set(tmp_path / "set")
    assert manifest.photos == {"found": 44, "read": 44, "broken": 0}
    kinds = read_attributes(tmp_path / "set/attributes.csv", keys)["class"]
    splits, classes = defaultdict(set), defaultdict(set)
    for key, source_name, who, split in zip(keys.key, keys.source, keys.identity, keys.split, strict=True):
        splits[source_name, who].add(split)
        classes[source_name, who].add(kinds[key])
    assert len(splits) == 3 * 4 + 8
    assert {len(each) for each in (*splits.values(), *classes.values())} == {1}
    assert classes["gtsrb_train", "class 07 track 00003"] == {"07"}
    assert classes["gtsrb_test", "image 00002"] == {"42"}
    # The same names and pixels, whatever the form: the same photos.
    published(tmp_path / "other")
    assert main(["pack", "--source", f"gtsrb:{tmp_path / 'other'}", "--out", str(tmp_path / "again"), *WORDS]) == 0
    assert open_set(tmp_path / "again")[1].key[:].tolist() == keys.key[:].tolist()


def test_classes_are_all_43_by_number(tmp_path: Path) -> None:
    source = open_source(f"gtsrb:{published(tmp_path)}", "signs")
    assert list(source.classes) == source.describe()["classes"] == [f"{number:02d}" for number in range(43)]
    assert {photo.source for photo in source.list()} == {"signs_train", "signs_test"}
    photo = next(photo for photo in source.list() if photo.origin == "00042/00001_00002")
    assert (photo.identity, photo.attributes, photo.box) == ("class 42 track 00001", {"class": "42"}, None)
    assert photo.read() == made.sign(42, 1, 2, "PPM")


def test_a_test_image_whose_class_nobody_says_is_skipped(tmp_path: Path) -> None:
    source = open_source(f"gtsrb:{write_files(tmp_path / 'none', made.gtsrb())}")
    assert len(source.list()) == 36
    untold = [name for name in source.skipped if name.endswith("(no GT-final_test.csv says its class)")]
    assert len(untold) == 8
    source = open_source(
        f"gtsrb:{write_files(tmp_path / 'some', made.gtsrb() | {'GT-final_test.csv': made.answers(5)})}"
    )
    assert [photo.origin for photo in source.list() if photo.source == "gtsrb_test"] == ["00005", "00006", "00007"]
    assert sum("says its class" in name for name in source.skipped) == 5


def test_a_frame_that_its_table_names_and_that_is_missing_is_broken(tmp_path: Path) -> None:
    root = published(tmp_path / "in")
    (root / "GTSRB/Final_Training/Images/00007/00002_00001.ppm").unlink()
    words = ["--max_broken", "0.5", *WORDS]
    assert main(["pack", "--source", f"gtsrb:{root}", "--out", str(tmp_path / "set"), *words]) == 0
    manifest, _ = open_set(tmp_path / "set")
    assert manifest.photos == {"found": 44, "read": 43, "broken": 1}
    assert manifest.broken[0]["photo"] == "gtsrb_train: 00007/00002_00001"


TABLE = "GTSRB/Final_Training/Images/00007/GT-00007.csv"
HEAD = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a/b.png": b"x"}, r"is not GTSRB: it must have .* \(it has a/b\.png\)"),
        (
            {name: b"x" for name in made.gtsrb() if name.endswith(".ppm") and "Test" in name},
            r"has 8 test images and no GT-",
        ),
        (
            made.gtsrb() | {TABLE: HEAD + "00000_00000.ppm;1;1;1;1;1;1;8\n"},
            r"Line 2 .* and the class 7, not .* and '8'",
        ),
        (made.gtsrb() | {TABLE: HEAD + "../00000.ppm;1;1;1;1;1;1;7\n"}, r"must name a frame such as 00012_00003\.ppm"),
        (made.gtsrb() | {TABLE: HEAD + "1;2\n"}, r"has 2 values, its first line 8"),
        (
            made.gtsrb() | {"GT-final_test.csv": HEAD + "00000.ppm;1;1;1;1;1;1;43\n"},
            r"one class from 0 to 42, not '43'",
        ),
        (
            made.gtsrb() | {"GT-final_test.csv": made.answers() + "00000.ppm;1;1;1;1;1;1;9\n"},
            r"must give 00000 one class",
        ),
        (made.gtsrb() | {"GT-final_test.csv": b"\xff\xfe"}, r"cannot be read as a text"),
    ],
)
def test_what_is_not_gtsrb_is_a_sentence(tmp_path: Path, files: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        open_source(f"gtsrb:{write_files(tmp_path / 'in', files)}").list()
