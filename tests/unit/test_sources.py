import os
import pickle

import numpy as np
import pytest

from mint_lightning.errors import UserError
from mint_lightning.shards.image import BrokenImage
from mint_lightning.shards.sources import FolderSource, NpzSource, open_source, walk
from tests.images import encoded, face, face_folder

pytestmark = pytest.mark.unit


def archive(path, save=np.savez, **changes):
    files = [encoded(face(number // 2, number), "JPEG") for number in range(6)]
    arrays = {
        "blob": np.frombuffer(b"".join(files), dtype=np.uint8),
        "offset": np.cumsum([0, *map(len, files)]),
        "label": np.arange(6) // 2,
        "identity": np.array(["Ann", "Bö", "Cy"]),
        "filename": np.array([f"photo{number}" for number in range(6)]),
    }
    arrays |= changes
    save(path, **{key: value for key, value in arrays.items() if value is not None})
    return files


def test_folder_lists_photos_by_identity(tmp_path):
    source = FolderSource(face_folder(tmp_path / "faces", identities=3, photos=2))
    photos = source.list()
    assert source.name == "faces"
    assert [(photo.source, photo.identity, photo.origin) for photo in photos][:3] == [
        ("faces", "person_000", "person_000/0.png"),
        ("faces", "person_000", "person_000/1.png"),
        ("faces", "person_001", "person_001/0.png"),
    ]
    assert pickle.loads(pickle.dumps(photos[1])).read() == (tmp_path / "faces/person_000/1.png").read_bytes()


def test_folder_names_what_it_skips(tmp_path):
    root = face_folder(tmp_path / "faces", identities=2, photos=1)
    (root / ".git").mkdir()
    (root / "README.txt").write_text("x")
    (root / "empty").mkdir()
    (root / "person_000" / "Thumbs.db").write_bytes(b"x")
    (root / "person_000" / ".0.png").write_bytes(b"x")
    (root / "person_000" / "notes.txt").write_text("x")
    source = FolderSource(root)
    assert len(source.list()) == 2
    assert set(source.skipped) == {
        ".git",
        "README.txt",
        "empty/ (no image in it)",
        "person_000/.0.png",
        "person_000/Thumbs.db",
        "person_000/notes.txt",
    }


def test_folder_reads_deeper_folders_and_linked_people_and_capital_endings(tmp_path):
    root = face_folder(tmp_path / "faces", identities=1, photos=1)
    (root / "person_000" / "2001").mkdir()
    (root / "person_000" / "2001" / "A.JPG").write_bytes(b"x")
    (root / "linked").symlink_to(root / "person_000")
    (root / "person_000" / "2001" / "loop").symlink_to(root)
    origins = {photo.origin for photo in FolderSource(root).list()}
    assert origins == {"person_000/0.png", "person_000/2001/A.JPG", "linked/0.png", "linked/2001/A.JPG"}


def test_folder_describes_names_and_sizes_but_no_place(tmp_path):
    one = FolderSource(face_folder(tmp_path / "a" / "faces", identities=2))
    two = FolderSource(face_folder(tmp_path / "b" / "faces", identities=2))
    assert one.describe() == two.describe()
    assert str(tmp_path) not in str(one.describe())
    (tmp_path / "b/faces/person_001/0.png").write_bytes(b"other")
    assert FolderSource(tmp_path / "b/faces").describe() != one.describe()


def test_folder_with_a_name_that_is_no_utf8(tmp_path):
    root = face_folder(tmp_path / "faces", identities=1, photos=1)
    name = os.fsdecode(b"caf\xe9.png")
    (root / "person_000" / name).write_bytes(b"x")
    origins = [photo.origin for photo in FolderSource(root).list()]
    assert origins == ["person_000/0.png", "person_000/caf\\xe9.png"]
    assert FolderSource(root).list()[1].read() == b"x"


def test_folder_refuses_a_huge_file_before_reading_it(tmp_path, monkeypatch):
    root = face_folder(tmp_path / "faces", identities=1, photos=1)
    monkeypatch.setattr(walk, "MAX_BYTES", 100)
    with pytest.raises(BrokenImage, match="larger than"):
        FolderSource(root).list()[0].read()


def test_folder_without_people(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(face(0)))
    with pytest.raises(UserError, match=r"no photos by identity.*a\.png"):
        FolderSource(tmp_path).list()
    with pytest.raises(UserError, match="cannot be read"):
        FolderSource(tmp_path / "nowhere").list()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_reads_images_by_offset(tmp_path, save):
    files = archive(tmp_path / "db_x.npz", save)
    photos = NpzSource(tmp_path / "db_x.npz").list()
    assert [pickle.loads(pickle.dumps(photo)).read() for photo in photos] == files
    assert [(photo.source, photo.identity, photo.origin) for photo in photos][2:4] == [
        ("db", "Bö", "photo2"),
        ("db", "Bö", "photo3"),
    ]


def test_npz_of_several_databases(tmp_path):
    names = np.array(["lfw", "lfw", "att", "att", "att", "att"])
    archive(tmp_path / "faces.npz", source=names)
    photos = NpzSource(tmp_path / "faces.npz", "faces").list()
    assert [photo.source for photo in photos] == names.tolist()
    archive(tmp_path / "short.npz", source=names[:5])
    with pytest.raises(UserError, match="'source' has 5 entries, 'label' 6"):
        NpzSource(tmp_path / "short.npz").list()
    archive(tmp_path / "unnamed.npz", source=np.array(["lfw"] * 5 + [""]))
    with pytest.raises(UserError, match="must name a database"):
        NpzSource(tmp_path / "unnamed.npz").list()


def test_npz_without_names_counts(tmp_path):
    archive(tmp_path / "x.npz", identity=None, filename=None, label=np.array([0, 0, 11, 11, 2, 2]))
    photos = NpzSource(tmp_path / "x.npz", name="db").list()
    assert [(photo.identity, photo.origin) for photo in photos][1:4] == [("00", "1"), ("11", "2"), ("11", "3")]


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_npz_with_integers_of_any_kind(tmp_path, dtype):
    offset = np.cumsum([0, *map(len, archive(tmp_path / "x.npz"))]).astype(np.uint32 if dtype == np.uint8 else dtype)
    files = archive(tmp_path / "x.npz", identity=None, label=(np.arange(6) * 40).astype(dtype), offset=offset)
    photos = NpzSource(tmp_path / "x.npz").list()
    assert [photo.read() for photo in photos] == files
    assert [photo.identity for photo in photos] == ["000", "040", "080", "120", "160", "200"]


def test_npz_describes_its_content_but_no_place(tmp_path):
    archive(tmp_path / "x.npz")
    description = NpzSource(tmp_path / "x.npz").describe()
    assert description["photos"] == 6
    assert len(description["sha256"]) == 64
    assert str(tmp_path) not in str(description)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"offset": None}, "lacks the key 'offset'"),
        ({"label": np.arange(5)}, "'offset' must rise"),
        ({"offset": np.array([0, 9, 5, 6, 7, 8, 9])}, "'offset' must rise"),
        ({"offset": np.array([0, 9, 5, 6, 7, 8, 9], dtype=np.uint16)}, "'offset' must rise"),
        ({"offset": np.array([0, 1, 2, 3, 4, 5, 10**9])}, "'offset' must rise"),
        ({"label": np.array([0, 0, 1, 1, 2, 3])}, "'label' must be below 3"),
        ({"label": np.array([-1, 0, 1, 1, 2, 2])}, "'label' must not be negative"),
        ({"label": np.zeros(6)}, "'label' must be one row of integers"),
        ({"filename": np.array(["a"])}, "'filename' has 1 entries"),
        ({"blob": np.zeros((2, 2), np.uint8)}, "'blob' must be one row of uint8"),
        ({"identity": np.array([{"a": 1}], dtype=object)}, "not a readable"),
    ],
)
def test_npz_that_does_not_fit_together(tmp_path, changes, message):
    archive(tmp_path / "x.npz", **changes)
    with pytest.raises(UserError, match=message):
        NpzSource(tmp_path / "x.npz").list()


def test_npz_that_is_none(tmp_path):
    with pytest.raises(UserError, match="no archive at"):
        NpzSource(tmp_path / "x.npz").list()
    for content in (b"", b"hello", b"PK\x03\x04 cut"):
        (tmp_path / "x.npz").write_bytes(content)
        with pytest.raises(UserError, match="not a readable"):
            NpzSource(tmp_path / "x.npz").list()
    np.save(tmp_path / "y.npy", np.zeros(3))
    with pytest.raises(UserError, match="not a readable"):
        NpzSource(tmp_path / "y.npy").list()


def test_open_source_by_text(tmp_path):
    assert isinstance(open_source(f"folder:{tmp_path}"), FolderSource)
    source = open_source("npz:C:/a:b.npz", name="db")
    assert isinstance(source, NpzSource)
    assert source.name == "db"
    assert str(source.path).endswith("C:/a:b.npz")


@pytest.mark.parametrize("spec", ["", "folder", "folder:", "npz:", "rar:x", "/a/folder"])
def test_open_source_refuses_other_texts(spec):
    with pytest.raises(UserError, match="names no source"):
        open_source(spec)


def test_open_source_makes_synthetic_photos():
    source = open_source("synthetic:identities=5, photos=2,seed=3", name="drawn")
    photos = source.list()
    assert len(photos) == 10
    assert {photo.source for photo in photos} == {"drawn"}
    assert len({photo.identity for photo in photos}) == 5


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("colour=red", "'colour=red' is no argument"),
        ("photos", "'photos' is no argument"),
        ("photos=x", "photos = 'x'"),
    ],
)
def test_open_source_names_a_wrong_argument(spec, message):
    with pytest.raises(UserError, match=message):
        open_source(f"synthetic:{spec}")
