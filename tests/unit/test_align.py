"""From points to faces of one size: the similarity, the warp, the border, and what is no face."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mint_lightning.errors import UserError
from mint_lightning.shards.align import BORDER, TEMPLATE, align, similarity
from mint_lightning.shards.image import BrokenImage
from tests.similarities import applied, moved

pytestmark = pytest.mark.unit

SPOTS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)]


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


@pytest.mark.parametrize(
    ("border", "beyond"),
    [("replicated", np.full(19, 111)), ("reflected", np.arange(110, 91, -1)), ("black", np.zeros(19))],
)
def test_what_lies_outside_is_one_border_for_all(border: str, beyond: np.ndarray) -> None:
    photo = np.zeros((112, 112, 3), np.uint8)
    photo[:, :, 0] = np.arange(112)
    face = align(photo, TEMPLATE + np.array([20.0, 0.0]), border=border)  # reaches 20 pixels beyond the right edge
    np.testing.assert_allclose(face[50, 92:111, 0].astype(int), beyond, atol=1)
    assert BORDER == "replicated"


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (np.full((5, 2), 50.0), "one place"),
        (np.full((5, 2), np.inf), "finite"),
        (np.column_stack([np.full(5, 50.0), TEMPLATE[:, 1]]), "from where a face has them"),
        (TEMPLATE[[1, 0, 2, 4, 3]], "from where a face has them"),
        (TEMPLATE / 10, "11 pixels wide, at least 22"),
        (TEMPLATE + np.array([150.0, 0.0]), "3 of the five points"),
    ],
)
def test_points_that_are_no_face(points: np.ndarray, reason: str) -> None:
    with pytest.raises(BrokenImage, match=reason):
        align(np.zeros((200, 200, 3), np.uint8), points)
