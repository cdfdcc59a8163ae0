"""How much of the bare speed of a network is left when a head is fitted on the stream: benchmarks/stream.md.

    make bench-stream

Measures on the processor, each part in a process of its own: `fit` against the bare forward, a tap at conv1 against
the network cut there, reading and decoding alone, peak memory. What is measured is kept under mlruns/benchmarks/stream
for the same arguments, sources and machine, so a run that was stopped goes on; --fresh measures anew. The page is
written from what is there, the conclusions above its mark by people.
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from benchmarks.stream import page as stream_page
from benchmarks.stream import parts as stream_parts
from mint_lightning.files import read_json, sha256_json, write_json

ROOT = Path(__file__).absolute().parents[2]
FOLDER = Path("mlruns/benchmarks/stream")
MATTERS = (
    "datamodules/*.py",
    *(f"mint_lightning/{room}/**/*.py" for room in ("shards", "audited", "heads", "learning", "tracking")),
    "mint_lightning/commands/lightning.py",
    "benchmarks/stream/parts.py",
    "benchmarks/stream/clock.py",
)
SMALL = {"architecture": "iresnet_small"}
QUICK = {"architecture": "iresnet_small", "arguments": {"stem_stride": 4}}
Job = tuple[str, dict[str, Any]]


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


def machine() -> dict[str, Any]:
    """What the figures depend on beside the sources."""
    return {
        "processor": processor_name(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def processor_name() -> str:
    """As /proc/cpuinfo calls it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def sources(root: Path = ROOT) -> str:
    """One hash of the files whose change makes a kept figure worthless."""
    files = sorted({path for pattern in MATTERS for path in root.glob(pattern)})
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def key(name: str, arguments: Mapping[str, Any], code: str, where: Mapping[str, Any]) -> str:
    """The name under which a result is kept: the same only for the same work on the same code and machine."""
    return f"{name}_{sha256_json([name, dict(arguments), code, dict(where)])[:16]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, nargs="*", default=[512, 1024, 2048], help="fit images, iresnet_small")
    parser.add_argument("--iresnet18", type=int, nargs="*", default=[128, 256, 512], help="fit images, iresnet18")
    parser.add_argument("--cut", type=int, nargs="*", default=[32, 64], help="images, iresnet100")
    parser.add_argument("--memory", type=int, nargs="*", default=[10_000, 100_000], help="fit images, peak memory")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--page", type=Path, default=ROOT / "benchmarks/stream.md")
    parser.add_argument("--fresh", action="store_true", help="measure anew what is kept")
    parser.add_argument("--part", help=argparse.SUPPRESS)  # one job as JSON: how the parent gives work to a process
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    if options.part:
        name, arguments, out = json.loads(options.part)
        os.chdir(FOLDER)
        write_json(Path(out), getattr(stream_parts, name)(**arguments))
        return
    code, where, results = sources(), machine(), []
    for name, arguments in jobs(options.small, options.iresnet18, options.cut, options.memory, options.repeats):
        path = (FOLDER / f"{key(name, arguments, code, where)}.json").absolute()
        if options.fresh or not path.is_file():
            print(f"{name} {json.dumps(arguments)}", flush=True)
            part = json.dumps([name, arguments, str(path)])
            if subprocess.run([sys.executable, "-m", "benchmarks.stream", "--part", part], cwd=Path.cwd()).returncode:
                sys.exit(f"{name} failed; what was measured before it is kept.")
        results.append((name, arguments, read_json(path, "kept result")))
        stream_page.write(options.page, results, where)
    print(f"{options.page}: written")


if __name__ == "__main__":
    main()
