"""From points to faces of one size: the similarity, the warp, the border, and what is no face."""

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mint_lightning.errors import UserError
from mint_lightning.shards.align import BORDER, TEMPLATE, Face, FaceCut, align, detector_named, similarity
from mint_lightning.shards.align.face import apart, largest_first
from mint_lightning.shards.image import BrokenImage

pytestmark = pytest.mark.unit

SPOTS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)]


def moved(angle: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    """The matrix that brings the template to where a face shall be."""
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cosine, -sine, shift[0]], [sine, cosine, shift[1]]])


def applied(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]


@settings(deadline=None, max_examples=100)
@given(
    angle=st.floats(-3.1, 3.1),
    scale=st.floats(0.05, 20),
    across=st.floats(-500, 500),
    down=st.floats(-500, 500),
)
def test_a_similarity_is_found_again(angle: float, scale: float, across: float, down: float) -> None:
    matrix = moved(angle, scale, (across, down))
    np.testing.assert_allclose(similarity(TEMPLATE, applied(matrix, TEMPLATE)), matrix, atol=1e-9 * max(scale, 500))


def test_it_is_the_least_squares_similarity() -> None:
    """Against the normal equations of x' = a x - b y + c, y' = b x + a y + d."""
    generator = np.random.default_rng(0)
    points, target = generator.standard_normal((2, 7, 2)) * 30
    left, right = [], []
    for (x, y), (u, v) in zip(points, target, strict=True):
        left += [[x, -y, 1, 0], [y, x, 0, 1]]
        right += [u, v]
    a, b, c, d = np.linalg.lstsq(np.array(left), np.array(right), rcond=None)[0]
    np.testing.assert_allclose(similarity(points, target), [[a, -b, c], [b, a, d]], atol=1e-9)


@pytest.mark.parametrize("points", [np.zeros((5, 2)), np.full((5, 2), np.nan), np.zeros((4, 2))])
def test_points_that_cannot_be_laid_on_others(points: np.ndarray) -> None:
    with pytest.raises(UserError):
        similarity(points, TEMPLATE)


def drawn(matrix: np.ndarray, side: int) -> np.ndarray:
    """A grey photo with a coloured spot at each of the five points of a face."""
    photo = np.full((side, side, 3), 90, np.uint8)
    size = max(2, round(3 * np.hypot(matrix[0, 0], matrix[1, 0])))
    for (x, y), colour in zip(applied(matrix, TEMPLATE), SPOTS, strict=True):
        cv2.circle(photo, (round(x), round(y)), size, colour, -1, cv2.LINE_AA)
    return photo


def spot(face: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Centre of a colour, weighted by how much of it there is."""
    wanted = np.array(colour, float) - 90
    weight = np.clip((face.astype(float) - 90) @ wanted / (wanted @ wanted), 0, 1)
    weight[weight < 0.5] = 0
    down, across = np.mgrid[: face.shape[0], : face.shape[1]]
    return np.array([(across * weight).sum(), (down * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("size", [112, 96])
@pytest.mark.parametrize(
    ("angle", "scale", "side"), [(0.0, 2.0, 400), (0.4, 1.0, 300), (-0.7, 4.0, 900), (0.2, 9.0, 2000)]
)
def test_the_points_come_to_the_template(angle: float, scale: float, side: int, size: int) -> None:
    middle = side / 2 - applied(moved(angle, scale, (0.0, 0.0)), np.array([[56.0, 72.0]]))[0]
    matrix = moved(angle, scale, tuple(middle))
    face = align(drawn(matrix, side), applied(matrix, TEMPLATE), size)
    assert face.shape == (size, size, 3)
    for place, colour in zip(TEMPLATE * size / 112, SPOTS, strict=True):
        assert np.abs(spot(face, colour) - place).max() < 0.75


def test_a_photo_of_twice_the_size_gives_the_same_face() -> None:
    generator = np.random.default_rng(1)
    small = cv2.GaussianBlur(generator.integers(0, 256, (500, 500, 3), dtype=np.uint8), (0, 0), 4)
    small = cv2.normalize(small, None, 0, 255, cv2.NORM_MINMAX)
    matrix = moved(0.3, 2.5, (80.0, 60.0))
    large = cv2.resize(small, (1000, 1000), interpolation=cv2.INTER_CUBIC)
    points = applied(matrix, TEMPLATE)
    one, two = align(small, points), align(large, (points + 0.5) * 2 - 0.5)
    assert np.abs(one.astype(int) - two).mean() < 2.0


def test_what_lies_outside_is_the_photo_mirrored() -> None:
    photo = np.zeros((112, 112, 3), np.uint8)
    photo[:, :, 0] = np.arange(112)
    face = align(photo, TEMPLATE + np.array([20.0, 0.0]))  # reaches 20 pixels beyond the right edge
    assert BORDER == "reflected"
    np.testing.assert_allclose(face[50, 92:111, 0].astype(int), np.arange(110, 91, -1), atol=1)


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (np.full((5, 2), 50.0), "one place"),
        (np.full((5, 2), np.inf), "finite"),
        (np.column_stack([np.full(5, 50.0), TEMPLATE[:, 1]]), "from where a face has them"),
        (TEMPLATE[[1, 0, 2, 4, 3]], "from where a face has them"),
        (TEMPLATE / 10, "from eyes to mouth"),
    ],
)
def test_points_that_are_no_face(points: np.ndarray, reason: str) -> None:
    with pytest.raises(BrokenImage, match=reason):
        align(np.zeros((200, 200, 3), np.uint8), points)


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

    def detect(self, photo: np.ndarray) -> list[Face]:
        self.seen = photo
        return self.faces


def encoded(pixels: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def test_the_largest_face_or_every_one() -> None:
    photo = encoded(np.full((400, 600, 3), 120, np.uint8))
    large, small = face_at(20, 20, 300, 0.7), face_at(400, 20, 100, 0.9)
    ((face, score),) = FaceCut(Stub([large, small]), 112)(photo)
    assert (face.shape, score) == ((112, 112, 3), 0.7)
    assert [score for _, score in FaceCut(Stub([large, small]), 112, every=True)(photo)] == [0.7, 0.9]
    assert FaceCut(Stub([]))(photo) == []
    wrong = Face(large.box, 0.9, np.full((5, 2), 50.0))
    assert [score for _, score in FaceCut(Stub([wrong, small]))(photo)] == [0.9]
    with pytest.raises(BrokenImage, match="one place"):
        FaceCut(Stub([wrong]))(photo)
    assert FaceCut(Stub([])).alignment.to_dict()["border"] == BORDER


def test_a_photo_is_turned_upright_before_faces_are_looked_for() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stub = Stub([])
    FaceCut(stub)(encoded(np.zeros((100, 200, 3), np.uint8), exif=exif))
    assert stub.seen.shape == (200, 100, 3)
    with pytest.raises(BrokenImage):
        FaceCut(stub)(b"nothing")


def test_a_detector_by_name(tmp_path) -> None:
    with pytest.raises(UserError, match="no detector 'mtcnn'"):
        detector_named("mtcnn")
    with pytest.raises(UserError, match="There is no detector at"):
        detector_named(str(tmp_path / "missing.onnx"))
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(UserError, match="no ONNX model"):
        detector_named(str(tmp_path / "bad.onnx"))
