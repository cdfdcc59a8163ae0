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
    order = np.lexsort((packed.face, packed.photo))
    names = sorted({name for row in np.asarray(packed.photo)[order] for name in photos[int(row)].attributes or ()})
    if not names:
        return
    with (folder / ATTRIBUTES_NAME).open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream, lineterminator="\n")
        lines.writerow(["key", *names])
        for image in order:
            row = packed.photo[image]
            if known := photos[row].attributes:
                lines.writerow([face_key(plan.keys[row], packed.face[image]), *(known.get(name, "") for name in names)])
