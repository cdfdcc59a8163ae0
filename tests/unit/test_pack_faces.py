"""Packing that finds faces: given points, boxes, all faces, crops aligned once more, and what the manifest says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.shards import KeyList, Manifest, Photo, join, open_source, pack
from mint_lightning.shards.align import TEMPLATE, CutSettings, Face, align, cut
from tests.shard_sets import open_set

SIDE = 96
MARK = (250, 10, 10)


def scene(number: int, faces: int) -> np.ndarray:
    """A noisy photo in which each "face" is a red square."""
    photo = np.random.default_rng(number).integers(60, 200, (150, 320, 3), dtype=np.uint8)
    for face in range(faces):
        photo[40:100, 20 + 150 * face : 80 + 150 * face + number % 3] = MARK
    return photo


class Squares:
    """Finds red squares."""

    name, fingerprint, least_score = "squares", "0" * 64, 0.5

    def detect(self, photos: Sequence[np.ndarray]) -> list[list[Face]]:
        return [self.found(photo) for photo in photos]

    def found(self, photo: np.ndarray) -> list[Face]:
        red = (np.abs(photo.astype(int) - MARK).max(axis=2) < 8).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(red)
        boxes = [np.array([x, y, x + w, y + h], float) for x, y, w, h, area in stats[1:] if area > 1000]
        return [Face(box, 0.9, points_in(box)) for box in boxes]


def points_in(box: np.ndarray) -> np.ndarray:
    return box[:2] + TEMPLATE / 112 * (box[3] - box[1])


@dataclass(frozen=True)
class Scenes:
    """Photos of people by number of faces and what else is known of each."""

    faces: Callable[[int], int]
    known: Callable[[int], dict[str, Any]] = lambda number: {}
    people: int = 24
    name: str = "scenes"
    first: int = 0

    def describe(self) -> dict[str, object]:
        return {"kind": "scenes", "name": self.name, "people": self.people}

    def list(self) -> list[Photo]:
        return [
            Photo(self.name, f"p{i:02d}", f"{i}.png", partial(scene, self.first + i, self.faces(i)), **self.known(i))
            for i in range(self.people)
        ]


@pytest.fixture
def squares(monkeypatch: pytest.MonkeyPatch) -> None:
    cut.cut_of.cache_clear()
    monkeypatch.setattr(cut, "detector_named", lambda name, least_score: Squares())
    yield
    cut.cut_of.cache_clear()


def packed(root: Path, source: Scenes, settings: CutSettings, **more: Any) -> tuple[Manifest, KeyList]:
    pack(source, root, image_size=settings.size, encoder="png", lanes=2, cut=settings, **more)
    return open_set(root)


def images(root: Path, manifest: Manifest) -> dict[str, np.ndarray]:
    import webdataset as wds

    urls = [str(root / shard.name) for shard in manifest.shards]
    found = wds.WebDataset(urls, shardshuffle=False, empty_check=False)
    return {
        sample["__key__"]: cv2.imdecode(np.frombuffer(sample["png"], np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
        for sample in found
    }


def test_given_points_are_taken_and_no_detector_is_needed(tmp_path: Path) -> None:
    box = np.array([20.0, 40, 80, 100])
    known = {"points": tuple(map(tuple, points_in(box)))}
    settings = CutSettings(size=SIDE, border="black")
    for workers in (0, 2):
        root = tmp_path / str(workers)
        manifest, keys = packed(root, Scenes(lambda i: 1, lambda i: known), settings, workers=workers)
        assert manifest.faces == {"given points": 24}
        found = images(root, manifest)
        for key, origin in zip(keys.key[:], keys.origin[:], strict=True):
            number = int(str(origin).removesuffix(".png"))
            np.testing.assert_array_equal(found[key], align(scene(number, 1), points_in(box), SIDE, border="black"))


def test_one_face_of_a_photo_and_photos_without(tmp_path: Path, squares: None) -> None:
    source = Scenes(lambda i: 0 if i == 5 else 1 + i % 2)
    manifest, keys = packed(tmp_path / "set", source, CutSettings(size=SIDE), max_broken=0.1)
    assert (len(keys), manifest.faces) == (23, {"detected": 23})
    assert [entry["reason"] for entry in manifest.broken] == ["no face was found in it"]
    assert manifest.border == "replicated"
    again = CutSettings.of_words(manifest.alignment, size=SIDE, border=manifest.border)
    assert again == CutSettings(size=SIDE)
    with pytest.raises(UserError, match="no face was found"):
        packed(tmp_path / "strict", source, CutSettings(size=SIDE))


def test_all_faces_have_keys_of_their_own(tmp_path: Path, squares: None) -> None:
    manifest, keys = packed(tmp_path / "set", Scenes(lambda i: 1 + i % 2), CutSettings(size=SIDE, faces="all"))
    assert (manifest.images, len(keys), manifest.faces) == (36, 36, {"detected": 36})
    second = [str(key) for key in keys.key[:] if str(key).endswith("-2")]
    assert len(second) == 12
    assert {key.removesuffix("-2") for key in second} < set(map(str, keys.key[:]))
    assert set(images(tmp_path / "set", manifest)) == set(map(str, keys.key[:]))
    by_label = {label: set(keys.split[keys.label == label]) for label in np.unique(keys.label)}
    assert all(len(splits) == 1 for splits in by_label.values()), "faces of a photo stay in one split"
    lanes = np.bincount(keys.lane[(keys.split == "fit")])
    assert abs(int(lanes[0]) - int(lanes[1])) <= 1


def test_a_set_of_all_faces_can_be_packed_again(tmp_path: Path, squares: None) -> None:
    _, keys = packed(tmp_path / "set", Scenes(lambda i: 1 + i % 2), CutSettings(size=SIDE, faces="all"))
    pack(open_source(f"webdataset:{tmp_path / 'set'}"), tmp_path / "again", image_size=SIDE, encoder="png", lanes=2)
    _, again = open_set(tmp_path / "again")
    assert sorted(again.sha256.tolist()) == sorted(keys.sha256.tolist())
    assert sorted(set(again.identity.tolist())) == sorted(set(keys.identity.tolist()))


def test_a_box_chooses_the_face(tmp_path: Path, squares: None) -> None:
    right = (165.0, 35.0, 235.0, 105.0)
    root = tmp_path / "set"
    manifest, keys = packed(root, Scenes(lambda i: 2, lambda i: {"box": right}), CutSettings(size=SIDE))
    number = int(str(keys.origin[0]).removesuffix(".png"))
    points = points_in(np.array([170.0, 40, 230, 100]))
    np.testing.assert_array_equal(images(root, manifest)[str(keys.key[0])], align(scene(number, 2), points, SIDE))


def test_crops_are_aligned_once_more_or_keep_the_template(tmp_path: Path, squares: None) -> None:
    manifest, _ = packed(tmp_path / "set", Scenes(lambda i: i % 3 > 0), CutSettings(size=SIDE, realign=True))
    assert manifest.faces == {"detected": 16, "template points": 8}
    assert "realign=True" in manifest.alignment


def test_crops_aligned_once_more_go_only_with_what_was_aligned_once_more(tmp_path: Path, squares: None) -> None:
    packed(tmp_path / "crops", Scenes(lambda i: 1, name="crops"), CutSettings(size=SIDE, realign=True))
    packed(tmp_path / "photos", Scenes(lambda i: 1, name="photos", first=100), CutSettings(size=SIDE))
    with pytest.raises(
        UserError, match=r"set by it\. Bring photos to the pipeline of crops .*--source webdataset:photos"
    ):
        join([str(tmp_path / "crops"), str(tmp_path / "photos")], out=tmp_path / "none")
    settings = CutSettings(size=SIDE, realign=True)
    packed(tmp_path / "again", Scenes(lambda i: 1, name="photos", first=100), settings)
    both = Manifest.load(join([str(tmp_path / "crops"), str(tmp_path / "again")], out=tmp_path / "both"))
    assert not both.mixed
    assert both.alignment == settings.words


def test_the_same_set_is_reused_and_another_cut_is_not(tmp_path: Path, squares: None) -> None:
    source, root = Scenes(lambda i: 1), tmp_path / "set"
    first, _ = packed(root, source, CutSettings(size=SIDE))
    assert packed(root, source, CutSettings(size=SIDE), reuse=True)[0] == first
    with pytest.raises(UserError, match="packed in another way"):
        packed(root, source, CutSettings(size=SIDE, border="black"), reuse=True)


def test_what_is_declared_is_written_down(tmp_path: Path) -> None:
    manifest = pack(Scenes(lambda i: 1), tmp_path / "set", aligned=True, lanes=2)
    assert (manifest.alignment, manifest.border, manifest.faces) == ("declared aligned", "as given", {})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--faces", "all"], "name a detector"),
        (["--min-face", "40"], "name a detector"),
        (["--detector", "haar"], "no detector 'haar'"),
        (["--detector", "nowhere.onnx"], "no detector at nowhere.onnx"),
        (["--detector", "centerface", "--aligned", "true"], "leave one out"),
        (["--realign", "true", "--faces", "all"], "takes the largest"),
        (["--detector", "centerface", "--padding", "9"], "--padding 9.0 cannot be used"),
    ],
)
def test_what_cannot_be_asked_is_said(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "set"
    source = "synthetic:identities=8,photos=1"
    assert main(["pack", "--source", source, "--out", str(out), *words]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()
