"""The face detector behind the novelty check: a face from what is none, on pictures of many kinds."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.common.pictures import cartoons, landscapes, noise, portrait
from mint_lightning.auditor.novelty import KnownFaces, NoveltyCheck, face_detector, face_sight
from mint_lightning.errors import UserError
from mint_lightning.evidence.novelty import Novelty, rarely_as_low
from mint_lightning.shards.align import CutSettings, FaceCut, FaceSight

pytestmark = pytest.mark.unit


def face() -> np.ndarray:
    """A face cut out of a real photograph as `audit` cuts it."""
    ((pixels, _),) = FaceCut(CutSettings())(Path(portrait()).read_bytes())
    return pixels


def test_it_is_sure_of_a_face_at_any_size_and_of_nothing_else() -> None:
    sight, cut = FaceSight(), face()
    small = np.asarray(Image.fromarray(cut).resize((64, 64)))
    large = np.asarray(Image.fromarray(cut).resize((224, 224)))
    assert min(float(sight(each[None])[0]) for each in (cut, small, large)) > 0.7
    for others in (cartoons(30), landscapes(30), noise(10)):
        assert sight(others).max() < 0.65
        assert np.median(sight(others)) < 0.2
    assert len(sight(cartoons(2)[:0])) == 0


def test_what_is_no_face_is_outside_and_faces_are_not() -> None:
    generator = np.random.default_rng(0)
    sure = generator.uniform(0.66, 0.95, 300)
    known = KnownFaces(sure, np.arange(300), face_detector())
    images = np.concatenate([face()[None], cartoons(20), landscapes(20), noise(5)])
    outside = known.outside(face_sight(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())))
    assert not outside[0]
    assert outside[1:].all()


def test_of_known_photos_half_a_per_cent_is_turned_away() -> None:
    generator = np.random.default_rng(1)
    known, fresh = generator.beta(8, 2, 1500), generator.beta(8, 2, 20_000)
    assert 0.002 < rarely_as_low(fresh, known, np.arange(1500)).mean() < 0.008


def test_it_is_kept_with_the_check(tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    model = Novelty.fit(generator.standard_normal((50, 3)), generator.standard_normal((40, 3)), np.arange(40))
    faces = KnownFaces(generator.uniform(size=40), np.arange(40), face_detector())
    NoveltyCheck(model, faces).save(tmp_path / "n.safetensors")
    again = NoveltyCheck.load(tmp_path / "n.safetensors").faces
    assert again is not None
    assert np.array_equal(again.sure, faces.sure)
    assert again.fingerprint == faces.fingerprint
    with pytest.raises(UserError, match="face detector"):
        NoveltyCheck(model, faces).outside([torch.zeros(1, 2)], torch.zeros(1, 1))


DATA = os.environ.get("MINT_DATA")


@pytest.mark.skipif(not DATA, reason="MINT_DATA names no folder with LFW and CIFAR-10")
def test_cats_and_ships_are_told_from_the_faces_of_lfw() -> None:
    lfw = np.load(Path(str(DATA)) / "lfw/lfw_aligned112_jpeg90.npz")
    objects = np.load(Path(str(DATA)) / "cifar10/cifar10_jpeg75_full.npz")

    def images(blob: np.ndarray, offset: np.ndarray, places: np.ndarray) -> np.ndarray:
        found = [cv2.imdecode(blob[offset[i] : offset[i + 1]], cv2.IMREAD_COLOR)[:, :, ::-1] for i in places]
        return np.stack([cv2.resize(each, (112, 112), interpolation=cv2.INTER_CUBIC) for each in found])

    blob, offset = lfw["blob"], lfw["offset"]
    first = np.unique(lfw["identity"], return_index=True)[1]
    sight = FaceSight()
    known = KnownFaces(sight(images(blob, offset, first[:400])), np.arange(400), sight.fingerprint)
    assert known.outside(sight(images(blob, offset, first[400:700]))).mean() < 0.02
    for label in (3, 5, 8):  # cats, dogs, ships
        chosen = np.flatnonzero(objects["label_test"] == label)[:60]
        pictures = images(objects["blob_test"], objects["offset_test"], chosen)
        assert known.outside(sight(pictures)).mean() > 0.95
