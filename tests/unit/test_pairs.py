"""Verification pairs, and the accuracy measured on them."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from mint_lightning.errors import UserError
from mint_lightning.learning.pairs import best_threshold, draw_pairs, lfw_pairs, read_pairs, verification

pytestmark = pytest.mark.unit


@given(
    sizes=st.lists(st.integers(1, 9), min_size=40, max_size=80),
    seed=st.integers(0, 2**32),
    most=st.integers(20, 400),
)
def test_drawn_pairs_are_what_they_say(sizes: list[int], seed: int, most: int) -> None:
    person = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    rows = np.flatnonzero(person % 4)
    try:
        pairs = draw_pairs(person, rows, most=most, seed=seed)
    except UserError:
        assert sum(size > 1 for size in sizes) < 30
        return
    assert np.isin(pairs.photos, rows).all()
    assert (pairs.first != pairs.second).all()
    np.testing.assert_array_equal(person[pairs.first] == person[pairs.second], pairs.same)
    assert pairs.same.sum() == (~pairs.same).sum() <= most + 10
    folds = [set(person[pairs.first[at]]) | set(person[pairs.second[at]]) for at in fold_masks(pairs.fold)]
    assert all(not one & other for number, one in enumerate(folds) for other in folds[number + 1 :])
    for kind in (pairs.same, ~pairs.same):
        photos = np.concatenate([pairs.first[kind], pairs.second[kind]])
        assert len(np.unique(photos)) == len(photos)
    assert np.bincount(person[pairs.first[pairs.same]]).max() <= 3


def fold_masks(fold: np.ndarray) -> list[np.ndarray]:
    return [fold == name for name in np.unique(fold)]


def test_the_draw_depends_on_the_seed_and_not_on_the_order_of_rows() -> None:
    person = np.repeat(np.arange(60), 4)
    rows = np.arange(240)
    one, again = draw_pairs(person, rows, seed=1), draw_pairs(person, rows[::-1], seed=1)
    np.testing.assert_array_equal(one.first, again.first)
    np.testing.assert_array_equal(one.second, again.second)
    assert not np.array_equal(one.first, draw_pairs(person, rows, seed=2).first)


def test_too_few_people_are_refused() -> None:
    with pytest.raises(UserError, match="2 people with 8 photos are too few"):
        draw_pairs(np.repeat([0, 1], 4), np.arange(8))


@given(st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=1, max_size=30))
def test_the_best_threshold_beats_every_other(scored: list[tuple[int, bool]]) -> None:
    cosine, same = np.array([score / 4 for score, _ in scored]), np.array([same for _, same in scored])
    found = ((cosine > best_threshold(cosine, same)) == same).mean()
    edges = np.unique(cosine)
    tries = [-np.inf, np.inf, *(np.mean(pair) for pair in pairwise(edges))]
    assert found == max(((cosine > threshold) == same).mean() for threshold in tries)


def test_accuracy_is_that_of_thresholds_from_the_other_folds() -> None:
    # Fold 0 alone would take .5, the others together take .15: one of its four pairs is then wrong.
    cosine = np.array([0.9, 0.8, 0.3, 0.1] + [0.2, 0.2, 0.1, 0.1] * 2)
    same = np.array([True, True, False, False] * 3)
    found = verification(cosine, same, np.repeat([0, 1, 2], 4))
    assert found.accuracy == pytest.approx((0.75 + 1 + 1) / 3)
    assert found.auc == pytest.approx(roc_auc_score(same, cosine))
    assert (found.pairs, found.folds) == (12, 3)


def test_the_interval_is_students_over_folds() -> None:
    rng = np.random.default_rng(0)
    same = np.tile([True, False], 500)
    fold = np.repeat(np.arange(10), 100)
    cosine = same * 0.8 + rng.normal(size=1000)
    found = verification(cosine, same, fold)
    accuracies = []
    for mask in fold_masks(fold):
        threshold = best_threshold(cosine[~mask], same[~mask])
        accuracies.append(((cosine[mask] > threshold) == same[mask]).mean())
    half = 2.2621572 * np.std(accuracies, ddof=1) / np.sqrt(10)
    assert (found.low, found.high) == pytest.approx((np.mean(accuracies) - half, np.mean(accuracies) + half))


def test_chance_is_a_half_and_separation_is_one() -> None:
    rng = np.random.default_rng(0)
    same, fold = np.tile([True, False], 2000), np.repeat(np.arange(10), 400)
    assert verification(rng.normal(size=4000), same, fold).accuracy == pytest.approx(0.5, abs=0.04)
    assert verification(same * 1.0, same, fold).accuracy == 1.0


LFW = (
    "2\t2\nAda\t1\t3\nBob\t1\t2\nAda\t2\tBob\t1\nAda\t3\tCy\t1\nDee\t1\t2\nEli\t4\t2\nDee\t1\tEli\t1\nDee\t2\tEli\t2\n"
)


def test_lfws_list_is_read(tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text(LFW)
    pairs = read_pairs(tmp_path / "pairs.txt")
    assert pairs[0] == ("Ada", 1, "Ada", 3, 0)
    assert pairs[2] == ("Ada", 2, "Bob", 1, 0)
    assert pairs[5] == ("Eli", 4, "Eli", 2, 1)
    assert len(pairs) == 8


@pytest.mark.parametrize(
    "text", ["", "nonsense", "0\t0\nAda\t1\t2\n", LFW[:-20], LFW.replace("\t2\tBob", "\tBob"), LFW + "Ada\t1\t2\n"]
)
def test_a_list_that_is_none_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "pairs.txt").write_text(text)
    with pytest.raises(UserError, match=r"pairs\.txt is not a list of pairs"):
        read_pairs(tmp_path / "pairs.txt")


def write_lfw(folder: Path, people: dict[str, int], pairs: str) -> None:
    names = [(name, number) for name, count in people.items() for number in range(1, count + 1)]
    (folder / "lfw").mkdir()
    np.savez(
        folder / "lfw" / "lfw_aligned112_jpeg90.npz",
        blob=np.zeros(len(names), np.uint8),
        offset=np.arange(len(names) + 1),
        label=np.array([list(people).index(name) for name, _ in names]),
        identity=np.array(list(people)),
        filename=np.array([f"{name}_{number:04d}" for name, number in names]),
    )
    (folder / "lfw" / "lfw_view2_pairs.txt").write_text(pairs)


PEOPLE = {"Ada": 3, "Bob": 2, "Cy": 1, "Dee": 2, "Eli": 4}


def test_lfws_pairs_leave_out_people_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lfw(tmp_path, PEOPLE, LFW)
    monkeypatch.setenv("MINT_DATA", str(tmp_path))
    everyone, photos = lfw_pairs()
    assert everyone.same.tolist() == [True, True, False, False] * 2
    assert [photos[place].origin for place in everyone.second[:4]] == ["Ada_0003", "Bob_0002", "Bob_0001", "Cy_0001"]
    some, _ = lfw_pairs(without={"Ada"})
    assert some.fold.tolist() == [0, 1, 1, 1, 1]
    with pytest.raises(UserError, match="Every pair of LFW shows a person the network was trained on"):
        lfw_pairs(without=set(PEOPLE))


def test_lfw_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINT_DATA", raising=False)
    with pytest.raises(UserError, match="environment variable MINT_DATA"):
        lfw_pairs()
    monkeypatch.setenv("MINT_DATA", str(tmp_path))
    with pytest.raises(UserError, match="lfw_aligned112_jpeg90"):
        lfw_pairs()
    write_lfw(tmp_path, {**PEOPLE, "Ada": 2}, LFW)
    with pytest.raises(UserError, match="name the photo Ada_0003"):
        lfw_pairs()
