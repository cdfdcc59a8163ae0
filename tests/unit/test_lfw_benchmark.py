"""The plain parts of the benchmark on LFW: what early stopping keeps, what a setting is worth, which are left out."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.lfw import search, sets, trials

pytestmark = pytest.mark.unit


def test_early_stopping_keeps_the_best_epoch_until_patience_ends() -> None:
    curve = [0.5, 0.52, 0.51, 0.5, 0.49, 0.6]
    assert search.kept(curve, patience=3) == 1
    assert search.kept(curve, patience=20) == 5
    assert search.kept([0.5, 0.5], patience=3) == 0


def test_the_published_setting_comes_first_and_none_twice() -> None:
    found = trials.trials()
    for head, count in trials.DRAWS.items():
        own = [trial.setting for trial in found if trial.head == head]
        assert len(own) == count
        assert own[0] == trials.PUBLISHED[head]
        assert len({tuple(setting.values()) for setting in own}) == count


@pytest.fixture
def curves(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[float]]]:
    """Curves of a row by weight decay; the same for every other part of a setting."""
    found: dict[str, list[list[float]]] = {}

    def of(network: str, trial: trials.Trial) -> list[dict[str, object]]:
        kind = f"{trial.setting['weight_decay']:g}"
        halves = found.get(kind, [[0.4, 0.4], [0.4, 0.4]])
        return [{"row": row, "halves": halves} for row in ("Vanilla conv1", "Vanilla 16x16 pixels")]

    monkeypatch.setattr(search, "curves", of)
    return found


def test_a_setting_is_worth_what_the_other_half_says(curves: dict[str, list[list[float]]]) -> None:
    curves["0"] = [[0.5, 0.9], [0.6, 0.3]]  # the first half keeps epoch 1, where the second has .3; the second epoch 0
    found = search.worth("Vanilla conv1", trials.trials()[0], patience=3)
    assert found is not None
    assert found[0] == pytest.approx((0.3 + 0.5) / 2)


def test_a_dead_head_is_not_chosen(curves: dict[str, list[list[float]]]) -> None:
    curves["10"] = [[0.5, 0.5], [0.5, 0.5]]
    value, trial, _, _ = search.best("Vanilla conv1")
    assert value == pytest.approx(0.4)
    assert trial.setting["weight_decay"] != 10


def test_the_pixel_heads_keep_the_arguments_that_a_table_gives_them() -> None:
    other = next(trial for trial in trials.trials() if trial.head == "vanilla" and trial.setting["l1"] != 0.1)
    assert search.worth(search.PIXELS, other, 8) is None


def test_a_change_changes_every_photo_and_nothing_of_who_is_on_it() -> None:
    image = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    image = cv2.GaussianBlur(image, (0, 0), 2)
    for name, change in sets.CHANGES.items():
        changed = change(image)
        assert changed.shape == image.shape
        assert (changed != image).any(), name
        assert np.abs(changed[20:-20, 20:-20].astype(int) - image[20:-20, 20:-20]).mean() < 12, name
    assert len({warned.name for warned in sets.WARNED}) == len(sets.WARNED) == 7


def test_photos_of_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    blob = np.arange(10, dtype=np.uint8)
    np.savez(path, blob=blob, offset=np.array([0, 4, 10]), label=np.array([1, 0]), identity=np.array(["Ann", "Bo"]))
    assert sets._photos(path) == [("Bo", "0000", bytes(range(4))), ("Ann", "0001", bytes(range(4, 10)))]
