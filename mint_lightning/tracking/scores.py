"""The scores behind a table as one parquet file: everything the figures were computed from, and nothing else."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mint_lightning.errors import UserError
from mint_lightning.evidence import RowScores, ScoreSet
from mint_lightning.files import atomic_path


def write_scores(path: Path, rows: Sequence[RowScores]) -> Path:
    """Write the scores of all rows, one line for each row, network and image, atomically.

    Columns: row, role ("audited", "twin", "reference", "complement"), network, key, identity, split, member, unseen,
    fold (null unless cross-fitted), score (float64).
    """
    tables = [_table(row.name, role, scores) for row in rows for role, scores in _networks(row)]
    with atomic_path(path) as temporary:
        pq.write_table(pa.concat_tables(tables), temporary, compression="zstd")
    return path


def read_audited(path: Path, row: str) -> ScoreSet:
    """Scores of one row on the audited network, as `write_scores` wrote them; a row that is not there: `UserError`."""
    wanted = [("row", "=", row), ("role", "=", "audited")]
    table = pq.read_table(path, filters=wanted)
    if not table.num_rows:
        raise UserError(f"{path} holds no scores of {row!r} on the audited network.")
    columns = {name: np.array(table[name].to_pylist()) for name in _COLUMNS}
    fold = None if table["fold"].null_count else table["fold"].to_numpy()
    return ScoreSet(**columns, network=table["network"][0].as_py(), fold=fold)


_COLUMNS = ("key", "identity", "split", "member", "unseen", "score")


def _networks(row: RowScores) -> Iterator[tuple[str, ScoreSet]]:
    yield "audited", row.audited
    yield from (("twin", scores) for scores in row.twins)
    yield from (("reference", scores) for scores in row.references)
    if row.complement is not None:
        yield "complement", row.complement


def _table(row: str, role: str, scores: ScoreSet) -> pa.Table:
    size = len(scores)
    fold = pa.nulls(size, pa.int64()) if scores.fold is None else pa.array(scores.fold.astype(np.int64))
    columns = {
        "row": _repeated(row, size),
        "role": _repeated(role, size),
        "network": _repeated(scores.network, size),
        "key": pa.array(scores.key.tolist(), pa.string()),
        "identity": pa.array(scores.identity.tolist(), pa.string()),
        "split": pa.array(scores.split.tolist(), pa.string()),
        "member": pa.array(scores.member),
        "unseen": pa.array(scores.unseen),
        "fold": fold,
        "score": pa.array(scores.score),
    }
    return pa.table(columns)


def _repeated(text: str, size: int) -> pa.Array:
    return pa.array([text] * size, pa.string())
