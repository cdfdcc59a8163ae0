"""An epoch of a CNN head inside a table against the same steps of the head alone on tensors in memory."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from benchmarks.table.sets import faces
from mint_lightning.heads import CNNHead, Draw
from mint_lightning.learning.audit import run_table
from mint_lightning.learning.objective import head_loss, optimizer_of
from mint_lightning.learning.recipe import Recipe
from mint_lightning.learning.rows import RowSpec
from mint_lightning.learning.settings import TableSettings
from mint_lightning.learning.table import MINTTable

STORE = Path("maps")
GIB = {"memory": 8.0, "disk": 1e-6}
"""max_memory_gib: with hardly any allowed, each batch is read from the store."""


def cnn(network: Mapping[str, Any], tap: str, images: int, epochs: int, batch: int, repeats: int) -> dict[str, Any]:
    """Seconds of an epoch, validation included, the first of each run left out: in the table, from memory and from
    disk, each between two runs of the head alone."""
    data = faces(network, images, batch)
    shape = data.network.aad_shapes([f"{tap}:map"])[f"{tap}:map"]
    steps, validate = data.order().steps, len(data.rows("validate"))
    alone = head_alone(shape, steps, validate, batch)
    alone()
    found: dict[str, Any] = {"shape": list(shape), "fit": steps * batch, "validate": validate}
    shutil.rmtree(STORE, ignore_errors=True)
    for kept, gib in GIB.items():
        inside, outside = [], []
        for _ in range(repeats):
            before = alone()
            shutil.rmtree(STORE / "heads", ignore_errors=True)  # the maps stay
            settings = TableSettings(
                recipe=Recipe(epochs, epochs),
                twins=0,
                pixels=False,
                seeds=1,
                store=str(STORE),
                max_memory_gib=gib,
                accelerator="cpu",
            )
            with epoch_clock() as taken:
                run_table(data, [RowSpec("cnn", [f"{tap}:map"])], settings)
            inside.append(sum(taken[1:]) / len(taken[1:]))
            outside.append((before + alone()) / 2)
        found[kept] = {"table": inside, "alone": outside}
    shutil.rmtree(STORE, ignore_errors=True)
    return found


def head_alone(shape: tuple[int, ...], steps: int, validate: int, batch: int) -> Callable[[], float]:
    """A clocked epoch of a CNN head on noise in memory: forward, backward and step, then the forward on validate."""
    head = CNNHead([shape])
    optimizer = optimizer_of(head.parameters(), 1e-3, 0.0)
    batches = [torch.randn(batch, *shape) for _ in range(steps)]
    member = torch.arange(batch) % 2 == 0
    held = torch.randn(validate, *shape)

    def run() -> float:
        start = time.perf_counter()
        head.train()
        for step, inputs in enumerate(batches):
            loss = head_loss(head, [inputs], member, Draw(0, step, 0, batch))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        head.eval()
        with torch.no_grad():
            for inputs in held.split(512):
                head([inputs])
        return time.perf_counter() - start

    return run


@contextmanager
def epoch_clock() -> Iterator[list[float]]:
    """While this is open, seconds of each epoch of each table, from its start to the end of its validation."""
    taken: list[float] = []
    start, end = MINTTable.on_train_epoch_start, MINTTable.on_train_epoch_end

    def begun(table: MINTTable) -> None:
        taken.append(-time.perf_counter())
        start(table)

    def over(table: MINTTable) -> None:
        end(table)
        taken[-1] += time.perf_counter()

    MINTTable.on_train_epoch_start, MINTTable.on_train_epoch_end = begun, over
    try:
        yield taken
    finally:
        MINTTable.on_train_epoch_start, MINTTable.on_train_epoch_end = start, end
