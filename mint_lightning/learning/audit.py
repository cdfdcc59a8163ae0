"""The table of an audit: every row on the audited network and on its controls, weighed."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mint_lightning.audited import NetworkSource
from mint_lightning.errors import UserError
from mint_lightning.evidence import PixelScores, RowScores, TableEvidence, weigh
from mint_lightning.heads import Head, MeanHead
from mint_lightning.learning.activations import AUDITED, PIXEL_ROWS, PIXELS, Activations, Networks
from mint_lightning.learning.cell import Cell
from mint_lightning.learning.folds import make_folds
from mint_lightning.learning.plan import HeadPlan
from mint_lightning.learning.reading import Reader
from mint_lightning.learning.recipe import Recipe
from mint_lightning.learning.rows import RowSpec, check_names, published_rows
from mint_lightning.learning.table import MINTTable, learn_side_by_side


@dataclass(frozen=True)
class TableRun:
    """A finished table: the evidence, the scores behind it, and the audited network's heads by row (one per fold)."""

    evidence: TableEvidence
    rows: list[RowScores]
    pixels: list[PixelScores]
    heads: dict[str, list[Head]]
    specs: list[RowSpec]
    seconds: dict[str, float]
    broken: list[str] = field(default_factory=list)
    curves: dict[str, list[float]] = field(default_factory=dict)

    def pixel_rows(self) -> list[RowScores]:
        """The pixel heads as rows, to be kept beside the others."""
        return [
            RowScores(f"Pixels: {row.name}", "vanilla", row.name, 0, 0, row.scores, validate_auc=row.validate_auc)
            for row in self.pixels
        ]


def run_table(
    data: Any,
    rows: Sequence[RowSpec] | None = None,
    *,
    recipe: Recipe | None = None,
    twins: int = 3,
    pixels: bool = True,
    references: dict[str, NetworkSource] | None = None,
    complement: NetworkSource | None = None,
    folds: int = 0,
    partition_declared: bool = False,
    seed: int = 0,
    seeds: int = 1,
    max_memory_gib: float = 8.0,
    accelerator: str = "auto",
    activations: Activations | None = None,
) -> TableRun:
    """Train and weigh a table. `data` is a DataModule of images and membership, such as `datamodules.Faces`.

    The networks run once over all images; then all heads learn side by side from memory. Choices (epoch, pixel head)
    are made on validate before calibrate and test are scored. A row has `seeds` heads, from `seed` on, and their mean
    logit is its score, on the audited network as on each control. Given `activations`, whose controls then stand for
    `twins`, `pixels`, `references` and `complement`, not even that pass is made.
    """
    specs, recipe = list(rows) if rows else published_rows(), recipe or Recipe()
    check_names(specs)
    if twins < 0:
        raise UserError(f"twins is {twins}; it must not be negative.")
    if seeds < 1:
        raise UserError(f"seeds is {seeds}; a row needs at least one head.")
    watch = _Watch()
    folded = make_folds(data, folds, seed)
    if activations is None:
        networks = Networks.make(
            data,
            twins=twins,
            pixels=pixels,
            references=references or {},
            complement=complement,
            seed=seed,
            accelerator=accelerator,
        )
        watch.lap("networks")
        wanted = np.unique(np.concatenate([np.concatenate([f.fit, f.validate, f.scored]) for f in folded]))
        activations = Activations.read(data, specs, wanted, networks, max_gib=max_memory_gib, accelerator=accelerator)
        watch.lap("activations")

    plan = HeadPlan(specs, recipe, seed, seeds)
    cells = plan.cells(data, activations, folded)
    table = MINTTable([cell for group in cells.values() for cell in group], activations.bank, data.member)
    if cells:
        learn_side_by_side(table, accelerator=accelerator)
    watch.lap("heads")

    read = Reader(data, activations, table, cells, folded)
    scores = [read.row(spec, seed) for spec in specs]
    has_pixels = PIXELS in activations.networks.by_name
    pixel_rows = [read.pixels(spec) for spec in PIXEL_ROWS] if has_pixels else []
    evidence = weigh(
        scores,
        pixel_rows,
        random_partition=data.groups.random_partition,
        partition_declared=partition_declared,
        no_claim=data.groups.no_claim,
    )
    watch.lap("evidence")
    heads = {
        spec.title: [_as_one(cells[spec.title, AUDITED, fold.number]) for fold in folded]
        for spec in specs
        if spec.fitted
    }
    first = folded[0].number
    curves = {spec.title: cells[spec.title, AUDITED, first][0].history for spec in specs if spec.fitted}
    return TableRun(evidence, scores, pixel_rows, heads, specs, watch.seconds, list(data.broken), curves)


def _as_one(cells: Sequence[Cell]) -> Head:
    return cells[0].head if len(cells) == 1 else MeanHead([cell.head for cell in cells])


class _Watch:
    """Seconds by part of the run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self.last
        self.last = now
