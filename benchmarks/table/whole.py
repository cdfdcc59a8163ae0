"""The whole Vanilla table against the bare forward of the network over its images."""

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common.forward import bare, prepared
from benchmarks.common.stopwatch import Parts, Stopwatch, watched
from benchmarks.table.sets import arguments, config, faces, laps

STORE = Path("store")
WINDOW = ("activations", "heads", "scores", "evidence")
"""Parts of a table from its first image to its last figure."""


def parts() -> Parts:
    """Where the time of a table goes."""
    from mint_lightning.audited import AuditedNetwork, Entry, taps
    from mint_lightning.commands import publish
    from mint_lightning.learning import audit, plan
    from mint_lightning.learning.feed import Piece
    from mint_lightning.learning.gather import StoreSink
    from mint_lightning.learning.shelf import Shelf
    from mint_lightning.learning.stack import Single, Stack
    from mint_lightning.learning.table import MINTTable
    from mint_lightning.shards import EpochOrder
    from mint_lightning.shards.workers import StreamLoader

    return (
        ("network", AuditedNetwork, ("_read",)),
        ("uint8 to float", AuditedNetwork, ("_prepare",)),
        ("reduction of taps", taps, ("reduce",)),
        ("waiting for the loader, joining its parts", StreamLoader, ("_parts", "_batch")),
        ("writing activations", StoreSink, ("add", "flush")),
        ("reading activations", Entry, ("refresh", "read")),
        ("fingerprint of the network", AuditedNetwork, ("fingerprint",)),
        ("order of batches", EpochOrder, ("batches",)),
        ("activations to heads", Piece, ("take",)),
        ("steps of heads", Stack, ("step",)),
        ("steps of heads", Single, ("step",)),
        ("heads on validate, calibrate and test", MINTTable, ("scores",)),
        ("keeping heads and scores", Shelf, ("keep", "keep_scores", "restore", "scores")),
        ("naming heads", plan, ("cell_hash",)),
        ("evidence", audit, ("weigh",)),
        ("files, page, tracking", publish, ("publish",)),
    )


def whole(
    network: Mapping[str, Any], images: int, sizes: Sequence[Any], seeds: int, epochs: int, batch: int, repeats: int
) -> dict[str, Any]:
    """The table through the front door, its store empty; half of the bare forward before it, half after it."""
    from mint_lightning.cli import main

    yaml = config("whole", arguments(network, images, batch), sizes, seeds, epochs, store=str(STORE))
    data = faces(network, images, batch)
    rows = data.rows("fit", "validate", "calibrate", "test")
    batches = [prepared(data.network, found["images"]) for found in data.eval_loader(rows)]
    halves = [bare(data.network.module, batches[turn::2]) for turn in (0, 1)]
    bare(data.network.module, batches[:1])()
    found: dict[str, Any] = {"images": sum(map(len, batches)), "rows": {}, "bare": [], "table": []}
    for split in ("fit", "validate", "calibrate", "test"):
        found["rows"][split] = len(data.rows(split))
    for _ in range(repeats):
        shutil.rmtree(STORE, ignore_errors=True)
        watch = Stopwatch()
        before = halves[0]()
        start = time.perf_counter()
        with watched(watch, parts()):
            if main(["table", "--config", str(yaml)]):
                raise SystemExit("table failed.")
        command = time.perf_counter() - start
        after = halves[1]()
        found["bare"].append([before, after])
        found["table"].append({"command": command, "laps": laps("whole"), "parts": dict(watch.seconds)})
    return found | {"halves": [sum(map(len, batches[turn::2])) for turn in (0, 1)]}
