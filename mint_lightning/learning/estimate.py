"""What a table would take, before it is made: cells, images, time, memory and disk, from a few measured batches."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mint_lightning.learning import placement
from mint_lightning.learning.activations import Activations, Keeping, entries_of, entry_keys, place, seconds_an_image
from mint_lightning.learning.bank import Bank, Rows, aad_bytes
from mint_lightning.learning.cell import Cell
from mint_lightning.learning.controls import TWIN_IMAGES
from mint_lightning.learning.folds import Fold
from mint_lightning.learning.networks import Networks
from mint_lightning.learning.plan import HeadPlan
from mint_lightning.learning.shelf import Shelf
from mint_lightning.learning.stack import Single, Stack, stacked

STEPS = 2


@dataclass(frozen=True)
class Estimate:
    """What is left to do of a table.

    rows, networks, heads, kept: rows of the table, networks read, heads in all and those that are finished already;
    images: of the table; forwards: images that a network has still to be run on, all networks together;
    forward_seconds, adapt_seconds, head_seconds: of the pass, of the twins' adaptation, and of the heads at most;
    memory, disk: bytes of AAD held and still to be written; choices: where AAD is kept, in words.
    """

    rows: int
    networks: int
    heads: int
    kept: int
    images: int
    forwards: int
    forward_seconds: float
    adapt_seconds: float
    head_seconds: float
    memory: int
    disk: int
    choices: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """In all, at most."""
        return self.forward_seconds + self.adapt_seconds + self.head_seconds


def estimate(
    data: Any,
    plan: HeadPlan,
    networks: Networks,
    folded: Sequence[Fold],
    rows: Rows,
    keeping: Keeping,
    device: torch.device,
) -> Estimate:
    """Estimate a table; the twins among `networks` may be unadapted."""
    requests = networks.requests(plan.specs)
    keys = entry_keys(networks, requests, data.manifest.hash)
    entries = entries_of(networks, keys, keeping.folder)
    choices = place(data, networks, requests, rows, entries, keeping, device)
    forwards, seconds, adapt, memory, disk = 0, 0.0, 0.0, 0, 0
    for name, wanted in requests.items():
        missing = {request: len(entries[name][request].missing(rows)) if entries else len(rows) for request in wanted}
        left = max(missing.values(), default=0)
        own = seconds_an_image(data, networks.by_name[name], wanted, rows, device) if left else 0.0
        seconds += own * left
        forwards += left
        if name in networks.unadapted:
            adapt += own * TWIN_IMAGES
        sizes = aad_bytes(networks.by_name[name], wanted)
        for request in wanted:
            where = choices[name, request].place
            memory += sizes[request] * len(rows) if where != "recompute" else 0
            disk += sizes[request] * missing[request] if where == "store" else 0
    recomputed = frozenset(at for at, choice in choices.items() if choice.place == "recompute")
    cells = plan.cells(data, Activations(networks, requests, Bank(rows, {}), keys, recomputed), folded)
    every = [cell for group in cells.values() for cell in group]
    shelf = Shelf(keeping.folder / "heads") if keeping.folder else None
    left_to_learn = [cell for cell in every if not (shelf and shelf.finished(cell))]
    return Estimate(
        rows=len(plan.specs),
        networks=len(networks.by_name),
        heads=len(every),
        kept=len(every) - len(left_to_learn),
        images=len(rows),
        forwards=forwards,
        forward_seconds=seconds,
        adapt_seconds=adapt,
        head_seconds=_head_seconds(left_to_learn, device),
        memory=min(memory, keeping.memory),
        disk=disk,
        choices=tuple(placement.words(choices, keeping.folder)),
    )


def _head_seconds(cells: Sequence[Cell], device: torch.device) -> float:
    """Of all epochs of all heads, from a step of each form on noise."""
    known: dict[tuple[object, ...], float] = {}
    total = 0.0
    for learner in stacked(cells):
        cell = learner.cells[0]
        form = (type(learner), len(learner.cells), cell.head.shapes, cell.order.batch_size)
        if form not in known:
            known[form] = _step_seconds(learner, device)
        total += known[form] * cell.order.steps * cell.recipe.epochs
    return total


def _step_seconds(learner: Single | Stack, device: torch.device) -> float:
    head, batch = learner.cells[0].head, learner.cells[0].order.batch_size
    inputs = [[torch.randn(batch, *shape) for shape in head.shapes]] * len(learner.cells)
    member = torch.arange(batch) % 2 == 0
    learner.begin()
    learner.step(inputs, member, 0)
    start = time.perf_counter()
    for step in range(STEPS):
        learner.step(inputs, member, step)
    return (time.perf_counter() - start) / STEPS


def words(found: Estimate, folder: Path | None) -> list[str]:
    """For people, a line each."""
    finished = f", {found.kept} of them finished already" if found.kept else ""
    parts = {"networks": found.forward_seconds, "adapting twins": found.adapt_seconds, "heads": found.head_seconds}
    times = ", ".join(f"{part} {placement.time_words(seconds)}" for part, seconds in parts.items())
    lines = [
        f"{found.rows} rows, {found.networks} networks: {found.heads} heads{finished}.",
        f"{found.images:,} images; {found.forwards:,} forwards still to run.",
        f"Time: {placement.time_words(found.seconds)} at most ({times}).",
        f"Memory: {placement.size_words(found.memory)} of activations.",
    ]
    if folder is not None:
        lines.append(f"Disk: {placement.size_words(found.disk)} more in {folder}.")
    return [*lines, *found.choices]
