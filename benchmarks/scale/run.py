"""Two processes, random kills, many images, many tars, many cells, equal bits: benchmarks/scale.md.

    make bench-scale

Measures on the processor, each part in a process of its own. What is measured is kept under mlruns/benchmarks/scale
for the same arguments, sources and machine, so a run that was stopped goes on, the kills with the next one; --fresh
measures anew (of the kills, counts anew what is kept). The page is written from what is there. Where there is a GPU,
a fit on it is compared, too.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from benchmarks.common.jobs import ROOT, Bench, Job, machine
from benchmarks.scale import page as scale_page
from benchmarks.scale import parts as scale_parts

MATTERS = (
    "datamodules/*.py",
    "mint_lightning/*.py",
    *(f"mint_lightning/{room}/**/*.py" for room in ("shards", "audited", "heads", "learning", "tracking", "commands")),
    *(f"benchmarks/scale/{name}.py" for name in ("compared", "callbacks", "ddp", "determinism", "facts", "killed")),
    *(f"benchmarks/scale/{name}.py" for name in ("kills", "sets", "streaming", "tables")),
    "benchmarks/common/*.py",
)
BENCH = Bench("benchmarks.scale", Path("mlruns/benchmarks/scale"), MATTERS, scale_parts)
TINY = {"image_size": 32, "widths": [4, 4, 8, 8], "embedding": 8}
PARTS = scale_parts.__all__


def jobs(options: argparse.Namespace) -> list[Job]:
    """What is measured, quick parts first: the name of a function of `parts` and its arguments."""
    side, network = options.side, {"image_size": options.side}
    tiny = {"identities": 120, "photos": 5, "side": 32, "arguments": TINY}
    small = {"side": 32, "arguments": TINY, "batch": 32}
    read = options.passes * options.images
    found: list[Job] = [("facts", {"identities": options.facts, "rows": options.packed})]
    found += [
        ("shards", {"images": options.images, "tar": tar, "passes": options.passes, **_looks(read, 40)})
        for tar in (0, options.images // options.shards)
    ]
    found.append(("soak", {"images": options.soak, "packed": options.packed, **_looks(options.soak, 200)}))
    grown = {"identities": options.identities, **small, "seeds": options.seeds, "epochs": options.epochs}
    found += [("table", {"cells": cells, **grown}) for cells in options.table]
    real: dict[str, Any] = {"side": side, "arguments": network | options.network, "batch": options.batch}
    found.append(("ddp", {"identities": options.ddp, **real, "epochs": options.epochs}))
    cuda = torch.cuda.is_available()
    found.append(("determinism", {"identities": options.same, **real, "epochs": options.epochs, "cuda": cuda}))
    found.append(("kills", {"count": options.kills, **tiny, "seed": options.seed}))
    return [job for job in found if job[0] in options.only]


def _looks(images: int, points: int) -> dict[str, int]:
    """How often a stream is looked at, and a batch small enough for that."""
    return {"batch": min(256, max(8, images // (2 * points) // 8 * 8)), "points": points}


def parsed(words: list[str] | None = None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS, help="parts to measure")
    parser.add_argument("--ddp", type=int, default=800, help="people, 5 photos each, for 1 and 2 processes")
    parser.add_argument("--same", type=int, default=400, help="people, for the same fit again and changed")
    parser.add_argument("--side", type=int, default=112, help="pixels of a side of their photos")
    parser.add_argument("--network", type=json.loads, default={}, help="arguments of iresnet_small on them, as JSON")
    parser.add_argument("--batch", type=int, default=128, help="global batch on them")
    parser.add_argument("--epochs", type=int, default=4, help="of every head but those that are killed")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0, help="of where runs are killed")
    parser.add_argument("--soak", type=int, default=1_000_000, help="images")
    parser.add_argument("--packed", type=int, default=100_000, help="images of the set that the soak goes through")
    parser.add_argument("--shards", type=int, default=1000, help="tars at least")
    parser.add_argument("--images", type=int, default=100_000, help="images in them")
    parser.add_argument("--passes", type=int, default=2, help="times that they are read")
    parser.add_argument("--table", type=int, nargs="*", default=[30, 300], help="cells")
    parser.add_argument("--seeds", type=int, default=5, help="of each row of the table")
    parser.add_argument("--identities", type=int, default=240, help="people behind the table")
    parser.add_argument("--facts", type=int, default=400, help="people, for the bytes of a photo")
    parser.add_argument("--page", type=Path, default=ROOT / "benchmarks/scale.md")
    parser.add_argument("--fresh", action="store_true", help="measure anew what is kept")
    parser.add_argument("--part", help=argparse.SUPPRESS)  # one job as JSON: how the parent gives work to a process
    return parser.parse_args(words)


def main() -> None:
    options = parsed()
    if options.part:
        BENCH.work(options.part)
        return
    for results in BENCH.results(jobs(options), fresh=options.fresh):
        scale_page.write(options.page, results, machine())
    print(f"{options.page}: written")
