"""Peak memory of the program in a process of its own, its workers included."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.common.jobs import ROOT

KINDS = ("Pss", "Rss", "Pss_Anon")
ONCE = "Once"
MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ ")


def peaks(command: Sequence[str]) -> dict[str, int]:
    """KiB at most of `python -m mint_lightning COMMAND` by kind, over its processes.

    Rss, Pss and Pss_Anon are summed. ONCE counts each page of the family once and whole: what no file backs (Pss_Anon,
    Pss_Shmem), and of each file the most that one of them has of it. Pss divides the pages of torch's libraries by all
    who have them, the measuring process too, so it changes with others.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "mint_lightning", *command], env=environment, stdout=subprocess.DEVNULL
    )
    most = dict.fromkeys((*KINDS, ONCE), 0)
    while process.poll() is None:
        numbers = family(process.pid)
        here = [usage(number) for number in numbers]
        for name in KINDS:
            most[name] = max(most[name], sum(one.get(name, 0) for one in here))
        # Its parts take a moment to read, in which one may end and another load a library: what is there on both sides.
        mapped = sum(files(numbers).values())
        most[ONCE] = max(most[ONCE], mapped + min(own_pages(here), own_pages([usage(number) for number in numbers])))
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


def own_pages(usages: Iterable[Mapping[str, int]]) -> int:
    """KiB of pages that no file backs, of several processes."""
    return sum(one.get("Pss_Anon", 0) + one.get("Pss_Shmem", 0) for one in usages)


def files(numbers: Iterable[int]) -> dict[str, int]:
    """KiB of each file that processes have mapped: the most that one of them has of it in memory."""
    most: dict[str, int] = {}
    for number in numbers:
        own: dict[str, int] = {}
        for path, kib in _mapped(number):
            own[path] = own.get(path, 0) + kib
        for path, kib in own.items():
            most[path] = max(most.get(path, 0), kib)
    return most


def _mapped(number: int) -> Iterator[tuple[str, int]]:
    """(file, KiB in memory that the file backs) of each mapping of a process."""
    try:
        lines = Path(f"/proc/{number}/smaps").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    path, values = "", {"Rss": 0, "Anonymous": 0}
    for line in [*lines, "0-0 end"]:
        if MAPPING.match(line):
            if path.startswith("/") and not path.startswith(("/dev/shm/", "/memfd:", "/dev/zero", "/SYSV")):
                yield path, values["Rss"] - values["Anonymous"]
            path, values = (
                line.split(maxsplit=5)[5] if line.count(" ") > 4 and "/" in line else "",
                dict.fromkeys(values, 0),
            )
            continue
        name, _, rest = line.partition(":")
        if name in values:
            values[name] = int(rest.split()[0])
