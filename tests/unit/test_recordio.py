"""RecordIO files of mxnet and insightface, packed through the front door."""

import struct
from pathlib import Path

import numpy as np
import pytest

from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.shards.image import BrokenImage, decode
from mint_lightning.shards.sources.recordio import RecordIOSource
from tests.images import encoded, face
from tests.record_files import MAGIC, insightface, packed, record, write_records
from tests.shard_sets import open_set

pytestmark = pytest.mark.unit

PEOPLE, PHOTOS = 20, 3


def images() -> list[tuple[int, bytes]]:
    return [(person, encoded(face(person, i, 16))) for person in range(PEOPLE) for i in range(PHOTOS)]


def pack(file: Path, out: Path, *more: str) -> int:
    arguments = ["--source", f"recordio:{file}", "--out", str(out), "--image_size", "16", "--encoder", "png"]
    return main(["pack", *arguments, "--workers", "0", *more])


@pytest.mark.parametrize("index", [True, False])
def test_insightface_records_are_packed_by_identity(tmp_path: Path, index: bool) -> None:
    write_records(tmp_path / "train.rec", insightface(images()), index)
    assert pack(tmp_path, tmp_path / "set", "--name", "ms1m", "--role", "members") == 0
    manifest, keys = open_set(tmp_path / "set")
    assert (manifest.images, manifest.broken, manifest.role) == (60, (), "members")
    assert sorted(zip(keys.identity.tolist(), keys.origin.tolist(), strict=True)) == [
        (f"{person:02d}", f"{1 + PHOTOS * person + i:02d}") for person in range(PEOPLE) for i in range(PHOTOS)
    ]
    assert set(keys.source) == {"ms1m"}
    assert main(["verify", str(tmp_path / "set")]) == 0


def test_the_index_changes_nothing(tmp_path: Path) -> None:
    file = write_records(tmp_path / "train.rec", insightface(images()))
    with_index = RecordIOSource(file, "x")
    found = [(photo.identity, photo.origin, photo.read()) for photo in with_index.list()]
    (tmp_path / "train.idx").unlink()
    without = RecordIOSource(file, "x")
    assert [(photo.identity, photo.origin, photo.read()) for photo in without.list()] == found
    assert [image for _, _, image in found] == [image for _, image in images()]
    assert without.describe() == with_index.describe()
    assert str(tmp_path) not in str(without.describe())
    assert [photo.origin for photo in without.list()[3:5]] == ["04", "05"]


def test_records_of_im2rec_have_no_header_and_may_have_several_labels(tmp_path: Path) -> None:
    contents = [packed((float(who), 7.0, 8.0) if who % 2 else float(who), 0, image) for who, image in images()]
    file = write_records(tmp_path / "faces.rec", contents)
    source = RecordIOSource(file)
    assert source.name == "faces"
    assert [(int(photo.identity), photo.read()) for photo in source.list()] == images()


def test_an_image_that_holds_the_magic_number_is_put_together(tmp_path: Path) -> None:
    pixels = np.frombuffer(MAGIC * 192, np.uint8).reshape(16, 16, 3)
    image = b"P6\n# 1234\n16 16\n255\n" + pixels.tobytes()  # its pixels at a multiple of four
    contents = [packed(float(who), 0, img) for who, img in images()]
    contents[5] = packed(1.0, 0, image)
    assert len(record(contents[5])) == len(contents[5]) + 8 + 4 * 192
    for index in (True, False):
        photo = RecordIOSource(write_records(tmp_path / "x.rec", contents, index)).list()[5]
        assert photo.read() == image
        np.testing.assert_array_equal(np.asarray(decode(photo.read())), pixels)


@pytest.mark.parametrize(
    "form",
    ["{number}\t{label}.000000\t/home/me/ms1m/m.{label}/{number}.jpg", "1\tms1m/m.{label}/{number}.jpg\t{label}"],
)
def test_a_list_gives_the_names(tmp_path: Path, form: str) -> None:
    file = write_records(tmp_path / "train.rec", insightface(images()))
    lines = [form.format(number=number, label=label) for number, (label, _) in enumerate(images(), start=1)]
    (tmp_path / "train.lst").write_text("\n".join(lines) + "\n")
    assert [photo.origin for photo in RecordIOSource(file).list()][:4] == [
        "m.0/1.jpg",
        "m.0/2.jpg",
        "m.0/3.jpg",
        "m.1/4.jpg",
    ]
    (tmp_path / "train.lst").write_text(
        "\n".join([*lines[:7], lines[0].replace("\t0", "\t3"), *lines[8:]]).replace("m.0/1", "m.9/9")
    )
    with pytest.raises(UserError, match="not of one packing"):
        RecordIOSource(file).list()
    (tmp_path / "train.lst").write_text("\n".join(lines[:-1]))
    with pytest.raises(UserError, match="does not list the photo 60"):
        RecordIOSource(file).list()
    (tmp_path / "train.lst").write_text("nothing")
    with pytest.raises(UserError, match=r"Line 1 of .*train.lst must be"):
        RecordIOSource(file).list()


def test_damaged_records_are_named_and_the_others_packed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contents = insightface(images())
    contents[7] = packed(float("nan"), 7, contents[7][24:])
    contents[9] = packed(2.0, 9, b"")
    contents[12] = packed(3.0, 12, b"no image")
    file = write_records(tmp_path / "train.rec", contents)
    data = bytearray(file.read_bytes())
    start = len(b"".join(map(record, contents[:20])))
    data[start : start + 4] = b"oops"
    file.write_bytes(data)
    assert pack(file, tmp_path / "set", "--max_broken", "0.1") == 0
    manifest, keys = open_set(tmp_path / "set")
    reasons = {entry["photo"].split(": ")[1]: entry["reason"] for entry in manifest.broken}
    assert reasons == {
        "07": "its label is -1, not a whole number",
        "09": "the file is empty",
        "12": "not an image",
        "20": "no record begins there",
    }
    assert len(keys) + len(reasons) == 60
    (tmp_path / "train.idx").unlink()
    assert pack(file, tmp_path / "other", "--max_broken", "0.1") == 2
    assert f"damaged at byte {start:,} (record 20" in capsys.readouterr().err


def test_a_file_that_is_cut_is_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    contents = insightface(images())
    whole = b"".join(map(record, contents))
    ends = np.cumsum([len(record(content)) for content in contents])
    file = tmp_path / "train.rec"
    for cut in (int(ends[0]) + 3, int(ends[30]), int(ends[30]) + 11, int(ends[59]), len(whole) - 1):
        file.write_bytes(whole[:cut])
        with pytest.raises(UserError, match=r"cut short|no record begins"):
            RecordIOSource(file).list()


def test_records_of_identities_are_not_needed(tmp_path: Path) -> None:
    file = write_records(tmp_path / "train.rec", insightface(images())[:-3])
    source = RecordIOSource(file)
    assert len(source.list()) == 60
    assert source.skipped == ["3 records of identities that are not there"]


def test_an_index_of_another_packing_is_refused(tmp_path: Path) -> None:
    file = write_records(tmp_path / "train.rec", insightface(images()))
    index = tmp_path / "train.idx"
    lines = index.read_text().splitlines(keepends=True)
    for other, message in (
        (lines[:-1], "does not list the record"),
        (lines[1:], "does not list the record at byte 0"),
        ([*lines[:5], *lines[6:]], "does not list the record"),
        ([*lines, lines[3]], "twice"),
        (["a\tb\n"], "two numbers a line"),
        (["1\n"], "two numbers a line"),
        ([], "two numbers a line"),
        (["0\t-1\n"], "none below 0"),
    ):
        index.write_text("".join(other))
        with pytest.raises(UserError, match=message):
            RecordIOSource(file).list()


def test_images_that_are_not_of_whom_the_records_say_are_refused(tmp_path: Path) -> None:
    contents = insightface(images())
    contents[5] = packed(9.0, 5, contents[5][24:])
    file = write_records(tmp_path / "train.rec", contents)
    with pytest.raises(UserError, match="several labels"):
        RecordIOSource(file).list()


def test_what_is_no_such_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no RecordIO file at"):
        RecordIOSource(tmp_path / "x.rec").list()
    for content, message in (
        (b"", "no images in 0"),
        (b"hello world", "damaged at byte 0"),
        (record(b""), "no images"),
    ):
        (tmp_path / "x.rec").write_bytes(content)
        with pytest.raises(UserError, match=message):
            RecordIOSource(tmp_path / "x.rec").list()


def test_a_huge_record_is_broken_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "x.rec"
    size = 2**28
    with file.open("wb") as stream:
        stream.write(record(packed(0.0, 0, encoded(face(0)))))
        stream.write(MAGIC + struct.pack("<I", size) + packed(1.0, 1, b""))
        stream.truncate(stream.tell() - 24 + size)
    first, second = RecordIOSource(file).list()
    assert first.read()
    with pytest.raises(BrokenImage, match="larger than 64 MiB"):
        second.read()
