"""The table of an audit: every row on the audited network and on its controls, weighed."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mint_lightning.auditor.novelty import NoveltyCheck
from mint_lightning.evidence import LeftOutScores, PixelScores, RowScores, TableEvidence, weigh
from mint_lightning.heads import Head, MeanHead
from mint_lightning.learning.activations import Activations
from mint_lightning.learning.aside import Beside, external_sources
from mint_lightning.learning.attributes import read_attributes
from mint_lightning.learning.bank import Rows
from mint_lightning.learning.cell import Cell
from mint_lightning.learning.estimate import Estimate, estimate
from mint_lightning.learning.feed import Feed
from mint_lightning.learning.folds import Fold, make_folds
from mint_lightning.learning.networks import AUDITED, PIXEL_ROWS, PIXELS, device_of
from mint_lightning.learning.novelty import novelty_of
from mint_lightning.learning.reading import Reader
from mint_lightning.learning.rings import rings_of
from mint_lightning.learning.rows import RowSpec
from mint_lightning.learning.settings import TableSettings
from mint_lightning.learning.table import MINTTable, grouped, learn_side_by_side


@dataclass(frozen=True)
class TableRun:
    """A finished table: the evidence, the scores behind it, the audited network's heads by row (one per fold), what
    tells photos unlike its own, if it read what that is made of, and what else is known of the photos."""

    evidence: TableEvidence
    rows: list[RowScores]
    pixels: list[PixelScores]
    heads: dict[str, list[Head]]
    specs: list[RowSpec]
    seconds: dict[str, float]
    broken: list[str] = field(default_factory=list)
    novelty: NoveltyCheck | None = None
    attributes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def pixel_rows(self) -> list[RowScores]:
        """The pixel heads as rows, to be kept beside the others."""
        heads = {spec.title: spec.head for spec in PIXEL_ROWS}
        return [
            RowScores(
                f"Pixels: {row.name}",
                heads[row.name],
                row.name,
                0,
                0,
                row.scores,
                validate_auc=row.validate_auc,
                heads=row.heads,
            )
            for row in self.pixels
        ]


def run_table(
    data: Any,
    rows: Sequence[RowSpec] | None = None,
    settings: TableSettings | None = None,
    *,
    activations: Activations | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> TableRun:
    """Train and weigh a table. `data` is a DataModule of images and membership, such as `datamodules.Faces`.

    The networks run once over all images; then all heads learn side by side. Choices (epoch, pixel head) are made on
    validate before calibrate and test are scored. With a store, a table that was stopped, or that gains rows, sizes,
    seeds or controls, computes only what is missing. Given `activations`, whose controls then stand for those of the
    settings, no network is run. `tell` is told in words where AAD is kept.
    """
    settings = settings or TableSettings()
    plan, watch = settings.plan(data, rows), _Watch()
    folded = make_folds(data, settings.folds, settings.seed)
    plan.check(data, folded)
    if settings.left_out:
        external_sources(data)  # one set alone is refused before the work
    attributes = read_attributes(settings.attributes, data.keys) if settings.attributes else None
    if activations is None:
        if len(plan.views) > 2:  # more than the photo and its flip
            tell(f"Each photo is read in {len(plan.views)} views ({', '.join(plan.views)}): a forward for each.")
        networks = settings.networks(data, plan)
        watch.lap("networks")
        device = device_of(settings.accelerator)
        activations = Activations.read(
            data, plan.specs, wanted_rows(folded), networks, settings.keeping, device=device, tell=tell
        )
        watch.lap("activations")

    cells = plan.cells(data, activations, folded)
    every = [cell for group in cells.values() for cell in group]
    rings = rings_of(data, plan.specs, activations.bank.rows, activations.recomputed)
    feed = Feed(activations.bank, data, activations.networks, activations.recomputed, rings)
    table = MINTTable(every, feed, data.member, settings.shelf)
    if begun := [cell.epoch for cell in table.pending if cell.epoch]:
        tell(f"{len(begun)} heads go on after up to {max(begun)} epochs, from where the bar counts.")
    learn_side_by_side(table, accelerator=settings.accelerator)
    watch.lap("heads")

    final: dict[Cell, NDArray[np.float64]] = {}
    table.to(device_of(settings.accelerator))  # Lightning has taken it back to the CPU
    for own in grouped(every, lambda cell: id(cell.scored)):
        final |= table.final_scores(own, own[0].scored)
    table.cpu()
    read = Reader(data, activations, feed, final, cells, folded, plan.specs)
    scores = [read.row(spec, settings.seed) for spec in plan.specs]
    if settings.permuted or settings.left_out:
        scores = _with_aside(scores, read, Beside(data, plan, activations, feed, settings))
        watch.lap("beside the table")
    pixel_rows = [read.pixels(spec) for spec in PIXEL_ROWS] if PIXELS in activations.networks.by_name else []
    watch.lap("scores")
    evidence = weigh(
        scores,
        pixel_rows,
        random_partition=data.groups.random_partition,
        partition_declared=settings.partition_declared,
        no_claim=data.groups.no_claim,
        attributes=attributes,
        subject=data.subject,
    )
    watch.lap("evidence")
    heads = {
        spec.title: [_as_one(cells[spec.title, AUDITED, fold.number]) for fold in folded]
        for spec in plan.specs
        if spec.fitted
    }
    novelty = novelty_of(data, activations, device_of(settings.accelerator))
    watch.lap("novelty")
    return TableRun(
        evidence, scores, pixel_rows, heads, list(plan.specs), watch.seconds, list(data.broken), novelty,
        attributes or {},
    )  # fmt: skip


def _with_aside(rows: list[RowScores], read: Reader, beside: Beside) -> list[RowScores]:
    """The rows with what stands beside them and is no control."""
    folded, settings = read.folded, beside.settings
    permuted = beside.permuted(folded) if settings.permuted else {}
    sources = external_sources(beside.data) if settings.left_out else []
    without = {source: beside.without(source, folded) for source in sources}

    def left_out(row: RowScores) -> tuple[LeftOutScores, ...]:
        own = ((source, found.get(row.name)) for source, found in without.items())
        return tuple(LeftOutScores(s, read.scored(row.name, found) if found else row.audited) for s, found in own)

    return [
        replace(
            row,
            permuted=read.scored(row.name, permuted[row.name]) if row.name in permuted else None,
            left_out=left_out(row),
        )
        for row in rows
    ]


def estimate_table(data: Any, rows: Sequence[RowSpec] | None, settings: TableSettings) -> Estimate:
    """What `run_table` would take now, measured on a few batches."""
    plan = settings.plan(data, rows)
    folded = make_folds(data, settings.folds, settings.seed)
    plan.check(data, folded)
    networks, device = settings.networks(data, plan, adapt=False), device_of(settings.accelerator)
    return estimate(data, plan, networks, folded, wanted_rows(folded), settings.keeping, device)


def wanted_rows(folded: Sequence[Fold]) -> Rows:
    """All images that any fold uses, rising."""
    return np.unique(np.concatenate([np.concatenate([fold.fit, fold.validate, fold.scored]) for fold in folded]))


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
