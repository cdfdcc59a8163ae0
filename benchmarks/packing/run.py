"""What packing costs, stage by stage: benchmarks/packing.md.

    make bench-packing

Measures on the processor, one core: the stages alone, packing without detection, detection against the bare network,
peak memory. SCRFD is measured where MINT_DATA has models/det_500m.onnx. What is measured is kept under
mlruns/benchmarks/packing for the same arguments, sources and machine; --fresh measures anew.
"""

import argparse
import os
from pathlib import Path

from benchmarks.common.jobs import ROOT, Bench, Job, machine
from benchmarks.packing import page as packing_page
from benchmarks.packing import parts as packing_parts

MATTERS = ("mint_lightning/shards/**/*.py", "benchmarks/packing/parts.py", "benchmarks/common/*.py")
BENCH = Bench("benchmarks.packing", Path("mlruns/benchmarks/packing"), MATTERS, packing_parts)


def detectors() -> list[str]:
    """Those that are here."""
    scrfd = Path(os.environ.get("MINT_DATA") or "/nowhere") / "models/det_500m.onnx"
    return ["centerface", *([str(scrfd)] if scrfd.is_file() else [])]


def jobs(images: int, photos: int, memory: list[int], repeats: int) -> list[Job]:
    """What is measured: the name of a function of `parts` and its arguments."""
    found: list[Job] = [("stages", {"images": 256, "repeats": repeats})]
    found += [("plain", {"images": images, "repeats": repeats})]
    found += [("detection", {"detector": name, "photos": photos, "repeats": repeats}) for name in detectors()]
    return found + [("memory", {"images": n}) for n in memory]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=4000, help="JPEG files, packed without detection")
    parser.add_argument("--photos", type=int, default=40, help="photos in which faces are looked for")
    parser.add_argument(
        "--memory", type=int, nargs="*", default=[10_000, 100_000, 1_000_000], help="files, peak memory"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--page", type=Path, default=ROOT / "benchmarks/packing.md")
    parser.add_argument("--fresh", action="store_true", help="measure anew what is kept")
    parser.add_argument("--part", help=argparse.SUPPRESS)  # one job as JSON: how the parent gives work to a process
    options = parser.parse_args()
    if options.part:
        BENCH.work(options.part)
        return
    found = jobs(options.images, options.photos, options.memory, options.repeats)
    for results in BENCH.results(found, fresh=options.fresh):
        packing_page.write(options.page, results, machine())
    print(f"{options.page}: written")
