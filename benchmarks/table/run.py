"""What a whole table costs beyond one forward of the network: benchmarks/table.md.

    make bench-table

Measures on the processor, each part in a process of its own: a whole Vanilla table against the bare forward over its
images, the same table as a plain script makes it, an epoch of a CNN head inside the table against the head alone, how a
table grows with its images, and whether heads are quicker together. What is measured is kept under
mlruns/benchmarks/table for the same arguments, sources and machine, so a run that was stopped goes on; --fresh measures
anew. The page is written from what is there, the conclusions above its mark by people.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.common.jobs import ROOT, Bench, Job, machine
from benchmarks.table import page as table_page
from benchmarks.table import parts as table_parts

MATTERS = (
    "datamodules/*.py",
    *(f"mint_lightning/{room}/**/*.py" for room in ("shards", "audited", "heads", "learning", "evidence")),
    "mint_lightning/commands/table.py",
    *(f"benchmarks/table/{part}.py" for part in ("sets", "whole", "plain", "cnn", "growth", "stacking")),
    "benchmarks/common/*.py",
)
BENCH = Bench("benchmarks.table", Path("mlruns/benchmarks/table"), MATTERS, table_parts)
SMALL: dict[str, Any] = {"architecture": "iresnet_small"}
QUICK = {"architecture": "iresnet_small", "arguments": {"stem_stride": 4}}
# The maps of an IResNet-50 (64x56x56 to 512x7x7) from one block to a stage, so that they are there quickly.
SHAPED = {"architecture": "iresnet_small", "arguments": {"widths": [64, 128, 256, 512]}}
SIZES = (0.25, 0.5, None)
STACKED = (
    ("vanilla", (64,), (3, 15, 45)),
    ("vanilla", (512,), (3, 15, 45)),
    ("vanilla", (960,), (3, 15)),
    ("cnn", (16, 56, 56), (3, 9)),
    ("cnn", (512, 7, 7), (3, 9)),
)


def jobs(options: argparse.Namespace) -> list[Job]:
    """What is measured: the name of a function of `parts` and its arguments."""
    batch, repeats = options.batch, options.repeats
    found: list[Job] = []
    for head, shape, numbers in STACKED:
        steps = 20 if head == "vanilla" else 2
        for n in numbers if options.stacked is None else numbers[: options.stacked]:
            given = {"head": head, "shape": shape, "heads": n, "batch": batch, "steps": steps, "repeats": repeats}
            found.append(("stacking", given))
    for network in (SMALL, SHAPED) if options.cnn else ():
        for tap, images in (("conv1", options.cnn), ("conv4", 4 * options.cnn)):
            given = {"network": network, "tap": tap, "images": images, "epochs": 4, "batch": batch, "repeats": repeats}
            found.append(("cnn", given))
    if options.images:
        table = {
            "network": json.loads(options.network),
            "images": options.images,
            "sizes": SIZES,
            "seeds": options.seeds,
            "epochs": options.epochs,
            "batch": batch,
        }
        found.append(("whole", table | {"repeats": options.turns}))
        found.append(("plain", table | {"limit": options.limit}))
    found += [
        ("growth", {"network": QUICK, "images": n, "kept": kept, "seeds": 3, "epochs": 5, "batch": 2 * batch})
        for n in options.growth
        for kept in ("memory", "disk")
    ]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default='{"architecture": "iresnet50"}', help="of the whole table, as JSON")
    parser.add_argument("--images", type=int, default=2000, help="of the whole table, all splits; 0 leaves it out")
    parser.add_argument("--seeds", type=int, default=3, help="of the whole table")
    parser.add_argument("--epochs", type=int, default=20, help="of the whole table")
    parser.add_argument("--turns", type=int, default=1, help="of the whole table and its bare forward")
    parser.add_argument("--limit", type=int, default=32, help="images of each epoch that the plain script is timed on")
    parser.add_argument(
        "--cnn", type=int, default=500, help="images of CNN heads at conv1, a quarter of those at conv4"
    )
    parser.add_argument("--growth", type=int, nargs="*", default=[1000, 10_000, 100_000], help="images of whole tables")
    parser.add_argument("--stacked", type=int, help="of the numbers of heads to stack only so many")
    parser.add_argument("--batch", type=int, default=64, help="images of a batch; twice as many for --growth")
    parser.add_argument("--repeats", type=int, default=3, help="of the short parts")
    parser.add_argument("--page", type=Path, default=ROOT / "benchmarks/table.md")
    parser.add_argument("--fresh", action="store_true", help="measure anew what is kept")
    parser.add_argument("--part", help=argparse.SUPPRESS)  # one job as JSON: how the parent gives work to a process
    options = parser.parse_args()
    if options.part:
        BENCH.work(options.part)
        return
    for results in BENCH.results(jobs(options), fresh=options.fresh):
        table_page.write(options.page, results, machine())
    print(f"{options.page}: written")


if __name__ == "__main__":
    main()
