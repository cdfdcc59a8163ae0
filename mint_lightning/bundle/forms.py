"""Scores in the forms in which other tools take and give them.

    art           FILE.npz with attack_proba, attack_true: art.metrics.privacy's get_roc_for_multi_fprs
    sacroml       FILE.npz with y_pred_proba (n, 2), y_test: sacroml.metrics.get_metrics
    privacyguard  a folder with df_train_merge.csv, df_test_merge.csv (user_id, score): AggregateAnalysisInput
    table         FILE.csv or FILE.parquet: score, member, and what else is known (see `read_table_form`)

Probabilities are what the first two want: a score's place among all, in (0, 1), which keeps every rate and every AUC.
"""

import csv
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from mint_lightning.errors import UserError
from mint_lightning.evidence import ScoreSet

TRAIN, TEST, USER = "df_train_merge.csv", "df_test_merge.csv", "user_id"
ARRAYS: Final[Mapping[str, tuple[str, str]]] = {
    "art": ("attack_proba", "attack_true"),
    "sacroml": ("y_pred_proba", "y_test"),
}


def write_forms(folder: Path, name: str, scores: ScoreSet) -> None:
    """Write the members and externals of `scores` in each form, under `folder`/FORM/`name`."""
    known = scores.where(~scores.unseen)
    place = rankdata(known.score) / (len(known) + 1)
    for form, write in _WRITERS.items():
        (folder / form).mkdir(parents=True, exist_ok=True)
        write(folder / form / name, known, place)


def _art(path: Path, scores: ScoreSet, place: NDArray[np.float64]) -> None:
    np.savez_compressed(path.with_suffix(".npz"), attack_proba=place, attack_true=scores.member.astype(np.int64))


def _sacroml(path: Path, scores: ScoreSet, place: NDArray[np.float64]) -> None:
    both = np.stack([1 - place, place], axis=1)
    np.savez_compressed(path.with_suffix(".npz"), y_pred_proba=both, y_test=scores.member.astype(np.int64))


def _privacyguard(path: Path, scores: ScoreSet, place: NDArray[np.float64]) -> None:
    path.mkdir()
    for file, side in ((TRAIN, scores.member), (TEST, ~scores.member)):
        with (path / file).open("w", encoding="utf-8", newline="") as stream:
            lines = csv.writer(stream, lineterminator="\n")
            lines.writerow([USER, "score"])
            people, values = scores.identity[side].tolist(), scores.score[side].tolist()
            lines.writerows([person, repr(value)] for person, value in zip(people, values, strict=True))


_WRITERS: Final[Mapping[str, Callable[[Path, ScoreSet, NDArray[np.float64]], None]]] = {
    "art": _art,
    "sacroml": _sacroml,
    "privacyguard": _privacyguard,
}


def read_form(path: Path) -> ScoreSet:
    """The scores of one of the forms of ART, SACRO-ML or PrivacyGuard, every score held out.

    Raises:
        UserError: it has none of these forms, or holds what is no score.
    """
    return _of_folder(path) if path.is_dir() else _of_arrays(path)


def _of_folder(path: Path) -> ScoreSet:
    values, member, people = [], [], []
    for file, side in ((TRAIN, True), (TEST, False)):
        lines = _csv(path / file)
        if "score" not in lines:
            raise UserError(f"{path / file} has no column score.")
        values += lines["score"]
        member += [side] * len(lines["score"])
        people += lines.get(USER) or [f"{file}-{number}" for number in range(len(lines["score"]))]
    return held_out(path, _numbers(path, values), np.array(member), np.array(people))


def _of_arrays(path: Path) -> ScoreSet:
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError("it is no .npz file")
        with np.load(path, allow_pickle=False) as given:
            arrays = {name: np.asarray(given[name]) for name in given.files}
    except (OSError, ValueError, EOFError, KeyError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path} cannot be read as arrays (.npz, nothing pickled): {error}.") from error
    for score, truth in ARRAYS.values():
        if {score, truth} <= arrays.keys():
            values, member = arrays[score], arrays[truth]
            values = values[:, -1] if values.ndim == 2 and values.shape[1] in (1, 2) else values
            if values.ndim != 1 or member.shape != values.shape or not np.isin(member, (0, 1)).all():
                raise UserError(f"{path}: {score} and {truth} must be scores and 0 or 1 of the same photos.")
            return held_out(path, values.astype(np.float64), member.astype(bool), np.arange(len(values)).astype(str))
    known = " or ".join(" and ".join(pair) for pair in ARRAYS.values())
    raise UserError(f"{path} holds {', '.join(sorted(arrays)) or 'nothing'}; scores are {known}.")


def held_out(path: Path, score: NDArray[np.float64], member: NDArray[np.bool_], people: NDArray[np.str_]) -> ScoreSet:
    """Scores of photos of which nothing was learnt: thresholds of one part are set on the others."""
    source = path.stem.replace("/", "_")
    return ScoreSet(
        score=score,
        member=member,
        unseen=np.zeros(len(score), bool),
        identity=np.char.add(f"{source}/", people),
        split=np.full(len(score), "out-of-fold"),
        key=np.char.add("photo-", np.arange(len(score)).astype(str)),
        network="audited",
    )


def _csv(path: Path) -> dict[str, list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header, *lines = csv.reader(stream)
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise UserError(f"{path} cannot be read as a CSV file with a header: {error}.") from error
    if bad := next((number for number, line in enumerate(lines, 2) if len(line) != len(header)), None):
        raise UserError(f"Line {bad} of {path} has {len(lines[bad - 2])} values; the header {len(header)}.")
    return {name.strip(): [line[at] for line in lines] for at, name in enumerate(header)}


def _numbers(path: Path, values: list[str]) -> NDArray[np.float64]:
    try:
        return np.array([float(value) for value in values])
    except ValueError as error:
        raise UserError(f"{path}: {error}; every score must be a number.") from error
