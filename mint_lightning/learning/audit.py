"""The table of an audit: every row on the audited network and on its controls, weighed."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mint_lightning.audited import NetworkSource
from mint_lightning.errors import UserError
from mint_lightning.evidence import RowScores, ScoreSet, TableEvidence, weigh
from mint_lightning.heads import Head
from mint_lightning.learning.activations import AUDITED, PIXEL_ROWS, PIXELS, Activations, Networks
from mint_lightning.learning.folds import Fold, make_folds
from mint_lightning.learning.objective import check_rate
from mint_lightning.learning.reading import CellKey, Reader
from mint_lightning.learning.rows import RowSpec, check_names, published_rows
from mint_lightning.learning.table import Cell, MINTTable, learn_side_by_side


@dataclass(frozen=True)
class Recipe:
    """How the heads of a table learn.

    Args:
        epochs: at most this many; each head stops by itself when validate no longer gains.
        patience: epochs without a better AUC on validate after which a head stops.
        rate: learning rate of Adam.
        weight_decay: decoupled weight decay.
    """

    epochs: int = 40
    patience: int = 8
    rate: float = 1e-3
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.patience < 1:
            raise UserError(f"epochs ({self.epochs}) and patience ({self.patience}) must be at least 1.")
        check_rate(self.rate, self.weight_decay)


@dataclass(frozen=True)
class TableRun:
    """A finished table: the evidence, the scores behind it, and the audited network's heads by row (one per fold)."""

    evidence: TableEvidence
    rows: list[RowScores]
    pixels: list[tuple[str, float, ScoreSet]]
    heads: dict[str, list[Head]]
    specs: list[RowSpec]
    seconds: dict[str, float]
    broken: list[str] = field(default_factory=list)
    curves: dict[str, list[float]] = field(default_factory=dict)

    def pixel_rows(self) -> list[RowScores]:
        """The pixel heads as rows, to be kept beside the others."""
        return [
            RowScores(f"Pixels: {name}", "vanilla", name, 0, 0, scores, validate_auc=auc)
            for name, auc, scores in self.pixels
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
    max_memory_gib: float = 8.0,
    accelerator: str = "auto",
    activations: Activations | None = None,
) -> TableRun:
    """Train and weigh a table. `data` is a DataModule of images and membership, such as `datamodules.Faces`.

    The networks run once over all images; then all heads learn side by side from memory. Choices (epoch, pixel head)
    are made on validate before calibrate and test are scored. Given `activations`, whose controls then stand for
    `twins`, `pixels`, `references` and `complement`, not even that pass is made.
    """
    specs, recipe = list(rows) if rows else published_rows(), recipe or Recipe()
    check_names(specs)
    if twins < 0:
        raise UserError(f"twins is {twins}; it must not be negative.")
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

    cells = _cells(data, activations, specs, folded, seed)
    table = MINTTable(
        list(cells.values()),
        activations.bank,
        data.member,
        rate=recipe.rate,
        weight_decay=recipe.weight_decay,
        patience=recipe.patience,
    )
    if cells:
        learn_side_by_side(table, epochs=recipe.epochs, accelerator=accelerator)
    watch.lap("heads")

    read = Reader(data, activations, table, cells, folded)
    scores = [read.row(spec, seed) for spec in specs]
    has_pixels = PIXELS in activations.networks.by_name
    pixel_rows = [(spec.title, *read.fitted(spec, PIXELS)) for spec in PIXEL_ROWS] if has_pixels else []
    random = data.groups.random_partition
    evidence = weigh(scores, pixel_rows, random_partition=random, partition_declared=partition_declared)
    watch.lap("evidence")
    heads = {
        spec.title: [cells[spec.title, AUDITED, fold.number].head for fold in folded] for spec in specs if spec.fitted
    }
    first = folded[0].number
    curves = {spec.title: cells[spec.title, AUDITED, first].history for spec in specs if spec.fitted}
    return TableRun(evidence, scores, pixel_rows, heads, specs, watch.seconds, list(data.broken), curves)


def _cells(
    data: Any, activations: Activations, specs: Sequence[RowSpec], folded: Sequence[Fold], seed: int
) -> dict[CellKey, Cell]:
    cells: dict[CellKey, Cell] = {}
    for name, network in activations.networks.by_name.items():
        for spec in PIXEL_ROWS if name == PIXELS else [spec for spec in specs if spec.fitted]:
            wanted = spec.requests("")
            if not set(wanted) <= set(activations.requests[name]):
                continue
            shapes = network.aad_shapes(spec.taps)
            for fold in folded:
                head = spec.build([shapes[tap] for tap in spec.taps], seed)
                order = data.order(fold.fit, spec.samples)
                cell = Cell(spec.title, name, wanted, head, order, fold.validate, seed)
                cells[spec.title, name, fold.number] = cell
    return cells


class _Watch:
    """Seconds by part of the run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self.last
        self.last = now
