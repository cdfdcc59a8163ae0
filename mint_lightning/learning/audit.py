"""The table of an audit: every row on the audited network and on its controls, weighed."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from mint_lightning.audited import AuditedNetwork, NetworkSource, PixelNetwork
from mint_lightning.evidence import RowScores, ScoreSet, TableEvidence, weigh
from mint_lightning.heads import Head
from mint_lightning.learning.bank import Network, Request, fill_bank
from mint_lightning.learning.controls import missing_taps, reference_networks, untrained_twins
from mint_lightning.learning.folds import Fold, make_folds
from mint_lightning.learning.reading import AUDITED, COMPLEMENT, PIXELS, CellKey, Reader
from mint_lightning.learning.rows import RowSpec, published_rows
from mint_lightning.learning.table import Cell, MINTTable, learn_side_by_side

PIXEL_ROWS = (RowSpec("vanilla", ["pixels"]), RowSpec("vanilla", ["statistics"]))


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
) -> TableRun:
    """Train and weigh a table. `data` is a DataModule of images and membership, such as `datamodules.Faces`.

    The networks run once over all images; then all heads learn side by side from memory. Choices (epoch, pixel head)
    are made on validate before calibrate and test are scored.
    """
    specs, recipe = list(rows) if rows else published_rows(), recipe or Recipe()
    watch = _Watch()
    folded = make_folds(data, folds, seed)
    networks: dict[str, Network] = {AUDITED: data.network}
    device = _device(accelerator)
    data.network.to(device)
    networks |= untrained_twins(data.network, data, twins, seed)
    networks |= reference_networks(references or {}, data.network)
    if complement is not None:
        networks[COMPLEMENT] = complement.load()
    if pixels:
        networks[PIXELS] = PixelNetwork()
    for network in networks.values():
        if isinstance(network, torch.nn.Module):
            network.to(device)
    watch.lap("networks")

    requests = _requests(networks, specs)
    wanted = np.unique(np.concatenate([np.concatenate([f.fit, f.validate, f.scored]) for f in folded]))
    bank = fill_bank(data.eval_loader(wanted), networks, requests, len(wanted), device=device, max_gib=max_memory_gib)
    watch.lap("activations")

    cells = _cells(data, networks, requests, specs, folded, seed)
    table = MINTTable(
        list(cells.values()), bank, data.member,
        rate=recipe.rate, weight_decay=recipe.weight_decay, patience=recipe.patience,
    )  # fmt: skip
    if cells:
        learn_side_by_side(table, epochs=recipe.epochs, accelerator=accelerator)
    watch.lap("heads")

    read = Reader(data, bank, table, cells, folded, networks)
    references_named = list(references or {})
    scores = [read.row(spec, [n for n in networks if n.startswith("twin ")], references_named, seed) for spec in specs]
    pixel_rows = [(spec.title, *read.fitted(spec, PIXELS)) for spec in PIXEL_ROWS] if pixels else []
    evidence = weigh(
        scores, pixel_rows,
        random_partition=data.groups.random_partition, partition_declared=partition_declared,
    )  # fmt: skip
    watch.lap("evidence")
    heads = {
        spec.title: [cells[spec.title, AUDITED, fold.number].head for fold in folded] for spec in specs if spec.fitted
    }
    return TableRun(evidence, scores, pixel_rows, heads, specs, watch.seconds, list(data.broken))


def _requests(networks: dict[str, Network], specs: Sequence[RowSpec]) -> dict[str, list[Request]]:
    wanted: dict[str, list[Request]] = {}
    for name, network in networks.items():
        if name == PIXELS:
            wanted[name] = [request for spec in PIXEL_ROWS for request in spec.requests("")]
            continue
        assert isinstance(network, AuditedNetwork)
        found = [request for spec in specs for request in spec.requests(network.tap_names[-1])]
        if name not in (AUDITED, COMPLEMENT):
            lacks = set(missing_taps(network, sorted({tap for _, tap in found})))
            found = [request for request in found if request[1] not in lacks]
        wanted[name] = list(dict.fromkeys(found))
    return wanted


def _cells(
    data: Any,
    networks: dict[str, Network],
    requests: dict[str, list[Request]],
    specs: Sequence[RowSpec],
    folded: Sequence[Fold],
    seed: int,
) -> dict[CellKey, Cell]:
    cells: dict[CellKey, Cell] = {}
    for name, network in networks.items():
        for spec in PIXEL_ROWS if name == PIXELS else [spec for spec in specs if spec.fitted]:
            wanted = spec.requests("")
            if not set(wanted) <= set(requests[name]):
                continue
            shapes = network.aad_shapes(spec.taps)
            for fold in folded:
                head = spec.build([shapes[tap] for tap in spec.taps], seed)
                order = data.order(fold.fit, spec.samples)
                cells[spec.title, name, fold.number] = Cell(
                    spec.title, name, wanted, head, order, fold.validate, seed
                )  # fmt: skip
    return cells


def _device(accelerator: str) -> torch.device:
    wants_gpu = accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    return torch.device("cuda" if wants_gpu else "cpu")


class _Watch:
    """Seconds by part of the run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self.last
        self.last = now
