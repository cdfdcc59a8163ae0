"""How a whole Vanilla table grows with its images: seconds, and memory beyond the activations."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.common.processes import peaks
from benchmarks.table.sets import arguments, config, laps

STORE = Path("grown")
GIB = {"memory": 8.0, "disk": 1e-6}
"""max_memory_gib: with hardly any allowed, activations stay in the store and are read batch by batch."""


def growth(network: Mapping[str, Any], images: int, kept: str, seeds: int, epochs: int, batch: int) -> dict[str, Any]:
    """One table at every place in a process of its own, its store empty."""
    from mint_lightning.audited import NetworkSource

    name = f"growth_{kept}_{images}"
    data = arguments(network, images, batch)
    yaml = config(name, data, [None], seeds, epochs, store=str(STORE), max_memory_gib=GIB[kept])
    shutil.rmtree(STORE, ignore_errors=True)
    start = time.perf_counter()
    most = peaks(["table", "--config", str(yaml)])
    seconds = time.perf_counter() - start
    shutil.rmtree(STORE, ignore_errors=True)
    audited = NetworkSource(**network).load()
    values = sum(shape[0] for shape in audited.aad_shapes(list(audited.tap_names)).values())
    return {
        "images": images,
        "seconds": seconds,
        "laps": laps(name),
        "kib": most,
        "aad_bytes": 4 * values * images,
    }
