"""What a table would take, before it is made: cells, images, time, memory and disk, from a few measured batches."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mint_lightning.audited import Entry
from mint_lightning.learning import placement
from mint_lightning.learning.activations import (
    Activations,
    Keeping,
    Keys,
    Probe,
    entries_of,
    entry_keys,
    place,
)
from mint_lightning.learning.bank import Bank, Request, Rows, aad_bytes
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
    images, views: of the table; forwards: how often a network has still to be run on an image, all networks and views
    together, once for each epoch where AAD is computed anew (an image that could not be decoded counts, for it is tried
    again);
    forward_seconds, adapt_seconds, head_seconds: of the pass, of the twins' adaptation, and of the heads at most;
    memory, disk: bytes of AAD held and still to be written; choices: where AAD is kept, in words.
    """

    rows: int
    networks: int
    heads: int
    kept: int
    images: int
    views: int
    forwards: int
    forward_seconds: float
    adapt_seconds: float
    head_seconds: float
    memory: int
    disk: int
    choices: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Of computing in all, if no head stops early."""
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
    probe = Probe(data, rows, device)
    choices = place(networks, requests, rows, entries, keeping, probe)
    recomputed = frozenset(at for at, choice in choices.items() if choice.place == "recompute")
    every = _cells(data, plan, networks, requests, keys, entries, recomputed, folded, rows)
    shelf = Shelf(keeping.folder / "heads") if keeping.folder else None
    if shelf:
        for cell in every:
            shelf.restore(cell)
    pending = [cell for cell in every if not cell.done]
    forwards, seconds, adapt, memory, disk = 0, 0.0, 0.0, 0, 0
    for name, wanted in requests.items():
        stored = [request for request in wanted if choices[name, request].place == "store"]
        missing = {request: entries[name][request].missing(rows) for request in stored}
        lacking = {req: missing.get(req, rows) for req in wanted if choices[name, req].place != "recompute"}
        left, runs = _union(lacking.values()), sum(_union(own) for own in _by_view(lacking).values())
        again = _anew([cell for cell in pending if cell.network == name], recomputed)
        own = probe.seconds(networks.by_name[name], wanted) if left + again else 0.0
        seconds += own * (left + again)
        forwards += runs + again
        if name in networks.unadapted:
            adapt += own * TWIN_IMAGES
        sizes = aad_bytes(networks.by_name[name], wanted)
        for request in wanted:
            where = choices[name, request].place
            memory += sizes[request] * len(rows) if where != "recompute" else 0
            disk += sizes[request] * len(missing[request]) if where == "store" else 0
    return Estimate(
        rows=len(plan.specs),
        networks=len(networks.by_name),
        heads=len(every),
        kept=len(every) - len(pending),
        images=len(rows),
        views=len(plan.views),
        forwards=forwards,
        forward_seconds=seconds,
        adapt_seconds=adapt,
        head_seconds=_head_seconds(pending, device),
        memory=min(memory, keeping.memory),
        disk=disk,
        choices=tuple(placement.words(choices, keeping.folder)),
    )


def _cells(
    data: Any,
    plan: HeadPlan,
    networks: Networks,
    requests: dict[str, list[Request]],
    keys: Keys,
    entries: Mapping[str, Mapping[Request, Entry]],
    recomputed: frozenset[tuple[str, Request]],
    folded: Sequence[Fold],
    rows: Rows,
) -> list[Cell]:
    """All heads. Which images can be read decides their names; whatever was read of any network can be."""
    stored = [entry.rows for own in entries.values() for entry in own.values()]
    readable = np.intersect1d(rows, np.concatenate(stored)) if stored else rows
    bank = Bank(readable if len(readable) else rows, {})
    cells = plan.cells(data, Activations(networks, requests, bank, keys, recomputed), folded)
    return [cell for group in cells.values() for cell in group]


def _union(rows: Iterable[Rows]) -> int:
    """How many different images."""
    each = list(rows)
    return len(np.unique(np.concatenate(each))) if each else 0


def _by_view(lacking: Mapping[Request, Rows]) -> dict[str, list[Rows]]:
    found: dict[str, list[Rows]] = {}
    for (view, _), rows in lacking.items():
        found.setdefault(view, []).append(rows)
    return found


def _anew(cells: Sequence[Cell], recomputed: frozenset[tuple[str, Request]]) -> int:
    """Images that the network of `cells` sees in all their epochs at most, where some of its AAD is computed anew."""
    own = [cell for cell in cells if any((cell.network, request) in recomputed for request in cell.requests)]
    images = 0
    for order in {id(cell.order): cell.order for cell in own}.values():
        images += order.steps * order.batch_size * max(_epochs(cell) for cell in own if cell.order is order)
    for validate in {id(cell.validate): cell.validate for cell in own}.values():
        images += len(validate) * max(_epochs(cell) for cell in own if cell.validate is validate)
    return images


def _epochs(cell: Cell) -> int:
    return cell.recipe.epochs - cell.epoch


def _head_seconds(cells: Sequence[Cell], device: torch.device) -> float:
    """Of all epochs of all heads, from a step of each form on noise."""
    known: dict[tuple[object, ...], float] = {}
    total = 0.0
    for cell in cells:
        cell.head.to(device)
    for learner in stacked(cells):
        cell = learner.cells[0]
        head = type(cell.head), tuple(cell.head.input_shapes)
        form = (type(learner), len(learner.cells), *head, cell.order.batch_size)
        if form not in known:
            known[form] = _step_seconds(learner, device)
        total += known[form] * cell.order.steps * _epochs(cell)
    return total


def _step_seconds(learner: Single | Stack, device: torch.device) -> float:
    head, batch = learner.cells[0].head, learner.cells[0].order.batch_size
    inputs = [[torch.randn(batch, *shape, device=device) for shape in head.input_shapes]] * len(learner.cells)
    member = torch.arange(batch, device=device) % 2 == 0
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
    seen = f"{found.images:,} images{f' in {found.views} views' if found.views > 1 else ''}"
    lines = [
        f"{found.rows} rows, {found.networks} networks: {found.heads} heads{finished}.",
        f"{seen}; {found.forwards:,} forwards still to run.",
        f"Computing: up to {placement.time_words(found.seconds)} ({times}); start, report and logging come on top.",
        f"Memory: {placement.size_words(found.memory)} of activations.",
    ]
    if folder is not None:
        lines.append(f"Disk: {placement.size_words(found.disk)} more in {folder}.")
    return [*lines, *found.choices]
