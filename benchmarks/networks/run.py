"""What it costs to read a network at each tap, what bfloat16 changes, what a warm start brings: benchmarks/networks.md.

    make bench-networks

Every network that is known by name is read at each of its taps, beside its bare forward, on the processor. Small
networks are trained on drawn faces for the rest. What is measured is kept under mlruns/benchmarks/networks for the same
arguments, sources and machine, so a run that was stopped goes on; --fresh measures anew.
"""

import argparse
from pathlib import Path

from benchmarks.common.jobs import ROOT, Bench, Job, machine
from benchmarks.networks import page as networks_page
from benchmarks.networks import parts as networks_parts
from mint_lightning.audited.registry import OWN

MATTERS = (
    "datamodules/*.py",
    *(f"mint_lightning/{room}/**/*.py" for room in ("audited", "heads", "learning")),
    "benchmarks/networks/learnt.py",
    "benchmarks/networks/speed.py",
)
BENCH = Bench("benchmarks.networks", Path("mlruns/benchmarks/networks"), MATTERS, networks_parts)
TIMM = ("timm:resnet18", "timm:vit_tiny_patch16_224")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="*", default=[*OWN, *TIMM])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--people", type=int, default=400, help="drawn, half of them trained on")
    parser.add_argument("--epochs", type=int, default=20, help="of the small networks")
    parser.add_argument("--seeds", type=int, default=3, help="of the heads")
    parser.add_argument("--tap", default="outcome", help="of the heads that start warm")
    parser.add_argument("--page", type=Path, default=ROOT / "benchmarks/networks.md")
    parser.add_argument("--fresh", action="store_true", help="measure anew what is kept")
    parser.add_argument("--part", help=argparse.SUPPRESS)  # one job as JSON: how the parent gives work to a process
    options = parser.parse_args()
    if options.part:
        BENCH.work(options.part)
        return
    learnt = {"people": options.people, "epochs": options.epochs, "seeds": options.seeds}
    speed = {"batch": options.batch, "turns": options.turns}
    jobs: list[Job] = [("tap_speed", {"name": name, **speed}) for name in options.networks]
    jobs += [("formats", learnt), ("warm", {**learnt, "tap": options.tap})]
    for results in BENCH.results(jobs, fresh=options.fresh):
        networks_page.write(options.page, results, machine())
    print(f"{options.page}: written")
