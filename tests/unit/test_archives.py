"""Zip and tar archives packed without unpacking them, and archives that are not what they say."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.shards.image import BrokenImage
from mint_lightning.shards.sources import gzipped
from mint_lightning.shards.sources.archive import ArchiveSource
from mint_lightning.shards.sources.gzipped import Gzipped
from tests.archives import people, tar_bytes, write_tar, write_zip
from tests.images import encoded, face, face_folder
from tests.shard_sets import open_set

pytestmark = pytest.mark.unit

KINDS = ("photos.zip", "photos.tar", "photos.tar.gz", "photos.tgz")


def archive(path: Path, files: dict[str, bytes]) -> Path:
    return write_zip(path, files) if path.suffix == ".zip" else write_tar(path, files)


def pack(source: str, out: Path, *more: str) -> int:
    size = ["--image_size", "16", "--encoder", "png"]
    return main(["pack", "--source", source, "--out", str(out), *size, *more])


@pytest.mark.parametrize("file", KINDS)
@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_archive_gives_what_its_folder_gives(tmp_path: Path, file: str, workers: str) -> None:
    archive(tmp_path / file, people(20, 2, "faces/x/") | {"faces/README.txt": b"x", "faces/x/beside.png": b"x"})
    kind = "zip" if file.endswith("zip") else "tar"
    assert pack(f"{kind}:{tmp_path / file}", tmp_path / "set", "--workers", workers) == 0
    for name, content in people(20, 2).items():
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert pack(f"folder:{tmp_path / 'photos'}", tmp_path / "plain") == 0
    (manifest, keys), (plain, _) = open_set(tmp_path / "set"), open_set(tmp_path / "plain")
    assert [shard.sha256 for shard in manifest.shards] == [shard.sha256 for shard in plain.shards]
    assert manifest.skipped == {"count": 2, "examples": ["faces/README.txt", "faces/x/beside.png"]}
    assert keys.origin[0].count("/") == 1


@pytest.mark.parametrize("file", KINDS)
def test_an_archive_can_be_listed_again_in_the_same_process(tmp_path: Path, file: str) -> None:
    path = archive(tmp_path / file, people(3, 2))
    first = ArchiveSource(path).list()
    first[3].read()
    assert list(ArchiveSource(path).list()) == list(first)


@pytest.mark.parametrize("file", KINDS)
def test_names_that_lead_out_and_links_are_broken_and_nothing_is_written(tmp_path: Path, file: str) -> None:
    files = people(20, 1) | {"../../p1/a.png": b"x", "/p2/b.png": b"y", "p3/../../c.png": b"z"}
    path = archive(tmp_path / "in" / file if (tmp_path / "in").mkdir() is None else tmp_path, files)
    photos = ArchiveSource(path).list()
    assert len(photos) == 23
    bad = [photo for photo in photos if not photo.identity.startswith("person")]
    assert len(bad) == 3
    for photo in bad:
        assert ".." not in photo.origin
        with pytest.raises(BrokenImage, match="leads out"):
            photo.read()
    assert [found.name for found in tmp_path.iterdir()] == ["in"]


def test_of_files_of_one_name_the_last_counts(tmp_path: Path) -> None:
    path = tmp_path / "twice.tar"
    with tarfile.open(path, "w") as tar:
        for content in (b"first", b"second, longer"):
            for name in ("ann/1.jpg", "bob/1.jpg"):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    source = ArchiveSource(path)
    assert [photo.read() for photo in source.list()] == [b"second, longer"] * 2
    assert [text for text in source.skipped if "a later one" in text] == [
        f"{name}/1.jpg (a later one of that name replaces it)" for name in ("ann", "bob")
    ]


def test_links_and_devices_in_a_tar_are_broken(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        for number, kind in enumerate((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE)):
            info = tarfile.TarInfo(f"p{number}/0.png")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
        info = tarfile.TarInfo("p9/")
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    photos = ArchiveSource(tmp_path / "x.tar").list()
    reasons = []
    for photo in photos:
        with pytest.raises(BrokenImage) as raised:
            photo.read()
        reasons.append(str(raised.value))
    assert reasons == ["it is a link, which is not followed"] * 2 + ["it is no plain file"] * 2


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    huge = bytes(200 * 2**20)
    write_zip(tmp_path / "x.zip", {"p0/0.png": huge, "p1/0.png": encoded(face(1))})
    write_tar(tmp_path / "x.tgz", {"p0/0.png": huge, "p1/0.png": encoded(face(1))})
    for name in ("x.zip", "x.tgz"):
        bomb, sound = ArchiveSource(tmp_path / name).list()
        with pytest.raises(BrokenImage, match="larger than 64 MiB"):
            bomb.read()
        assert sound.read() == encoded(face(1))


def test_a_zip_that_lies_about_sizes_is_broken(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"p0/0.png": bytes(10_000), "p1/0.png": encoded(face(1))})
    data = path.read_bytes()
    directory = data.index(b"PK\1\2")
    path.write_bytes(data[: directory + 24] + (500).to_bytes(4, "little") + data[directory + 28 :])
    with pytest.raises(BrokenImage, match="damaged"):
        ArchiveSource(path).list()[0].read()


def test_what_a_zip_has_that_is_not_read_is_broken(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"p0/0.png": encoded(face(0))}, zipfile.ZIP_LZMA)
    with pytest.raises(BrokenImage, match="method 14"):
        ArchiveSource(path).list()[0].read()
    data = bytearray(write_zip(path, {"p0/0.png": encoded(face(0))}).read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(BrokenImage, match="encrypted"):
        ArchiveSource(path).list()[0].read()


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tars_of_all_formats_and_long_names(tmp_path: Path, format: int) -> None:
    long = "n" * (90 if format == tarfile.USTAR_FORMAT else 180)
    write_tar(tmp_path / "x.tar", {f"./{long}/{long[:80]}.png": b"a", "b/Zoë.png": b"b"}, format)
    photos = ArchiveSource(tmp_path / "x.tar").list()
    assert [(photo.identity, photo.read()) for photo in photos] == [("b", b"b"), (long, b"a")]
    assert photos[0].origin == "b/Zoë.png"


def test_a_tar_that_lost_its_end_or_has_more_behind_it_is_refused(tmp_path: Path) -> None:
    whole = tar_bytes(people(4, 1))
    ends = [at for at in range(512, len(whole), 512) if whole[at : at + 6] == b"person"]
    damaged = bytearray(whole)
    damaged[ends[2] + 148 : ends[2] + 156] = b"77777777"
    for content, message in (
        (whole[: ends[1]], "mark of its end"),
        (whole[: ends[1] + 700], "not a whole tar"),
        (bytes(damaged), "more behind"),
        (whole + whole, "more behind"),
        (b"", "not a whole tar"),
        (b"hello" * 300, "not a whole tar"),
    ):
        for file, data in (("x.tar", content), ("x.tar.gz", gzip.compress(content))):
            (tmp_path / file).write_bytes(data)
            with pytest.raises(UserError, match=message):
                ArchiveSource(tmp_path / file).list()
    packed = gzip.compress(whole)
    for data in (packed[:-9], packed[: len(packed) // 2], packed[:-6] + b"\0\1" + packed[-4:]):
        (tmp_path / "y.tar.gz").write_bytes(data)
        with pytest.raises(UserError, match="not a whole tar"):
            ArchiveSource(tmp_path / "y.tar.gz").list()


def test_archives_of_other_kinds_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "x.tar.xz").write_bytes(b"x")
    with pytest.raises(UserError, match="xz -d"):
        ArchiveSource(tmp_path / "x.tar.xz").list()
    with pytest.raises(UserError, match="no folder or archive at"):
        ArchiveSource(tmp_path / "none.zip").list()
    (tmp_path / "x.zip").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(UserError, match=r"not a whole \.zip"):
        ArchiveSource(tmp_path / "x.zip").list()
    write_zip(tmp_path / "y.zip", {"a.png": b"x", "notes.txt": b"y"})
    with pytest.raises(UserError, match=r"no photos by identity.*a\.png"):
        ArchiveSource(tmp_path / "y.zip").list()


def test_folders_of_macos_are_skipped(tmp_path: Path) -> None:
    write_zip(tmp_path / "x.zip", people(4, 1) | {"__MACOSX/person_00/._0.png": b"x", ".DS_Store": b"x"})
    source = ArchiveSource(tmp_path / "x.zip")
    assert len(source.list()) == 4
    assert set(source.skipped) == {"__MACOSX/person_00/._0.png", ".DS_Store"}


def test_a_gzip_is_read_at_any_place_from_states_it_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gzipped, "_STEP", 30_000)
    monkeypatch.setattr(gzipped, "_STATES", 8)
    rng = np.random.default_rng(0)
    data = rng.integers(0, 40, 900_000, dtype=np.uint8).tobytes()
    (tmp_path / "x.gz").write_bytes(gzip.compress(data[:300_001]) + gzip.compress(data[300_001:]) + bytes(1024))
    stream = Gzipped(tmp_path / "x.gz")
    for start in [0, *rng.integers(0, len(data), 40).tolist(), len(data) - 1]:
        assert stream.seek(start) == start
        assert stream.read(5_000) == data[start : start + 5_000]
        assert len(stream._places) <= 8
    assert stream.seek(10**7) == len(data)
    assert stream.read(1) == b""


def test_a_folder_and_its_archive_describe_equal_content_alike(tmp_path: Path) -> None:
    root = face_folder(tmp_path / "faces", identities=3, photos=1)
    files = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.png")}
    one, two = (
        ArchiveSource(write_zip(tmp_path / "a.zip", files), "x"),
        ArchiveSource(write_tar(tmp_path / "b.tar", files), "x"),
    )
    assert one.describe() == two.describe()
    assert str(tmp_path) not in str(one.describe())
    assert io.BytesIO(one.list()[0].read()).read(4) == b"\x89PNG"
