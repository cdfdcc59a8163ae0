"""How much of the bare speed of a network is left when a head is fitted on the stream: benchmarks/stream.md.

    make bench-stream

Measures on the processor, each part in a process of its own: `fit` against the bare forward, a tap at conv1 against
the network cut there, reading and decoding alone, peak memory. What is measured is kept under mlruns/benchmarks/stream
for the same arguments, sources and machine, so a run that was stopped goes on; --fresh measures anew. The page is
written from what is there, the conclusions above its mark by people.
"""

import argparse
from pathlib import Path

from benchmarks.common.jobs import ROOT, Bench, Job, machine
from benchmarks.stream import page as stream_page
from benchmarks.stream import parts as stream_parts

MATTERS = (
    "datamodules/*.py",
    *(f"mint_lightning/{room}/**/*.py" for room in ("shards", "audited", "heads", "learning", "tracking")),
    "mint_lightning/commands/lightning.py",
    "benchmarks/stream/parts.py",
    "benchmarks/stream/clock.py",
    "benchmarks/common/*.py",
)
BENCH = Bench("benchmarks.stream", Path("mlruns/benchmarks/stream"), MATTERS, stream_parts)
SMALL = {"architecture": "iresnet_small"}
QUICK = {"architecture": "iresnet_small", "arguments": {"stem_stride": 4}}


def jobs(small: list[int], iresnet18: list[int], cut: list[int], memory: list[int], repeats: int) -> list[Job]:
    """What is measured, cheapest first: the name of a function of `parts` and its arguments."""
    found: list[Job] = [("decoding", {"images": n, "repeats": repeats}) for n in small]
    found += [("fit_against_bare", {"network": SMALL, "images": n, "repeats": repeats}) for n in small]
    found += [("memory", {"network": QUICK, "images": n}) for n in memory]
    found += [
        ("cut", {"network": {"architecture": "iresnet100"}, "images": n, "repeats": repeats, "batch": 32}) for n in cut
    ]
    deep = {"architecture": "iresnet18"}
    return found + [("fit_against_bare", {"network": deep, "images": n, "repeats": repeats}) for n in iresnet18]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, nargs="*", default=[512, 1024, 2048], help="fit images, iresnet_small")
    parser.add_argument("--iresnet18", type=int, nargs="*", default=[128, 256], help="fit images, iresnet18")
    parser.add_argument("--cut", type=int, nargs="*", default=[32, 64], help="images, iresnet100")
    parser.add_argument("--memory", type=int, nargs="*", default=[10_000, 100_000], help="fit images, peak memory")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--page", type=Path, default=ROOT / "benchmarks/stream.md")
    parser.add_argument("--fresh", action="store_true", help="measure anew what is kept")
    parser.add_argument("--part", help=argparse.SUPPRESS)  # one job as JSON: how the parent gives work to a process
    options = parser.parse_args()
    if options.part:
        BENCH.work(options.part)
        return
    found = jobs(options.small, options.iresnet18, options.cut, options.memory, options.repeats)
    for results in BENCH.results(found, fresh=options.fresh):
        stream_page.write(options.page, results, machine())
    print(f"{options.page}: written")


if __name__ == "__main__":
    main()
