"""How many workers, how much network and disk and how many hours so many GPUs need: the table of docs/scale.md.

    python -m benchmarks.scale.sizing
    python -m benchmarks.scale.sizing --gpus 4 --nodes 1 8 --rates 1500

What this machine does is measured (benchmarks/scale/rates.json says where each figure is from). What a GPU does is not:
--rates are yours to measure, and the defaults are assumptions.
"""

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.common.figures import write_below
from benchmarks.common.jobs import ROOT
from mint_lightning.files import read_json
from mint_lightning.shards.splits import FRACTIONS, SPLITS

MARK = "<!-- below this line: written by python -m benchmarks.scale.sizing -->"
RATES = Path(__file__).parent / "rates.json"
IMAGES = 22_000_000
EPOCH = sum(share for split, share in zip(SPLITS, FRACTIONS, strict=True) if split in ("fit", "validate"))
"""Share of the images that an epoch of `fit` puts through the network."""

COLUMNS = (
    "nodes x GPUs", "images/s of a GPU, assumed", "of a node", "workers of a node", "lanes at least", "MB/s of a node",
    "hours, pass", "hours, epoch of `fit`", "key lists of a node, GiB",
)  # fmt: skip


@dataclass(frozen=True)
class Need:
    """What one node of several must have, and how long all of them take.

    Attributes:
        images_per_second: of one node.
        workers: loader processes of one node, the same for each GPU.
        lanes: the least that a shard set must have: all processes of all nodes with all their workers share them.
        megabytes_per_second: read by one node, from its disk or over its network.
        pass_hours, epoch_hours: all images once (`table`, its one pass), and one epoch of `fit` on photos.
        key_gib: key lists of one node, if every process and every worker had its own.
    """

    images_per_second: float
    workers: int
    lanes: int
    megabytes_per_second: float
    pass_hours: float
    epoch_hours: float
    key_gib: float


def need(nodes: int, gpus: int, rate: float, images: int, measured: Mapping[str, float]) -> Need:
    """For so many nodes of so many GPUs that each put `rate` images a second through the network.

    Args:
        measured: images a second that one core reads and decodes ("reading"), bytes of an image in its tar
            ("tar_bytes") and of a row of the key list in memory ("key_bytes").
    """
    each = max(1, math.ceil(rate / measured["reading"]))
    node = gpus * rate
    hours = images / (nodes * node) / 3600
    return Need(
        images_per_second=node,
        workers=gpus * each,
        lanes=nodes * gpus * each,
        megabytes_per_second=node * measured["tar_bytes"] / 1e6,
        pass_hours=hours,
        epoch_hours=EPOCH * hours,
        key_gib=gpus * (1 + each) * images * measured["key_bytes"] / 2**30,
    )


def lines(nodes: Sequence[int], gpus: Sequence[int], rates: Sequence[float], images: int, kept: Any) -> list[str]:
    """The section: what was measured and where, then a line for each combination."""
    measured = {name: float(each["value"]) for name, each in kept["measured"].items()}
    found = [
        f"Written by `python -m benchmarks.scale.sizing` for {images:,} images. Measured, on the processor:",
        "",
        "| what | value | from |",
        "|---|---:|---|",
        *(f"| {each['what']} | {each['value']:,} | {each['from']} |" for each in kept["measured"].values()),
        "",
        "**Assumed, not measured: images a second of a GPU.** Measure yours (an epoch of `fit`), give it as `--rates`.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---:|" * len(COLUMNS),
    ]
    for rate in rates:
        for node in nodes:
            for gpu in gpus:
                one = need(node, gpu, rate, images, measured)
                found.append(
                    f"| {node} x {gpu} | {rate:,.0f} | {one.images_per_second:,.0f} | {one.workers} | {one.lanes} "
                    f"| {one.megabytes_per_second:,.1f} | {one.pass_hours:.2f} | {one.epoch_hours:.2f} "
                    f"| {one.key_gib:.1f} |"
                )
    found += ["", "Without a GPU, hours of the pass at the rates measured (2 cores, float32):", ""]
    found += ["| network | images/s | hours | from |", "|---|---:|---:|---|"]
    found += [
        f"| {name} | {each['value']:,} | {images / each['value'] / 3600:,.0f} | {each['from']} |"
        for name, each in kept["forward"].items()
    ]
    packing = images / measured["packing"] / 3600
    rows = images * measured["key_disk_bytes"] / 2**30
    disk = images * measured["tar_bytes"] / 1e9
    once = f"packing takes {packing:.1f} hours of one core (without detection) and {disk:,.0f} GB of disk"
    peak = images * measured["peak_bytes"] / 2**30
    return [
        *found,
        "",
        f"Once, before all that: {once}; the key list is a file of {rows:.1f} GiB.",
        "",
        "Peak memory of a `fit` by one process and one worker, if it grows as it did up to 206,000 photos:",
        f"{peak:.0f} GiB. That is an extrapolation; nothing of this size was run.",
    ]


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="*", default=[1, 4])
    parser.add_argument("--gpus", type=int, nargs="*", default=[1, 8], help="of a node")
    parser.add_argument(
        "--rates", type=float, nargs="*", default=[1000.0, 4000.0], help="images/s of a GPU; the defaults are assumed"
    )
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--page", type=Path, default=ROOT / "docs/scale.md")
    options = parser.parse_args(words)
    kept = read_json(RATES, "list of measured rates")
    found = lines(options.nodes, options.gpus, options.rates, options.images, kept)
    write_below(options.page, MARK, "Scale", found)
    print("\n".join(found))


if __name__ == "__main__":
    main()
