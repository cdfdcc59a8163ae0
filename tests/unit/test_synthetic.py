"""Synthetic faces: a function of their numbers alone, and as hard to tell apart as asked."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mint_lightning.errors import UserError
from mint_lightning.shards import open_source
from mint_lightning.shards.synthetic import SyntheticSource, draw_photo
from mint_lightning.shards.synthetic.contact_sheet import contact_sheet
from mint_lightning.shards.synthetic.parameters import generator, sample_conditions, sample_identity

pytestmark = pytest.mark.unit


def faces(difficulty: str | float, people: int = 12, photos: int = 4) -> np.ndarray:
    images = [[draw_photo(0, person, photo, difficulty) for photo in range(photos)] for person in range(people)]
    return np.array(images, dtype=np.float64)


def spread(images: np.ndarray) -> tuple[float, float]:
    """Variance between people's mean faces and within their photos, per pixel."""
    mean = images.mean(axis=1)
    photos = images.shape[1]
    within = ((images - mean[:, None]) ** 2).sum(axis=1).mean() / (photos - 1)
    return float(mean.var(axis=0, ddof=1).mean() - within / photos), float(within)


def test_a_face_is_uint8_rgb_of_112_pixels_with_content() -> None:
    for difficulty in ("plain", "hard"):
        image = draw_photo(0, 1, 2, difficulty)
        assert image.shape == (112, 112, 3)
        assert image.dtype == np.uint8
        assert image.flags.c_contiguous
        assert image.std() > 15


def test_the_order_of_drawing_does_not_matter() -> None:
    wanted = [(person, photo) for person in range(3) for photo in range(3)]
    forward = {pair: draw_photo(7, *pair) for pair in wanted}
    sample_identity.cache_clear()
    for pair in reversed(wanted):
        assert np.array_equal(draw_photo(7, *pair), forward[pair])


def test_another_process_draws_the_same_bytes() -> None:
    code = (
        "import hashlib; from mint_lightning.shards.synthetic import draw_photo;"
        "print(hashlib.sha256(draw_photo(3, 5, 1, 'hard').tobytes()).hexdigest())"
    )
    printed = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout for _ in range(2)}
    import hashlib

    assert printed == {hashlib.sha256(draw_photo(3, 5, 1, "hard").tobytes()).hexdigest() + "\n"}


@pytest.mark.parametrize("other", [(1, 5, 1), (0, 6, 1), (0, 5, 2)])
def test_seed_person_and_photo_each_change_the_picture(other: tuple[int, int, int]) -> None:
    assert not np.array_equal(draw_photo(0, 5, 1), draw_photo(*other))


def test_hard_faces_differ_less_between_people_and_more_within_one() -> None:
    (between_plain, within_plain), (between_hard, within_hard) = spread(faces("plain")), spread(faces("hard"))
    assert between_hard < 0.5 * between_plain
    assert within_hard > 1.5 * within_plain


def test_a_difficulty_between_lies_between() -> None:
    ratios = [within / max(between, 1.0) for between, within in map(spread, map(faces, (0.0, 0.5, 1.0)))]
    assert ratios == sorted(ratios)
    assert np.array_equal(draw_photo(0, 0, 0, "hard"), draw_photo(0, 0, 0, 1.0))


def test_hard_traits_stay_in_the_middle_quarter_and_plain_ones_fill_their_range() -> None:
    hard = np.array([list(vars(sample_identity(0, person, 1.0)).values()) for person in range(300)])
    plain = np.array([list(vars(sample_identity(0, person, 0.0)).values()) for person in range(300)])
    assert hard.min() >= 0.375
    assert hard.max() <= 0.625
    assert plain.min() < 0.02
    assert plain.max() > 0.98


def test_hard_conditions_reach_what_they_are_documented_to_reach() -> None:
    shots = [sample_conditions(generator(0, "photo", 0, photo), 1.0) for photo in range(500)]
    for values, limit in (
        ([shot.roll for shot in shots], np.radians(20)),
        ([shot.yaw for shot in shots], np.radians(20)),
        ([shift for shot in shots for shift in shot.shift], 0.12),
        ([shot.scale - 1 for shot in shots], 0.2),
    ):
        assert 0.95 * limit < np.abs(values).max() <= limit
    assert {shot.noise for shot in shots} == {25.0}
    assert 0.1 < np.mean([shot.occluder is not None for shot in shots]) < 0.3


@pytest.mark.parametrize("difficulty", ["easy", "", "nan", -0.1, 1.5, None])
def test_an_unknown_difficulty_is_refused(difficulty: object) -> None:
    with pytest.raises(UserError, match=r"difficulty=.*plain, hard or a number"):
        SyntheticSource(difficulty=difficulty)  # type: ignore[arg-type]


@pytest.mark.parametrize("argument", [{"identities": 0}, {"photos": -1}, {"identities": 2.5}, {"photos": True}])
def test_a_number_of_faces_that_cannot_be_is_refused(argument: dict[str, object]) -> None:
    with pytest.raises(UserError, match=f"{next(iter(argument))}=.* whole number"):
        SyntheticSource(**argument)  # type: ignore[arg-type]


def test_a_seed_that_is_no_number_is_refused() -> None:
    with pytest.raises(UserError, match=r"seed='x'.*whole number"):
        SyntheticSource(seed="x")  # type: ignore[arg-type]


def test_the_source_lists_without_drawing_and_reads_the_photo_it_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    source = SyntheticSource(identities=50, photos=3, seed=4, name="drawn")
    with monkeypatch.context() as context:
        context.setattr("mint_lightning.shards.synthetic.faces.draw", lambda *_: pytest.fail("a photo was drawn"))
        photos = source.list()
    assert len(photos) == len({(photo.identity, photo.origin) for photo in photos}) == 150
    assert {photo.source for photo in photos} == {"drawn"}
    assert len({photo.identity for photo in photos}) == 50
    assert np.array_equal(photos[3 * 7 + 2].read(), draw_photo(4, 7, 2, "hard"))


def test_photos_survive_pickling() -> None:
    photo = SyntheticSource(identities=2, photos=2, difficulty="plain").list()[3]
    assert np.array_equal(pickle.loads(pickle.dumps(photo)).read(), photo.read())


def test_the_text_form_gives_the_same_source() -> None:
    source = open_source("synthetic:identities=20,photos=2,difficulty=0.5,seed=9", name="mine")
    assert source.describe() == SyntheticSource(20, 2, "0.5", 9, "mine").describe()
    assert source.describe()["difficulty"] == 0.5


def test_whatever_changes_the_pictures_changes_the_description() -> None:
    sources = [
        SyntheticSource(),
        SyntheticSource(identities=10),
        SyntheticSource(photos=2),
        SyntheticSource(seed=1),
        SyntheticSource(difficulty="plain"),
    ]
    assert len({str(source.describe()) for source in sources}) == len(sources)


def test_the_contact_sheet_is_a_small_png(tmp_path: Path) -> None:
    contact_sheet(tmp_path / "sheet.png", identities=2, photos=3)
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 3 * 112
        assert picture.height > 4 * 112
    assert (tmp_path / "sheet.png").stat().st_size < 300_000
