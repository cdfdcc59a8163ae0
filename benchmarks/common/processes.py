"""Peak memory of the program in a process of its own, its workers included."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common.jobs import ROOT

KINDS = ("Pss", "Rss", "Pss_Anon")


def peaks(command: Sequence[str]) -> dict[str, int]:
    """KiB at most of `python -m mint_lightning COMMAND` by kind, summed over its processes."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "mint_lightning", *command], env=environment, stdout=subprocess.DEVNULL
    )
    most = dict.fromkeys(KINDS, 0)
    while process.poll() is None:
        here = [usage(number) for number in family(process.pid)]
        for name in most:
            most[name] = max(most[name], sum(one.get(name, 0) for one in here))
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed.")
    return most


def family(number: int) -> set[int]:
    """A process and all its descendants."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            # the name, in brackets, may hold anything
            parents[int(path.parent.name)] = int(path.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    found, more = {number}, {number}
    while more := {child for child, parent in parents.items() if parent in more} - found:
        found |= more
    return found


def usage(number: int) -> dict[str, int]:
    """KiB of a process by kind: Rss counts shared pages in each process, Pss shares them out, Pss_Anon is the part of
    Pss that no file backs."""
    try:
        lines = Path(f"/proc/{number}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return {}
    return {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
