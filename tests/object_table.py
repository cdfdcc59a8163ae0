"""A small table of a classifier of drawn objects, with what it needs, made through the front door."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from mint_lightning.cli import main
from mint_lightning.shards import KeyList
from tests.object_networks import classifier
from tests.object_photos import ObjectPhotos
from tests.packing import small

HALVES = {"members": 0.5, "externals": 0.5}


def object_config(root: Path) -> dict[str, Any]:
    """The table's config, of the shard set, the audited network and four shadows that are written to `root`."""
    manifest = small(
        ObjectPhotos(items=60, test=10),
        root / "shards",
        partitions=HALVES,
        by_database=["objects_test"],
        lanes=2,
    )
    keys = KeyList.load(root / "shards", manifest)
    drawn = keys.where(partitions=["members", "externals"])
    classifier(root / "audited", root / "shards", keys.where(partitions=["members"]), ["members"])
    random = np.random.default_rng(0)
    pattern = np.array([random.permutation([True, True, False, False]) for _ in drawn])
    for number in range(4):
        classifier(root / f"half{number}", root / "shards", drawn[pattern[:, number]], list(HALVES), seed=1 + number)
    return {
        "data": {
            "class_path": "datamodules.Objects",
            "init_args": {
                "shards": str(root / "shards"),
                "network": {"card": str(root / "audited/card.json")},
                "members": ["members"],
                "externals": ["externals"],
                "batch_size": 16,
                "workers": 0,
            },
        },
        "shadows": {f"half{number}": {"card": str(root / f"half{number}/card.json")} for number in range(4)},
        "rows": [
            {"head": "vanilla", "taps": ["layer7"]},
            {"head": "vanilla", "taps": ["layer7", "class"]},
            {"head": "by_class", "taps": ["layer7", "class"]},
            {"head": "by_class", "taps": ["layer6:map", "class"], "arguments": {
                "of": "cnn", "groups": [0, 0, 1, 1], "arguments": {"filters": [2, 2], "width": 4}}},
            *({"head": name} for name in ("loss", "margin", "calibrated_loss", "lira", "rmia")),
        ],
        "recipe": {"epochs": 2, "patience": 2},
        "twins": 1,
        "seeds": 2,
        "accelerator": "cpu",
        "register": False,
    }  # fmt: skip


def object_table(work: Path, config: dict[str, Any]) -> Path:
    """The folder of the finished table; `work` holds objects.yaml, the store and mlruns.

    No face detector is there to be asked: of objects, nothing may ask one.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(work)
        patch.setattr("mint_lightning.learning.novelty.face_detector", None)
        Path("objects.yaml").write_text(yaml.safe_dump(config))
        assert main(["table", "--config", "objects.yaml", "--store", "store"]) == 0
    return work / "mlruns/tables/table"
