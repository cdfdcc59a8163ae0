"""The scores behind a table as parquet: everything the figures were computed from, and nothing else."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mint_lightning.errors import UserError
from mint_lightning.evidence import HeadScores, RowScores, ScoreSet
from mint_lightning.files import atomic_path

SCORES: Final = "scores.parquet"
HEADS: Final = "heads.parquet"
ATTRIBUTES: Final = "attributes.csv"


def write_scores(path: Path, rows: Sequence[RowScores]) -> Path:
    """Write the scores of all rows, one line for each row, network and image, atomically.

    Columns: row, role ("audited", "twin", "reference", "complement", "permuted", or "left_out", whose network is the
    external set that was), network, key, identity, split, member, unseen, fold (null unless cross-fitted), score
    (float64).
    """
    tables = [_table(row.name, role, network, scores) for row in rows for role, network, scores in _networks(row)]
    return _written(path, pa.concat_tables(tables))


def write_heads(path: Path, rows: Sequence[RowScores]) -> Path:
    """Write what each head of each row gave alone, atomically: row, role, network, seed, and score (float64) of the
    images of the row's "audited" scores, in their order."""
    tables = [_head(row.name, head) for row in rows for head in row.heads]
    return _written(path, pa.concat_tables(tables or [_head("", HeadScores("", "", 0, np.empty(0)))]))


def read_audited(path: Path, row: str) -> ScoreSet:
    """Scores of one row on the audited network, as `write_scores` wrote them; a row that is not there: `UserError`."""
    wanted = [("row", "=", row), ("role", "=", "audited")]
    table = pq.read_table(path, filters=wanted)
    if not table.num_rows:
        raise UserError(f"{path} holds no scores of {row!r} on the audited network.")
    return as_set(table)


def write_columns(path: Path, attributes: Mapping[str, Mapping[str, str]], keys: Sequence[str]) -> None:
    """What else is known of the images: a CSV file with a line for each of `keys`."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream, lineterminator="\n")
        lines.writerow(["key", *attributes])
        lines.writerows([key, *(of[key] for of in attributes.values())] for key in keys)


def read_columns(path: Path) -> dict[str, dict[str, str]]:
    """The inverse of `write_columns`; nothing where there is no file."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as stream:
        (_, *names), *lines = csv.reader(stream)
    return {name: {line[0]: line[1 + at] for line in lines} for at, name in enumerate(names)}


def as_set(table: pa.Table) -> ScoreSet:
    """The lines of one row on one network as evidence takes them."""
    columns = {name: np.array(table[name].to_pylist()) for name in _COLUMNS}
    fold = None if table["fold"].null_count else table["fold"].to_numpy()
    return ScoreSet(**columns, network=table["network"][0].as_py(), fold=fold)


_COLUMNS = ("key", "identity", "split", "member", "unseen", "score")


def _networks(row: RowScores) -> Iterator[tuple[str, str, ScoreSet]]:
    yield "audited", row.audited.network, row.audited
    yield from (("twin", scores.network, scores) for scores in row.twins)
    yield from (("reference", scores.network, scores) for scores in row.references)
    if row.complement is not None:
        yield "complement", row.complement.network, row.complement
    if row.permuted is not None:
        yield "permuted", row.permuted.network, row.permuted
    yield from (("left_out", each.source, each.scores) for each in row.left_out)


def _table(row: str, role: str, network: str, scores: ScoreSet) -> pa.Table:
    size = len(scores)
    fold = pa.nulls(size, pa.int64()) if scores.fold is None else pa.array(scores.fold.astype(np.int64))
    columns = {
        **_repeated(size, row=row, role=role, network=network),
        "key": pa.array(scores.key.tolist(), pa.string()),
        "identity": pa.array(scores.identity.tolist(), pa.string()),
        "split": pa.array(scores.split.tolist(), pa.string()),
        "member": pa.array(scores.member),
        "unseen": pa.array(scores.unseen),
        "fold": fold,
        "score": pa.array(scores.score),
    }
    return pa.table(columns)


def _head(row: str, head: HeadScores) -> pa.Table:
    size = len(head.score)
    return pa.table(
        {
            **_repeated(size, row=row, role=head.role, network=head.network),
            "seed": pa.array(np.full(size, head.seed, np.int64)),
            "score": pa.array(np.asarray(head.score, np.float64)),
        }
    )


def _repeated(size: int, **texts: str) -> dict[str, pa.Array]:
    return {name: pa.repeat(pa.scalar(text, pa.string()), size) for name, text in texts.items()}


def _written(path: Path, table: pa.Table) -> Path:
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    return path
