"""Verification: are two photos of the same person? How well a face network does what it was trained for."""

import math
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student_t

from mint_lightning.errors import UserError
from mint_lightning.evidence import auc
from mint_lightning.shards import KeyList, Photo
from mint_lightning.shards.sources import NpzSource

FOLDS = 10
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Pairs of photos in folds that share no person: int64 (n,) indices of photos, bool (n,), int64 (n,)."""

    first: Rows
    second: Rows
    same: NDArray[np.bool_]
    fold: Rows

    @property
    def photos(self) -> Rows:
        """The indices that occur, each once, rising."""
        return np.unique(np.concatenate([self.first, self.second]))


@dataclass(frozen=True)
class Verification:
    """Accuracy and AUC on pairs. `low` and `high` are the 95 % interval of the accuracy over folds (Student's t)."""

    accuracy: float
    low: float
    high: float
    auc: float
    pairs: int
    folds: int


def draw_pairs(person: Rows, rows: Rows, *, most: int = 1500, seed: int = 0) -> Pairs:
    """As many pairs of the same person as of different people, at most `most` of each.

    People are dealt into ten folds. Within a fold each photo is in at most one pair of its own person (a person has at
    most three) and one pair of different people, so no photo outweighs the others.

    Args:
        person: int64, the person of every photo; `rows` index it.
        rows: int64, the photos to pair.
        most: pairs of each kind.
        seed: of the draw.

    Raises:
        UserError: no two folds can be filled, so that nothing could be measured.
    """
    rng = np.random.Generator(np.random.Philox(key=seed))
    rows = np.sort(np.asarray(rows, np.int64))
    people, which = np.unique(person[rows], return_inverse=True)
    fold_of = rng.permutation(len(people)) % FOLDS
    found: list[tuple[Rows, Rows, int]] = []
    for fold in range(FOLDS):
        photos = rng.permutation(rows[fold_of[which] == fold])
        same = _same(photos, person, most=math.ceil(most / FOLDS))
        different = _different(rng.permutation(photos), person)
        size = min(len(same), len(different))
        if size:
            found.append((same[:size], different[:size], fold))
    if len(found) < 2:
        raise UserError(
            f"{len(people)} people with {len(rows)} photos are too few to make pairs for verification: "
            "some twenty people with two photos each are needed."
        )
    pairs = np.concatenate([part for same, different, _ in found for part in (same, different)])
    flags = np.concatenate([np.repeat([True, False], len(same)) for same, _, _ in found])
    folds = np.concatenate([np.full(2 * len(same), fold, np.int64) for same, _, fold in found])
    return Pairs(pairs[:, 0], pairs[:, 1], flags, folds)


def _same(photos: Rows, person: Rows, most: int) -> Rows:
    """Neighbouring photos of each person, at most three pairs of one: (n, 2)."""
    photos = photos[np.argsort(person[photos], kind="stable")]
    _, start, count = np.unique(person[photos], return_index=True, return_counts=True)
    pairs = [
        photos[at + 2 * turn : at + 2 * turn + 2]
        for turn in range(3)
        for at, size in zip(start, count, strict=True)
        if size >= 2 * turn + 2
    ]
    return np.array(pairs[:most], np.int64).reshape(-1, 2)


def _different(photos: Rows, person: Rows) -> Rows:
    """Photos two by two, without the pairs that show one person: (n, 2)."""
    pairs = photos[: len(photos) // 2 * 2].reshape(-1, 2)
    return pairs[person[pairs[:, 0]] != person[pairs[:, 1]]]


def verification(cosine: ArrayLike, same: ArrayLike, fold: ArrayLike) -> Verification:
    """Accuracy of "the same person where the cosine is above a threshold", as LFW's protocol measures it.

    The threshold for a fold is the best one of all other folds; the accuracy is the mean over folds, and its interval
    takes the folds, which share no person, as independent. The AUC is over all pairs.

    Args:
        cosine: float (n,).
        same: bool (n,).
        fold: int (n,).
    """
    cosine, same, fold = np.asarray(cosine, float), np.asarray(same, bool), np.asarray(fold)
    names = np.unique(fold)
    if len(names) < 2:
        raise ValueError("verification needs pairs of at least two folds")
    accuracies = []
    for name in names:
        here = fold == name
        threshold = best_threshold(cosine[~here], same[~here])
        accuracies.append(((cosine[here] > threshold) == same[here]).mean())
    mean, spread = float(np.mean(accuracies)), float(np.std(accuracies, ddof=1))
    half = float(student_t.ppf(0.975, len(names) - 1)) * spread / math.sqrt(len(names))
    low, high = max(0.0, mean - half), min(1.0, mean + half)
    return Verification(mean, low, high, float(auc(cosine, same)), len(cosine), len(names))


def best_threshold(cosine: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """The threshold above which "same" is right most often: midway between two cosines, or beyond all."""
    order = np.argsort(-cosine, kind="stable")
    ranked, hits = cosine[order], np.where(same[order], 1, -1)
    gained = np.concatenate([[0], np.cumsum(hits)])
    # Between equal cosines there is no threshold.
    possible = np.concatenate([[True], ranked[1:] < ranked[:-1], [True]])
    cut = int(np.argmax(np.where(possible, gained, -len(cosine) - 1)))
    if cut == 0:
        return math.inf
    return float(ranked[cut - 1] + ranked[cut]) / 2 if cut < len(ranked) else -math.inf


def held_out_pairs(keys: KeyList, trained: Rows, *, most: int = 1500, seed: int = 0) -> Pairs:
    """Pairs of people of whom no photo is among the rows `trained`."""
    strangers = ~np.isin(keys.label, np.unique(keys.label[trained]))
    return draw_pairs(keys.label, np.flatnonzero(strangers), most=most, seed=seed)


def lfw_pairs(without: Collection[str] = ()) -> tuple[Pairs, Sequence[Photo]]:
    """The official pairs of LFW's view 2 and its photos, from the folder `lfw` under the variable MINT_DATA.

    Args:
        without: people whose pairs are left out, those the network was trained on.

    Raises:
        UserError: MINT_DATA is not set, a file is missing, or it is not a list of pairs.
    """
    if not (root := os.environ.get("MINT_DATA")):
        raise UserError("pairs=lfw needs the environment variable MINT_DATA: the folder that holds lfw/.")
    folder = Path(root) / "lfw"
    photos = NpzSource(folder / "lfw_aligned112_jpeg90.npz", "lfw").list()
    places = {photo.origin: place for place, photo in enumerate(photos)}
    listed = read_pairs(folder / "lfw_view2_pairs.txt")
    kept = [pair for pair in listed if pair[0] not in without and pair[2] not in without]
    if not kept:
        raise UserError("Every pair of LFW shows a person the network was trained on: measure on other pairs.")
    try:
        first = np.array([places[f"{pair[0]}_{pair[1]:04d}"] for pair in kept], np.int64)
        second = np.array([places[f"{pair[2]}_{pair[3]:04d}"] for pair in kept], np.int64)
    except KeyError as error:
        raise UserError(
            f"The LFW pairs name the photo {error.args[0]}, which is not in the archive beside them."
        ) from error
    same = np.array([pair[0] == pair[2] for pair in kept], bool)
    return Pairs(first, second, same, np.array([pair[4] for pair in kept], np.int64)), photos


def read_pairs(path: Path) -> list[tuple[str, int, str, int, int]]:
    """LFW's list of pairs: (person, number, person, number, fold) for each.

    The first line gives folds and pairs of each kind in a fold; a line of three columns is a pair of one person, one of
    four of two.
    """
    wrong = f"{path} is not a list of pairs as LFW's view 2 has it"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise UserError(f"There is no list of pairs at {path}.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{wrong}: it is no text.") from error
    pairs = []
    try:
        folds, size = map(int, lines[0].split())
        for number, line in enumerate(lines[1:]):
            parts = line.split("\t")
            name, other = parts[0], parts[2 if len(parts) == 4 else 0]
            if len(parts) not in (3, 4):
                raise ValueError
            pairs.append((name, int(parts[1]), other, int(parts[-1]), number // (2 * size)))
    except (ValueError, IndexError, ZeroDivisionError) as error:
        raise UserError(f"{wrong}: a line is neither NAME n m nor NAME n NAME m, parted by tabs.") from error
    if len(pairs) != 2 * folds * size:
        raise UserError(f"{wrong}: it has {len(pairs)} pairs instead of {2 * folds * size}; it may be cut short.")
    return pairs
