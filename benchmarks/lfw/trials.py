"""Settings of the published heads, and how they do on validate: what `search.py` chooses from."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.lfw.parts import CARDS, CONVS, SHARDS, load
from datamodules import Faces
from mint_lightning.audited import NetworkSource
from mint_lightning.evidence import auc
from mint_lightning.files import sha256_file, sha256_json, write_json
from mint_lightning.learning import RowSpec, TableSettings
from mint_lightning.learning.activations import Activations
from mint_lightning.learning.bank import Bank
from mint_lightning.learning.cell import Cell
from mint_lightning.learning.feed import Feed
from mint_lightning.learning.networks import AUDITED, PIXEL_ROWS, PIXELS, device_of
from mint_lightning.learning.recipe import Recipe
from mint_lightning.learning.table import MINTTable, learn_side_by_side
from mint_lightning.shards import uniform

OUT = Path("mlruns/benchmarks/lfw_search")
ROWS = {
    "vanilla": [*([tap] for tap in (*CONVS, "outcome")), CONVS],
    "cnn": [["conv1:map"], ["conv4:map"]],
}
DRAWS = {"vanilla": 8, "cnn": 3}
SEEDS = {"vanilla": 2, "cnn": 1}
EPOCHS = {"vanilla": 20, "cnn": 6}
SPACE: dict[str, dict[str, list[float]]] = {
    "vanilla": {
        "rate": [1e-4, 3e-4, 1e-3, 3e-3],
        "weight_decay": [0.0, 0.1, 1.0, 10.0],
        "l1": [0.0, 0.1, 1.0],
        "dropout": [0.3, 0.6],
    },
    "cnn": {"rate": [3e-4, 1e-3], "weight_decay": [0.0, 1.0], "dropout": [0.0, 0.5]},
}
PUBLISHED = {
    "vanilla": {"rate": 1e-3, "weight_decay": 0.0, "l1": 0.1, "dropout": 0.3},
    "cnn": {"rate": 1e-3, "weight_decay": 0.0, "dropout": 0.0},
}


@dataclass(frozen=True)
class Trial:
    """One setting of one kind of head."""

    head: str
    setting: dict[str, float]

    @property
    def arguments(self) -> dict[str, float]:
        """Those of the head itself."""
        return {name: value for name, value in self.setting.items() if name in ("l1", "dropout")}

    @property
    def recipe(self) -> Recipe:
        """How it learns: through all epochs; early stopping is judged afterwards, on the curve."""
        epochs = EPOCHS[self.head]
        return Recipe(epochs, epochs, self.setting["rate"], self.setting["weight_decay"])

    def path(self, network: str) -> Path:
        """Where its curves on a network are kept."""
        made_from = [sha256_file(CARDS[network]), sha256_file(SHARDS / "manifest.json"), self.head, self.setting]
        return OUT / f"{sha256_json([*made_from, ROWS[self.head], SEEDS, EPOCHS])[:20]}.json"


def trials() -> list[Trial]:
    """For each kind of head the published setting, then others drawn from the space with seed 0."""
    found = []
    for head, space in SPACE.items():
        settings = [dict(zip(space, values, strict=True)) for values in product(*space.values())]
        settings = [setting for setting in settings if setting != PUBLISHED[head]]
        order = np.random.default_rng(0).permutation(len(settings))[: DRAWS[head] - 1]
        found += [Trial(head, setting) for setting in (PUBLISHED[head], *(settings[place] for place in order))]
    return found


class Watched(MINTTable):
    """A table that keeps the curve of each head: AUC on either half of validate's people after each epoch."""

    def __init__(self, cells: Sequence[Cell], bank: Bank, member: NDArray[np.bool_], half: NDArray[np.bool_]) -> None:
        super().__init__(cells, Feed(bank), member)
        self.half = half
        self.curves: list[tuple[list[float], list[float]]] = [([], []) for _ in cells]

    def validated(self, cell: Cell, rows: NDArray[np.int64], logits: NDArray[np.float64]) -> float:
        member = self.member[rows].numpy()
        for number, values in enumerate(self.curves[self.cells.index(cell)]):
            own = self.half[rows] == bool(number)
            values.append(auc(logits[own], member[own]))
        return auc(logits, member)


def measure(network: str) -> None:
    """Write the curves of all trials on one network that are not there yet."""
    missing = [trial for trial in trials() if not trial.path(network).is_file()]
    if not missing:
        return
    data = Faces(str(SHARDS), NetworkSource(card=str(CARDS[network])))
    rows = np.sort(np.concatenate([data.rows("fit"), data.rows("validate")]))
    specs = [RowSpec(head, taps) for head, taps_of in ROWS.items() for taps in taps_of]  # type: ignore[arg-type]
    settings = TableSettings(twins=0, store="auto", max_memory_gib=12.0)
    networks, device = settings.networks(data), device_of(settings.accelerator)
    bank = Activations.read(data, specs, rows, networks, settings.keeping, device=device).bank
    keys = data.keys
    people = np.char.add(np.char.add(keys.source[:], "/"), keys.identity[:])
    half = np.array([uniform("half", str(person), seed=0) < 0.5 for person in people])
    order = data.order()
    for trial in missing:
        began = time.monotonic()
        wanted = [(spec, AUDITED) for spec in specs if spec.head == trial.head]
        if trial.head == "vanilla":
            wanted += [(spec, PIXELS) for spec in PIXEL_ROWS if spec.head == "vanilla"]
        cells = []
        for spec, where in wanted:
            shapes = networks.by_name[where].aad_shapes(spec.taps)
            form = RowSpec(spec.head, spec.taps, arguments=trial.arguments)
            for seed in range(SEEDS[trial.head]):
                head = form.build([shapes[tap] for tap in spec.taps], seed)
                requests, validate = spec.requests(""), data.rows("validate")
                cells.append(Cell(spec.title, where, requests, head, order, validate, seed, trial.recipe))
        table = Watched(cells, bank, data.member, half)
        learn_side_by_side(table)
        curves = [{"row": cell.name, "halves": list(pair)} for cell, pair in zip(cells, table.curves, strict=True)]
        write_json(trial.path(network), {"curves": curves, "seconds": time.monotonic() - began})
        print(f"{network}: {trial.head} {trial.setting}, {time.monotonic() - began:.0f} s", flush=True)


def curves(network: str, trial: Trial) -> list[dict[str, Any]]:
    """The curves of a finished trial: {"row": title, "halves": [AUC by epoch, AUC by epoch]}, one per row and seed."""
    return list(load(trial.path(network))["curves"])
