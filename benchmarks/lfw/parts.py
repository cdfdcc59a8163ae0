"""What the benchmarks on LFW share: where the data is, the two networks, how a command runs and is timed."""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.common.door import DATA, Door

ARCHIVE = DATA / "lfw/lfw_aligned112_jpeg90.npz"
SHARDS = Path("shards/lfw")
CARDS = {name: Path(f"mlruns/networks/lfw_{name}/card.json") for name in "AB"}
DOOR = Door(Path("mlruns/benchmarks/lfw"))
CONVS = ["conv1", "conv2", "conv3", "conv4"]

PACK = (
    "pack --source npz:$MINT_DATA/lfw/lfw_aligned112_jpeg90.npz --name lfw --out shards/lfw "
    """--partitions '{"H1": 0.5, "H2": 0.5}' --hold_out 1 --hold_out_minimum 3 --overwrite true --reuse true"""
)
TRAIN = (
    "train-audited --shards shards/lfw --partitions '[{half}]' --out mlruns/networks/lfw_{name} --name lfw_{name} "
    """--arguments '{{"stem_stride": 2}}' --epochs 20"""
)


def make_networks() -> None:
    """LFW in halves, network A trained on H1 and B on H2; what stands is kept."""
    if not ARCHIVE.is_file():
        sys.exit(f"There is no {ARCHIVE} (MINT_DATA is {DATA}): set MINT_DATA to the folder of the data.")
    DOOR.run(PACK, SHARDS / "manifest.json")
    for name, half in (("A", "H1"), ("B", "H2")):
        DOOR.run(TRAIN.format(name=name, half=half), CARDS[name])


def load(path: Path) -> dict[str, Any]:
    """A JSON file."""
    return dict(json.loads(path.read_text(encoding="utf-8")))
