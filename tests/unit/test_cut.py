"""Faces cut out of photos: which, by what points, and how the way is written down."""

import io
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from mint_lightning.errors import UserError
from mint_lightning.shards.align import TEMPLATE, CutSettings, Face, FaceCut, align, detector_named
from mint_lightning.shards.align.face import apart, largest_first
from mint_lightning.shards.image import BrokenImage
from tests.similarities import applied, moved

pytestmark = pytest.mark.unit


def face_at(x: float, y: float, side: float, score: float) -> Face:
    matrix = moved(0.0, side / 112, (x, y))
    return Face(np.array([x, y, x + side, y + side]), score, applied(matrix, TEMPLATE))


def test_of_overlapping_boxes_the_surest_stays() -> None:
    sure, unsure, far = face_at(0, 0, 100, 0.9), face_at(5, 5, 100, 0.8), face_at(300, 0, 150, 0.6)
    assert apart([unsure, far, sure], 0.3) == [sure, far]
    assert largest_first(apart([unsure, far, sure], 0.3)) == [far, sure]
    assert apart([sure, unsure], 0.95) == [sure, unsure]


class Stub:
    """A detector that says what it is told to."""

    name, fingerprint, least_score = "stub", "0", 0.5

    def __init__(self, faces: list[Face]) -> None:
        self.faces = faces

    def detect(self, photos: Sequence[np.ndarray]) -> list[list[Face]]:
        self.seen = photos[-1]
        return [self.faces for _ in photos]


def cut(found: list[Face], **settings: object) -> FaceCut:
    return FaceCut(CutSettings(**settings), Stub(found))


def encoded(pixels: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def test_the_largest_face_or_every_one() -> None:
    photo = encoded(np.full((400, 600, 3), 120, np.uint8))
    large, small = face_at(20, 20, 300, 0.7), face_at(400, 20, 100, 0.9)
    ((face, score),) = cut([large, small])(photo)
    assert (face.shape, score) == ((112, 112, 3), 0.7)
    assert [score for _, score in cut([small, large], faces="all")(photo)] == [0.7, 0.9]
    assert cut([])(photo) == []
    wrong = Face(large.box, 0.9, np.full((5, 2), 50.0))
    assert [score for _, score in cut([wrong, small])(photo)] == [0.9]
    with pytest.raises(BrokenImage, match="one place"):
        cut([wrong])(photo)


def test_of_faces_of_like_size_the_central_one() -> None:
    photo = encoded(np.full((400, 600, 3), 120, np.uint8))
    aside, middle = face_at(0, 0, 130, 0.7), face_at(240, 140, 120, 0.9)
    assert [score for _, score in cut([aside, middle])(photo)] == [0.9]
    assert [score for _, score in cut([aside, middle], faces="all")(photo)] == [0.7, 0.9]


def test_given_points_need_no_detector() -> None:
    photo = np.full((300, 300, 3), 120, np.uint8)
    settings = CutSettings(detector="nowhere.onnx")
    (face,) = FaceCut(settings).faces(photo, points=TEMPLATE + 50)
    assert (face.how, np.isnan(face.score)) == ("given points", True)
    np.testing.assert_array_equal(face.pixels, align(photo, TEMPLATE + 50))


def test_of_a_box_the_face_that_lies_in_it() -> None:
    photo = np.full((400, 600, 3), 120, np.uint8)
    seen = cut([face_at(10, 10, 90, 0.6), face_at(120, 20, 60, 0.9)])  # in what is seen of the photo
    (face,) = seen.faces(photo, box=np.array([310.0, 60, 400, 150]))
    assert face.score == 0.6
    assert seen.detector.seen.shape == (180, 180, 3), "half of the box's sides on each side"
    with pytest.raises(BrokenImage, match="no face was found in its box"):
        cut([]).faces(photo, box=np.array([310.0, 60, 400, 150]))
    for box in ([5.0, 5, 5, 9], [900.0, 900, 990, 990], [np.nan, 0, 1, 1]):
        with pytest.raises(BrokenImage, match="its box"):
            seen.faces(photo, box=np.array(box))


@pytest.mark.parametrize("shape", [(112, 112), (224, 224), (112, 96)])
def test_a_crop_without_a_face_keeps_the_points_of_the_template(shape: tuple[int, int]) -> None:
    crop = np.random.default_rng(3).integers(0, 256, (*shape, 3), dtype=np.uint8)
    again = cut([], realign=True)
    (face,) = again.faces(crop)
    assert face.how == "template points"
    assert again.detector.seen.shape == (2 * shape[0], shape[1] + shape[0], 3), "half of its side laid round it"
    if shape == (112, 112):
        np.testing.assert_array_equal(face.pixels, crop)
    elif shape == (112, 96):
        np.testing.assert_array_equal(face.pixels[:, 8:104], crop)


def test_what_is_found_in_the_border_laid_round_is_moved_back() -> None:
    crop = np.random.default_rng(3).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    (face,) = cut([face_at(56 + 3, 56 + 4, 112, 0.8)], realign=True).faces(crop)
    assert face.how == "detected"
    np.testing.assert_array_equal(face.pixels, align(crop, TEMPLATE + np.array([3.0, 4.0])))


def test_settings_go_into_words_and_back() -> None:
    given = CutSettings(size=96, faces="all", border="black", least_face=40.0, least_score=0.7, padding=0.25)
    assert CutSettings.of_words(given.words, size=96, border="black") == given
    assert CutSettings.of_words("as given", size=96, border="black") is None
    with pytest.raises(UserError, match="not the one that was used"):
        CutSettings.of_words(given.words.replace("sha256=", "sha256=0"), size=96, border="black")
    with pytest.raises(UserError, match="--detector"):
        CutSettings.of_words(given.words.replace("centerface", "scrfd"), size=96, border="black")


@pytest.mark.parametrize(
    "wrong",
    [{"detector": "haar"}, {"faces": "some"}, {"border": "green"}, {"least_score": 1.5}, {"least_face": float("nan")},
     {"padding": -1.0}, {"realign": True, "faces": "all"}],
)  # fmt: skip
def test_settings_that_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError):
        CutSettings(**wrong)


def test_a_photo_is_turned_upright_before_faces_are_looked_for() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stub = Stub([])
    FaceCut(CutSettings(), stub)(encoded(np.zeros((100, 200, 3), np.uint8), exif=exif))
    assert stub.seen.shape == (200, 100, 3)
    with pytest.raises(BrokenImage):
        FaceCut(CutSettings(), stub)(b"nothing")


def test_a_detector_by_name(tmp_path) -> None:
    with pytest.raises(UserError, match="no detector 'mtcnn'"):
        detector_named("mtcnn")
    with pytest.raises(UserError, match="There is no detector at"):
        detector_named(str(tmp_path / "missing.onnx"))
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(UserError, match="no ONNX model"):
        detector_named(str(tmp_path / "bad.onnx"))
