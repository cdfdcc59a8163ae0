"""The evidence of a folder computed anew from the scores that lie beside it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mint_lightning.errors import UserError
from mint_lightning.evidence import (
    HeadFigures,
    HeadScores,
    LeftOutScores,
    PixelScores,
    RowEvidence,
    RowScores,
    TableEvidence,
    weigh,
)
from mint_lightning.report.scores import ATTRIBUTES, HEADS, SCORES, as_set, read_columns

PIXELS: Final = "Pixels: "
TOLERANCE: Final = 1e-9
"""Relative: another numpy or processor may round a sum otherwise."""


def weighed_again(folder: Path, evidence: TableEvidence) -> TableEvidence:
    """The evidence that the scores in `folder` give, with what `evidence` says of how they were made: names, seeds,
    AUC on validate and curves of heads, and whether members and externals are random parts of one set.

    Raises:
        UserError: the scores of a row, or of a head, are not there or do not fit together.
    """
    scores = _read(folder / SCORES)
    heads = _read(folder / HEADS) if (folder / HEADS).is_file() else None
    rows = [_row(scores, heads, row) for row in evidence.rows]
    names = {head.network: None for head in evidence.pixel_heads}
    pixels = [_pixels(scores, heads, name, evidence) for name in names]
    return weigh(
        rows,
        pixels,
        random_partition=evidence.random_partition,
        partition_declared=evidence.partition_declared,
        no_claim=evidence.no_claim,
        attributes=read_columns(folder / ATTRIBUTES),
        subject=evidence.subject,
    )


def differences(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """Where two JSON values differ by more than rounding, as `rows[0].auc.value: 0.61, recomputed 0.59`."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from differences(one[key], other[key], f"{where}.{key}" if where else key)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from differences(a, b, f"{where}[{number}]")
    elif isinstance(one, float) and isinstance(other, float | int) and not isinstance(other, bool):
        if not abs(one - other) <= TOLERANCE * max(1.0, abs(one)):
            yield f"{where}: {one!r}, recomputed {other!r}"
    elif one != other:
        yield f"{where}: {_short(one)}, recomputed {_short(other)}"


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path} cannot be read as scores: {error}.") from error


def _where(table: pa.Table, **wanted: Any) -> pa.Table:
    mask = None
    for column, value in wanted.items():
        own = pc.equal(table[column], value)
        mask = own if mask is None else pc.and_(mask, own)
    return table.filter(mask)


def _row(scores: pa.Table, heads: pa.Table | None, row: RowEvidence) -> RowScores:
    own = _where(scores, row=row.name)
    sets: dict[str, list[Any]] = {}
    for role, network in dict.fromkeys(zip(own["role"].to_pylist(), own["network"].to_pylist(), strict=True)):
        sets.setdefault(role, []).append(as_set(_where(own, role=role, network=network)))
    if len(sets.get("audited", [])) != 1:
        raise UserError(f"The scores of the row {row.name!r} on the audited network are not there.")
    (audited,) = sets["audited"]
    return RowScores(
        name=row.name,
        head=row.head,
        tap=row.tap,
        seed=row.seed,
        samples=row.samples,
        audited=audited,
        twins=tuple(sets.get("twin", ())),
        references=tuple(sets.get("reference", ())),
        complement=next(iter(sets.get("complement", ())), None),
        validate_auc=row.validate_auc,
        heads=tuple(_heads(heads, row.name, row.heads)),
        permuted=next(iter(sets.get("permuted", ())), None),
        left_out=tuple(
            LeftOutScores(each.network, replace(each, network=audited.network)) for each in sets.get("left_out", ())
        ),
        photos=row.photos,
    )


def _pixels(scores: pa.Table, heads: pa.Table | None, name: str, evidence: TableEvidence) -> PixelScores:
    own = [head for head in evidence.pixel_heads if head.network == name]
    known = [head.validate_auc for head in own if head.validate_auc is not None]
    found = _where(scores, row=PIXELS + name, role="audited")
    if not found.num_rows:
        raise UserError(f"The scores of the pixel control {name!r} are not there.")
    alone = tuple(_heads(heads, PIXELS + name, own))
    return PixelScores(name, float(np.mean(known)) if known else None, as_set(found), alone)


def _heads(
    heads: pa.Table | None, row: str, figures: tuple[HeadFigures, ...] | list[HeadFigures]
) -> Iterator[HeadScores]:
    for each in figures:
        found = None
        if heads is not None:
            found = _where(heads, row=row, role=each.role, network=each.network, seed=each.seed)
        if found is None or not found.num_rows:
            raise UserError(f"The scores of the head of seed {each.seed} of {row!r} on {each.network!r} are not there.")
        values = found["score"].to_numpy()
        yield HeadScores(each.role, each.network, each.seed, values, each.validate_auc, each.curve)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
