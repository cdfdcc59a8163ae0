"""Archives of pixels, and those in parts with classes and tracks."""

import pickle

import numpy as np
import pytest

from mint_lightning.errors import UserError
from mint_lightning.shards.sources import NpzSource
from tests.images import encoded, face

pytestmark = pytest.mark.unit


def test_npz_of_pixels_by_person(tmp_path):
    for name, pixels in (
        ("grey", np.arange(6 * 9 * 7, dtype=np.uint8).reshape(6, 9, 7)),
        ("deep", np.arange(6 * 9 * 7, dtype=np.uint8).reshape(6, 9, 7, 1)),
        ("rgb", np.asfortranarray(np.random.default_rng(0).integers(0, 256, (6, 9, 7, 3), dtype=np.uint8))),
    ):
        for save in (np.savez, np.savez_compressed):
            save(tmp_path / f"{name}.npz", x=pixels, label=np.arange(6) // 2)
            photos = NpzSource(tmp_path / f"{name}.npz").list()
            assert [photo.identity for photo in photos] == list("001122")
            read = pickle.loads(pickle.dumps(photos[4])).read()
            np.testing.assert_array_equal(read, pixels[4].reshape(read.shape))


def test_npz_names_all_classes_by_label_alike_in_all_parts(tmp_path):
    pixels = np.zeros((4, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "a.npz", x_train=pixels, y_train=[0, 3, 12, 3], x_test=pixels[:2], y_test=[3, 0])
    source = NpzSource(tmp_path / "a.npz")
    names = [f"{number:02d}" for number in range(13)]
    assert list(source.classes) == source.describe()["classes"] == names
    assert [photo.attributes["class"] for photo in source.list()] == ["03", "00", "00", "03", "12", "03"]
    np.savez(tmp_path / "b.npz", x=pixels, label=[2, 0, 0, 2], classes=np.array(["stop", "go", "turn"]))
    source = NpzSource(tmp_path / "b.npz")
    assert list(source.classes) == source.describe()["classes"] == ["stop", "go", "turn"]
    np.savez(tmp_path / "people.npz", x=pixels, label=[2, 0, 0, 2])
    source = NpzSource(tmp_path / "people.npz")
    assert list(source.classes) == []
    assert "classes" not in source.describe()


def test_npz_in_parts_is_of_objects(tmp_path):
    files = [encoded(face(number // 2, number), "JPEG") for number in range(6)]
    blob, offset = np.frombuffer(b"".join(files), np.uint8), np.cumsum([0, *map(len, files)])
    parts = {
        "blob_train": blob,
        "offset_train": offset,
        "label_train": np.arange(6) % 2,
        "track_train": np.arange(6) // 3,
    }
    parts |= {"blob_test": blob, "offset_test": offset[:4], "label_test": np.array([1, 1, 0], np.uint8)}
    np.savez(tmp_path / "signs_32.npz", classes=np.array(["stop", "turn"]), **parts)
    photos = NpzSource(tmp_path / "signs_32.npz").list()
    assert [(photo.source, photo.identity, photo.attributes["class"]) for photo in photos[:4]] == [
        ("signs_test", "0", "turn"),
        ("signs_test", "1", "turn"),
        ("signs_test", "2", "stop"),
        ("signs_train", "class 0 track 0", "stop"),
    ]
    # Tracks are counted anew in each class: track 0 of one is not track 0 of the other.
    assert [photo.identity for photo in photos[3:]] == [f"class {n % 2} track {n // 3}" for n in range(6)]
    assert [photo.read() for photo in photos[3:]] == files
    pixels = np.zeros((4, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "cifar.npz", x_train=pixels, y_train=np.arange(4), x_test=pixels[:2], y_test=np.arange(2))
    photos = NpzSource(tmp_path / "cifar.npz").list()
    assert [(photo.source, photo.identity, photo.attributes["class"]) for photo in photos][1:3] == [
        ("cifar_test", "1", "1"),
        ("cifar_train", "0", "0"),
    ]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((2, 3), np.uint8), "label": np.arange(2)}, "'x' must be pixels"),
        ({"x": np.zeros((2, 3, 3, 4), np.uint8), "label": np.arange(2)}, "'x' must be pixels"),
        ({"x": np.zeros((2, 3, 3)), "label": np.arange(2)}, "'x' must be pixels"),
        ({"x": np.zeros((2, 3, 3), np.uint8), "label": np.arange(3)}, "'x' has 2 entries, 'label' 3"),
        ({"x_train": np.zeros((2, 3, 3), np.uint8)}, "lacks the key 'label_train'"),
        ({"x": np.zeros((1, 3, 3), np.uint8), "y": np.arange(1), "classes": np.array([], str)}, "below 0, the classes"),
        (
            {"x": np.zeros((1, 3, 3), np.uint8), "y": np.arange(1), "classes": np.array(["a", "a"])},
            "'classes' must name each class once",
        ),
        ({"x_a": np.zeros((1, 3, 3), np.uint8), "y_a": np.array([10**9])}, "'label' must be below 100,000"),
        ({"a": np.zeros(3)}, "from blob, offset and label, or from x and label"),
    ],
)
def test_npz_of_pixels_that_does_not_fit_together(tmp_path, arrays, message):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(UserError, match=message):
        NpzSource(tmp_path / "x.npz").list()
