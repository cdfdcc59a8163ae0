"""CIFAR-10 and CIFAR-100 in all their forms, and pickles that are no batches."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.shards import PhotoSource, open_source
from mint_lightning.shards.image import BrokenImage, opened
from mint_lightning.shards.sources.chosen import ChosenPhotos
from tests import object_files as made
from tests.archives import write_tar, write_zip
from tests.databases import write_files
from tests.shard_sets import open_set

pytestmark = pytest.mark.unit

FORMS: dict[str, tuple[str, Callable[[], dict[str, bytes]]]] = {
    **{
        f"{kind}, {name}": (kind, lambda files=files, write=write: files(write))
        for name, write in made.PICKLES.items()
        for kind, files in (("cifar10", made.cifar10), ("cifar100", made.cifar100))
    },
    "cifar100, by column": ("cifar100", lambda: made.cifar100(by_column=True)),
    "cifar100, by column, protocol 5": ("cifar100", lambda: made.cifar100(made.PICKLES["python 3, protocol 5"], True)),
    "cifar10, binary": ("cifar10", made.cifar10_binary),
    "cifar100, binary": ("cifar100", made.cifar100_binary),
    "cifar10, folders": ("cifar10", made.by_folder),
}


def numbers(source: PhotoSource) -> list[int]:
    """Which of the drawn images each photo is, pixel by pixel, read as a worker process would."""
    drawn = {made.image(number).tobytes(): number for number in range(6 * made.ROWS)}
    photos = pickle.loads(pickle.dumps(list(source.list())))
    return [drawn[np.asarray(opened(photo.read())).tobytes()] for photo in photos]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_images_classes_and_splits(tmp_path: Path, form: str) -> None:
    kind, files = FORMS[form]
    source = open_source(f"{kind}:{write_files(tmp_path, files())}")
    photos = source.list()
    which = numbers(source)
    assert sorted(which) == list(range(36))
    for photo, number in zip(photos, which, strict=True):
        facts = {"class": made.CLASSES[number % 4]}
        if kind == "cifar100":
            facts["superclass"] = made.COARSE[number % 2]
        assert photo.attributes == facts
        assert photo.source == f"{kind}_{'train' if number < 30 else 'test'}"
    assert len({(photo.source, photo.identity) for photo in photos}) == 36
    assert list(source.classes) == list(made.CLASSES)
    assert source.describe()["classes"] == list(made.CLASSES)


def test_names_are_those_of_the_files_and_identities_count_within_a_split(tmp_path: Path) -> None:
    photos = open_source(f"cifar10:{write_files(tmp_path / 'a', made.cifar10())}", "mine").list()
    assert [(photo.source, photo.identity, photo.origin) for photo in photos][29:31] == [
        ("mine_train", "29", "automobile_s_000029.png"),
        ("mine_test", "0", "bird_s_000030.png"),
    ]
    photos = open_source(f"cifar100:{write_files(tmp_path / 'b', made.cifar100_binary())}").list()
    assert [(photo.source, photo.identity, photo.origin) for photo in photos][7::27] == [
        ("cifar100_train", "07", "07"),
        ("cifar100_test", "4", "4"),
    ]
    photos = open_source(f"cifar10:{write_files(tmp_path / 'c', made.by_folder())}").list()
    assert (photos[0].source, photos[0].identity) == ("cifar10_test", "airplane/0032.png")
    assert all(photo.origin == photo.identity for photo in photos)


@pytest.mark.parametrize("form", ["python", "binary", "folders"])
def test_it_is_packed_alike_from_a_folder_and_from_archives(tmp_path: Path, form: str) -> None:
    files = {"python": made.cifar10, "binary": made.cifar10_binary, "folders": made.by_folder}[form]()
    root = write_files(tmp_path / "in", files)
    inner = root / next(iter(files)).split("/")[0] if form != "folders" else root
    places = [root, inner, write_tar(tmp_path / "x.tar.gz", files), write_tar(tmp_path / "x.tar", files)]
    sources = []
    for number, place in enumerate([*places, write_zip(tmp_path / "x.zip", files)]):
        out = str(tmp_path / str(number))
        words = ["--by_database", "true", "--image_size", "32", "--encoder", "png", "--workers", "0", "--lanes", "2"]
        assert main(["pack", "--source", f"cifar10:{place}", "--out", out, *words]) == 0
        manifest, keys = open_set(tmp_path / str(number))
        assert (len(keys), manifest.photos["broken"]) == (36, 0)
        assert manifest.skipped["count"] == (form != "folders")
        assert set(manifest.partitions) == {"cifar10_train", "cifar10_test"}
        sources.append((manifest.request["source"], keys.key[:].tolist()))
    assert all(source == sources[0] for source in sources)
    assert main(["verify", out]) == 0


def test_classes_are_all_of_them_whatever_is_chosen(tmp_path: Path) -> None:
    source = open_source(f"cifar10:{write_files(tmp_path, made.cifar10())}")
    assert list(ChosenPhotos(source, 1, "limit").classes) == list(made.CLASSES)
    assert list(ChosenPhotos(open_source("synthetic:identities=3"), 1, "sample").classes) == []


def test_a_file_that_changed_since_it_was_listed_is_a_broken_photo(tmp_path: Path) -> None:
    root = write_files(tmp_path, made.cifar10_binary())
    photo = open_source(f"cifar10:{root}").list()[-1]
    (root / "cifar-10-batches-bin/test_batch.bin").write_bytes(b"short")
    with pytest.raises(BrokenImage, match="cut short"):
        photo.read()
    (root / "cifar-10-batches-bin/test_batch.bin").unlink()
    with pytest.raises(BrokenImage, match="cannot be read"):
        photo.read()


class Evil:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_would_run_something_is_refused_and_runs_nothing(tmp_path: Path, protocol: int) -> None:
    files = made.cifar10()
    evil = pickle.dumps({b"labels": [1], b"data": Evil(tmp_path / "ran")}, protocol)
    files["cifar-10-batches-py/data_batch_3"] = evil
    with pytest.raises(UserError, match=r"data_batch_3 .*(posix\.mkdir|instruction).*nothing in it is executed"):
        open_source(f"cifar10:{write_files(tmp_path / 'in', files)}").list()
    assert not (tmp_path / "ran").exists()


def batch(**changes: object) -> bytes:
    whole = {"data": made.planes(0, 2), "labels": [0, 1], "filenames": ["a", "b"]} | changes
    return pickle.dumps({key: value for key, value in whole.items() if value is not None}, 4)


HUGE = b"\x80\x02}q\1(U\4dataT\xff\xff\xff\x7fabcu."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"cannot be read"),
        (b"\x89PNG", r"byte \d+: "),
        (made.python2({b"labels": [1]})[:-3], r"cut short"),
        (HUGE, r"cut short"),
        (HUGE.replace(b"T\xff\xff\xff\x7f", b"\x8e" + b"\xff" * 8), r"cut short"),
        (pickle.dumps([1], 4), r"no dictionary"),
        (pickle.dumps({(1, 2): 3}, 4), r"other keys than texts"),
        (batch(data=None), r"no array called data"),
        (batch(data=b"abc"), r"no array called data"),
        (batch(data=made.planes(0, 2).astype(np.float32)), r"no matrix of bytes"),
        (batch(data=made.planes(0, 2).reshape(2, 3, 1024)), r"no matrix of bytes"),
        (batch(data=made.planes(0, 2)[:, :3000]), r"images of 3000 bytes, not 3,072"),
        (batch(data=made.planes(0, 3)), r"2 labels of 3 images"),
        (batch(labels=["0", "1"]), r"no list of numbers called labels"),
        (batch(labels=None), r"no list of numbers called labels"),
        (batch(labels=[0, True]), r"no list of numbers called labels"),
        (batch(labels=[0, 9]), r"image 1 of data_batch_1 is of class 9, but the names are 4"),
        (batch(labels=[0, -1]), r"is of class -1"),
        (batch(filenames=["a"]), r"1 names of 2 images"),
        (batch(filenames=["a", 3]), r"a name that is no text"),
        (batch(filenames="ab"), r"its names are no list"),
    ],
)
def test_what_is_no_batch_is_a_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    files = made.cifar10() | {"cifar-10-batches-py/data_batch_1": content}
    with pytest.raises(UserError, match=message) as raised:
        open_source(f"cifar10:{write_files(tmp_path, files)}").list()
    assert str(raised.value).endswith(".")


@pytest.mark.parametrize(
    ("kind", "files", "message"),
    [
        (
            "cifar10",
            {"a/b.png": b"x"},
            r"is not CIFAR-10: it must be .* train/CLASS and test/CLASS \(it has a/b\.png\)",
        ),
        ("cifar10", {"train/cat/1.png": b"x"}, r"is not CIFAR-10"),
        ("cifar10", made.cifar100(), r"is not CIFAR-10:"),
        ("cifar100", made.cifar10(), r"is not CIFAR-100:"),
        ("cifar10", {"data_batch_1": b"x"}, r"lacks data_batch_2, .*, batches\.meta of the python version of CIFAR-10"),
        ("cifar100", {"train.bin": b"x", "test.bin": b"x"}, r"lacks coarse_label_names\.txt, fine_label_names\.txt of"),
        ("cifar100", made.cifar100_binary() | {"cifar-100-binary/test.bin": b"x" * 3075}, r"test\.bin .*cut short"),
        (
            "cifar100",
            made.cifar100_binary() | {"cifar-100-binary/fine_label_names.txt": b"a\na\n"},
            r"fine_label_names\.txt must name each class once",
        ),
        (
            "cifar10",
            made.cifar10() | {"cifar-10-batches-py/batches.meta": made.python2({b"num_vis": 3072})},
            r"batches\.meta has no names of classes \(byte \d+: it has no list label_names\)",
        ),
    ],
)
def test_what_is_not_cifar_is_a_sentence(tmp_path: Path, kind: str, files: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        open_source(f"{kind}:{write_files(tmp_path / 'in', files)}").list()
