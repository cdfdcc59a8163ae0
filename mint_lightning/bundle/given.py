"""Scores that another tool made, weighed like our own: rows, controls where they are given, and what they prove."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mint_lightning.bundle.forms import held_out, read_form
from mint_lightning.bundle.rescored import PIXELS
from mint_lightning.bundle.source import Source, with_folds
from mint_lightning.errors import UserError
from mint_lightning.evidence import HeadScores, PixelScores, RowScores, ScoreSet, weigh
from mint_lightning.files import sha256_file
from mint_lightning.report import Context

TRUE, FALSE = ("1", "true", "yes", "member"), ("0", "false", "no", "external")
ROLES: Final = ("audited", "twin", "reference", "complement", "pixels")
COLUMNS: Final = ("row", "role", "network", "key", "identity", "split", "member", "unseen", "fold", "score")


def of_scores(path: Path, *, command: str, partition_declared: bool = False, subject: str = "faces") -> Source:
    """The evidence of a file of scores.

    path: CSV or parquet with the columns `score` (larger = more like a member) and `member` (1 or 0); if known,
    `identity` (who is on the photo: intervals are clustered by it), `key` (of the photo), `split` (calibrate or test),
    `row` (of several attacks its name), and of controls `role` (twin, reference, complement or pixels; audited
    otherwise) and `network`; or one of the forms of `forms`. Without `split` every score is held out, and thresholds
    of one part of the photos are set on the others.

    Raises:
        UserError: the file is of none of these forms, or its scores do not fit together.
    """
    if not path.exists():
        raise UserError(f"There are no scores at {path}.")
    if path.suffix in (".csv", ".parquet"):
        rows, pixels = _of_table(path)
    else:
        rows, pixels = [RowScores(path.stem, "score", "", 0, 0, with_folds(read_form(path)))], []
    evidence = weigh(rows, pixels, random_partition=False, partition_declared=partition_declared, subject=subject)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    context = Context.now(
        path.stem,
        command,
        {"name": rows[0].audited.network},
        {file.name: sha256_file(file) for file in files},
        declared=(f"The scores, and which photos are members, are those of {path.name}: another tool made them.",),
    )
    beside = [RowScores(PIXELS + p.name, "vanilla", p.name, 0, 0, p.scores, heads=p.heads) for p in pixels]
    config = {"scores": path.name, "partition_declared": partition_declared, "subject": subject}
    return Source("scores", evidence, context, config, path, (*rows, *beside))


def _of_table(path: Path) -> tuple[list[RowScores], list[PixelScores]]:
    columns = _columns(path)
    rows: list[RowScores] = []
    pixels: list[PixelScores] = []
    for name in dict.fromkeys(columns["row"].tolist()):
        own = {key: value[columns["row"] == name] for key, value in columns.items()}
        sets = {role: list(_sets(own, role)) for role in ROLES}
        if name.startswith(PIXELS) and sets["audited"]:
            sets["pixels"], sets["audited"] = sets["audited"], []
        for scores in sets["pixels"]:
            title = name.removeprefix(PIXELS) if name.startswith(PIXELS) else scores.network
            if title not in {known.name for known in pixels}:
                pixels.append(PixelScores(title, None, scores, (HeadScores("pixels", title, 0, scores.score),)))
        if len(sets["audited"]) > 1 or len(sets["complement"]) > 1:
            raise UserError(f"The row {name!r} of {path} has scores of several audited networks, or complements.")
        if sets["audited"]:
            twins, references = tuple(sets["twin"]), tuple(sets["reference"])
            complement = next(iter(sets["complement"]), None)
            rows.append(RowScores(name, "score", "", 0, 0, sets["audited"][0], twins, references, complement))
        elif not sets["pixels"]:
            raise UserError(f"The row {name!r} of {path} has no scores of the audited network.")
    if not rows:
        raise UserError(f"{path} has no scores of an audited network.")
    return rows, pixels


def _sets(own: Mapping[str, NDArray[Any]], role: str) -> Iterator[ScoreSet]:
    chosen = own["role"] == role
    for network in dict.fromkeys(own["network"][chosen].tolist()):
        which = chosen & (own["network"] == network)
        names = ("score", "member", "unseen", "identity", "split", "key")
        fold = own["fold"][which] if "fold" in own else None
        yield with_folds(ScoreSet(**{name: own[name][which] for name in names}, network=network, fold=fold))


def _columns(path: Path) -> dict[str, NDArray[Any]]:
    """All columns, those that are not there filled in."""
    try:
        table = pa.csv.read_csv(path) if path.suffix == ".csv" else pq.read_table(path)
        given = {name.strip(): table[name] for name in table.column_names}
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise UserError(f"{path} cannot be read as a table of scores: {reason}.") from error
    if missing := [name for name in ("score", "member") if name not in given]:
        raise UserError(f"{path} has no column {missing[0]}; it has {', '.join(given) or 'none'}.")
    if unknown := [name for name in given if name not in COLUMNS]:
        raise UserError(f"{path} has the column {unknown[0]!r}; known are {', '.join(COLUMNS)}.")
    size = table.num_rows
    if any(given[name].null_count for name in given if name != "fold"):
        raise UserError(f"{path} has empty cells: every photo needs its score and whether it is a member.")
    try:
        score = np.asarray(given["score"].to_numpy(), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"{path}: every score must be a number ({error}).") from error
    found: dict[str, NDArray[Any]] = {"score": score, "member": _flags(path, given, "member", size)}
    found["unseen"] = _flags(path, given, "unseen", size)
    for name, fill in (("row", path.stem), ("role", "audited"), ("network", "")):
        found[name] = _texts(given, name) if name in given else np.full(size, fill)
    found["network"] = np.where(found["network"] == "", found["role"], found["network"])
    if bad := sorted(set(found["role"].tolist()) - {*ROLES, "permuted", "left_out"}):
        raise UserError(f"{path} has the role {bad[0]!r}; known are {', '.join(ROLES)}.")
    whole = held_out(path, score, found["member"], np.arange(size).astype(str))
    if "key" not in given and len({*zip(found["row"], found["role"], found["network"], strict=True)}) > 1:
        raise UserError(f"{path} has several rows or networks: give each photo its key, so that they can be compared.")
    found["key"] = _texts(given, "key") if "key" in given else whole.key
    found["identity"] = _identities(path, given, found["key"])
    found["split"] = _texts(given, "split") if "split" in given else whole.split
    if "fold" in given and not given["fold"].null_count:
        found["fold"] = given["fold"].to_numpy()
    return found


def _identities(path: Path, given: Mapping[str, Any], keys: NDArray[np.str_]) -> NDArray[np.str_]:
    """Of each photo; where nobody says who is on it, each photo is of somebody else."""
    names = _texts(given, "identity") if "identity" in given else keys
    source = np.char.add(f"{path.stem}/", names)
    return np.where(np.char.find(names, "/") >= 0, names, source)


def _texts(given: Mapping[str, Any], name: str) -> NDArray[np.str_]:
    return np.array([str(value) for value in given[name].to_pylist()])


def _flags(path: Path, given: Mapping[str, Any], name: str, size: int) -> NDArray[np.bool_]:
    if name not in given:
        return np.zeros(size, bool)
    words = np.char.lower(_texts(given, name))
    if bad := sorted(set(words.tolist()) - {*TRUE, *FALSE}):
        raise UserError(f"{path}: {name} is {bad[0]!r}; it must be 1 or 0.")
    return np.isin(words, TRUE)
