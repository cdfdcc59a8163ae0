"""What the benchmarks on LFW share: where the data is, the two networks, how a command runs and is timed."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mint_lightning.cli import main as mint
from mint_lightning.files import read_json, sha256_file, write_json

DATA = Path(os.environ.get("MINT_DATA", ""))
ARCHIVE = DATA / "lfw/lfw_aligned112_jpeg90.npz"
SHARDS = Path("shards/lfw")
CARDS = {name: Path(f"mlruns/networks/lfw_{name}/card.json") for name in "AB"}
SECONDS = Path("mlruns/benchmarks/lfw/seconds.json")
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
    run(PACK, SHARDS / "manifest.json")
    for name, half in (("A", "H1"), ("B", "H2")):
        run(TRAIN.format(name=name, half=half), CARDS[name])


def run(command: str, result: Path) -> None:
    """Run a command of the front door; its time counts where it made its result anew. Leaves on an error."""
    print(f"$ mint-lightning {command}", flush=True)
    before, began = _mark(result), time.monotonic()
    words = [word.replace("$MINT_DATA", str(DATA)) for word in shlex.split(command)]
    sys.argv = ["mint-lightning", *shlex.split(command)]  # what a report says it was made by
    if code := mint(words):
        sys.exit(code)
    if _mark(result) != before:
        record(command, time.monotonic() - began)


def run_tables(commands: Sequence[tuple[str, Path]]) -> None:
    """Run (command, result) two at a time, each in a process of one thread; leaves on an error, when all have ended.

    Heads are small: one thread each uses two cores better than two threads together.
    """
    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(_run_table, commands))
    for (command, _), seconds in zip(commands, made, strict=True):
        if seconds is not None:
            record(command, seconds)
    if all(seconds is not None for seconds in made):
        record("all tables", time.monotonic() - began)


def _run_table(job: tuple[str, Path]) -> float | None:
    command, result = job
    before, began = _mark(result), time.monotonic()
    log = SECONDS.parent / f"{result.parent.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "mint_lightning", *shlex.split(command)]
    with log.open("w", encoding="utf-8") as stream:
        done = subprocess.run(words, stdout=stream, stderr=stream, env={**os.environ, "OMP_NUM_THREADS": "1"})
    print(f"{time.monotonic() - began:6.0f} s  mint-lightning {command}", flush=True)
    if done.returncode:
        sys.exit(f"It ended with exit code {done.returncode}; see {log}. What is finished is kept.")
    return None if _mark(result) == before else time.monotonic() - began


def record(part: str, seconds: float) -> None:
    """Note how long a part took when it was made."""
    write_json(SECONDS, {**taken(), part: seconds})


def taken() -> dict[str, float]:
    """Seconds by part."""
    return dict(read_json(SECONDS, "times")) if SECONDS.is_file() else {}


def _mark(path: Path) -> tuple[int, str] | None:
    return (path.stat().st_mtime_ns, sha256_file(path)) if path.is_file() else None


def load(path: Path) -> dict[str, Any]:
    """A JSON file."""
    return dict(json.loads(path.read_text(encoding="utf-8")))
