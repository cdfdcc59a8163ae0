"""What lies beside a manifest: which photos were broken, and what else is known of the others."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from mint_lightning.shards.listing import Packed, face_key
from mint_lightning.shards.plan import Plan
from mint_lightning.shards.sources.photo import Photo

BROKEN_NAME: Final = "broken.jsonl"
ATTRIBUTES_NAME: Final = "attributes.csv"


def write_beside(folder: Path, photos: Sequence[Photo], plan: Plan, packed: Packed) -> None:
    """Write broken.jsonl, where photos are broken, and attributes.csv, where the source gives attributes of any.

    broken.jsonl has a line {"photo", "reason"} for each; attributes.csv, as `table --attributes` reads it, a line for
    each image, by its key.
    """
    if packed.broken:
        with (folder / BROKEN_NAME).open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(entry, ensure_ascii=False) + "\n" for entry in packed.broken)
    rows = np.frombuffer(packed.places, np.int64).reshape(-1, 5)[:, :2]
    known = {int(row): found for row in np.unique(rows[:, 0]) if (found := photos[int(row)].attributes)}
    if not known:
        return
    names = sorted({name for found in known.values() for name in found})
    with (folder / ATTRIBUTES_NAME).open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream, lineterminator="\n")
        lines.writerow(["key", *names])
        for row, face in sorted(rows.tolist()):
            if row in known:
                lines.writerow([face_key(str(plan.keys[row]), face), *(known[row].get(name, "") for name in names)])
