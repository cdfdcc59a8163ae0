"""How a table grows with its cells: seconds and peak memory."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.common.processes import ONCE, peaks
from benchmarks.scale.sets import PHOTOS, data, faces, network
from mint_lightning.files import read_json, write_json

TAPS = ("conv1", "conv2", "conv3", "conv4", "outcome")


def table(
    cells: int, identities: int, side: int, arguments: Mapping[str, Any], batch: int, seeds: int, epochs: int
) -> dict[str, Any]:
    """A table of so many Vanilla heads without controls, taps x learning rates x seeds, in a process of its own."""
    shards = faces(identities, PHOTOS, side)
    name, store = f"cells_{cells}", Path("cells")
    content = {
        "name": name,
        "data": data(shards, network(shards, arguments), batch, workers=0),
        "rows": rows(cells // seeds, epochs),
        "seeds": seeds,
        "twins": 0,
        "pixels": False,
        "accelerator": "cpu",
        "store": str(store),
        "register": False,
        "reuse": False,
    }
    write_json(Path(f"{name}.yaml"), content)
    shutil.rmtree(store, ignore_errors=True)
    start = time.perf_counter()
    most = peaks(["table", "--config", f"{name}.yaml"])
    seconds = time.perf_counter() - start
    shutil.rmtree(store, ignore_errors=True)
    laps = read_json(Path("mlruns/tables") / name / "table.json", "table")["context"]["seconds"]
    done = seeds * (cells // seeds)
    return {"cells": done, "seconds": seconds, "laps": laps, "once_kib": most[ONCE], "rss_kib": most["Rss"]}


def rows(count: int, epochs: int) -> list[dict[str, Any]]:
    """So many different rows: the taps at one learning rate, then at the next."""
    found = []
    for number in range(count):
        tap, turn = TAPS[number % len(TAPS)], number // len(TAPS)
        recipe = {"epochs": epochs, "patience": epochs, "rate": 1e-3 * (1 + turn / 10)}
        found.append({"head": "vanilla", "taps": [tap], "recipe": recipe, "name": f"{tap}, rate {turn}"})
    return found
