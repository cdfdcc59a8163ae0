"""Photos from files and folders: names, identities, what is left out, and the pipeline they go through."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mint_lightning.auditor import PhotoFiles, ShardPhotos, photo_files
from mint_lightning.errors import UserError
from mint_lightning.shards.decode import decode_image
from mint_lightning.shards.image import encoder_named, standardise
from tests.shard_sets import open_set, pack_noise

pytestmark = pytest.mark.unit

PIXELS = {"image_size": 16, "encoder": "png", "alignment": "as given", "border": "as given"}


def picture(path: Path, seed: int = 0, size: int = 20) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def names(found: list[tuple[str, str, Path]]) -> list[tuple[str, str]]:
    return [(name, identity) for name, identity, _ in found]


def test_folders_name_the_people(tmp_path: Path) -> None:
    for name in (
        "anna/2.png",
        "anna/1.PNG",
        "anna/deep/3.jpg",
        "bob/1.png",
        "loose.png",
        ".hidden/4.png",
        "bob/.5.png",
    ):
        picture(tmp_path / "photos" / name)
    (tmp_path / "photos/notes.txt").write_text("no photo")
    assert names(photo_files([str(tmp_path / "photos")])) == [
        ("anna/1.PNG", "anna"),
        ("anna/2.png", "anna"),
        ("anna/deep/3.jpg", "anna"),
        ("bob/1.png", "bob"),
        ("loose.png", ""),
    ]


def test_files_keep_their_order_and_come_once(tmp_path: Path) -> None:
    one, two = picture(tmp_path / "b.png"), picture(tmp_path / "a.png")
    assert names(photo_files([str(one), str(two), str(one)])) == [("b.png", ""), ("a.png", "")]
    os.symlink(one, tmp_path / "link.png")
    assert len(photo_files([str(one), str(tmp_path / "link.png")])) == 1


def test_equal_names_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    one, two = picture(tmp_path / "x/1.png"), picture(tmp_path / "y/1.png")
    assert names(photo_files([str(one), str(two)])) == [(str(one), ""), (str(two), "")]


@pytest.mark.parametrize("given", ["missing.png", "empty"])
def test_nothing_to_be_found(given: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=given):
        photo_files([str(tmp_path / given)])


def test_a_file_goes_through_the_encoder_as_in_a_shard(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png")
    for encoder in ("png", "jpeg95"):
        (batch,) = PhotoFiles(photo_files([str(path)]), {**PIXELS, "encoder": encoder}).batches()
        packed = standardise(path.read_bytes(), 16, encoder_named(encoder))
        expected = decode_image(packed, encoder_named(encoder).suffix)
        assert np.array_equal(batch.images[0].numpy().transpose(1, 2, 0), expected)
        assert np.isnan(batch.detected).all()


def test_each_face_has_a_name_and_broken_photos_a_reason(tmp_path: Path) -> None:
    for seed in range(70):
        picture(tmp_path / "photos" / f"{seed:02d}.png", seed)
    (tmp_path / "photos/50.png").write_bytes(b"")
    (tmp_path / "photos/51.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")

    def cut(content: bytes) -> list[tuple[np.ndarray, float]]:
        face = np.asarray(Image.open(io.BytesIO(content)).convert("RGB").resize((16, 16)))
        return [] if face[0, 0, 0] < 40 else [(face, 0.9), (face[::-1], 0.6)]

    photos = PhotoFiles(photo_files([str(tmp_path / "photos")]), PIXELS, cut)
    batches = list(photos.batches())
    assert len(photos) == 70
    assert len(batches) == 2
    left_out = dict(each for batch in batches for each in batch.left_out)
    assert "no face was found" in " ".join(left_out.values())
    assert {"50.png", "51.png"} <= left_out.keys()
    found = [name for batch in batches for name in batch.names]
    assert len(found) == 2 * (70 - len(left_out))
    assert found[1] == f"{found[0]}#2"
    assert [batch.photos[1] for batch in batches] == [batch.photos[0] for batch in batches]
    assert sorted({score for batch in batches for score in batch.detected.tolist()}) == [0.6, 0.9]


def test_a_shard_set_of_other_pixels_is_refused(tmp_path: Path) -> None:
    root = pack_noise(tmp_path / "set", people=12, photos=2)
    photos = ShardPhotos(root, PIXELS)
    _, keys = open_set(root)
    batches = list(photos.batches())
    assert sorted(name for batch in batches for name in batch.names) == sorted(keys.key.tolist())
    assert {identity for batch in batches for identity in batch.identities} == {f"noise/p{n:04d}" for n in range(12)}
    for name, value in (("image_size", 32), ("encoder", "jpeg95"), ("border", "reflected")):
        with pytest.raises(UserError, match=f"their {name} is"):
            ShardPhotos(root, {**PIXELS, name: value})
