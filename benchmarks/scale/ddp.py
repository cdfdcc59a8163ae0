"""One `fit` by one process and by two."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.scale.compared import furthest, head, largest, learnt, logged
from benchmarks.scale.sets import PHOTOS, config, data, faces, launch, network
from mint_lightning.files import read_json

WAYS = {"one": ["--trainer.devices", "1"], "two": ["--trainer.devices", "2", "--trainer.strategy", "ddp"]}


def ddp(identities: int, side: int, arguments: Mapping[str, Any], batch: int, epochs: int) -> dict[str, Any]:
    """Seconds of epochs, and how far heads and logged figures lie apart: a process has one thread and no workers."""
    shards = faces(identities, PHOTOS, side)
    yaml = config(Path("ddp.yaml"), data(shards, network(shards, arguments), batch, workers=0), epochs)
    found: dict[str, Any] = {}
    for name, way in WAYS.items():
        clock = {"class_path": "benchmarks.scale.callbacks.EpochClock", "init_args": {"path": f"{name}.json"}}
        callbacks = ["--trainer.callbacks", json.dumps([clock])]
        launch("fit", "--config", str(yaml), "--name", f"ddp_{name}", *way, *callbacks)
        found[name] = read_json(Path(f"{name}.json"), "epoch clock")
    heads = [learnt(head(f"ddp_{name}")) for name in WAYS]
    one, two = (logged(f"ddp_{name}") for name in WAYS)
    return {
        **found,
        "head": largest(*heads),
        "loss": furthest(one, two, "loss"),
        "auc": furthest(one, two, "validate/auc"),
    }
