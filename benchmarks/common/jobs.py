"""A benchmark as a list of jobs, each in a process of its own; what was measured is kept, so a stopped run goes on."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch

from mint_lightning.files import read_json, sha256_json, write_json

ROOT = Path(__file__).absolute().parents[2]
T = TypeVar("T")
Job = tuple[str, dict[str, Any]]
Result = tuple[str, Mapping[str, Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Bench:
    """One benchmark.

    Args:
        package: it is run by `python -m PACKAGE`, which with `--part JSON` does one job.
        folder: where it works and keeps its results.
        matters: patterns of the files whose change makes a kept result worthless.
        parts: what has a function for each name of a job; it gives plain numbers as JSON keeps them.
    """

    package: str
    folder: Path
    matters: tuple[str, ...]
    parts: Any

    def sources(self, root: Path = ROOT) -> str:
        """One hash of the files that matter."""
        digest = hashlib.sha256()
        for path in sorted({path for pattern in self.matters for path in root.glob(pattern)}):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()

    def work(self, part: str) -> None:
        """One job in this process: [name, arguments, file of the result] as JSON."""
        name, arguments, out = json.loads(part)
        self.folder.mkdir(parents=True, exist_ok=True)
        os.chdir(self.folder)
        write_json(Path(out), getattr(self.parts, name)(**arguments))

    def here(self, make: Callable[[], T]) -> T:
        """What `make` gives in the folder, in this process: what all jobs need."""
        self.folder.mkdir(parents=True, exist_ok=True)
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            return make()
        finally:
            os.chdir(before)

    def results(self, jobs: Sequence[Job], *, fresh: bool) -> Iterator[list[Result]]:
        """After each job, all results so far."""
        self.folder.mkdir(parents=True, exist_ok=True)
        code, where = self.sources(), machine()
        found: list[Result] = []
        for name, arguments in jobs:
            path = (self.folder / f"{key(name, arguments, code, where)}.json").absolute()
            if fresh or not path.is_file():
                print(f"{name} {json.dumps(arguments)}", flush=True)
                part = json.dumps([name, arguments, str(path)])
                if subprocess.run([sys.executable, "-m", self.package, "--part", part]).returncode:
                    sys.exit(f"{name} failed; what was measured before it is kept.")
            found.append((name, arguments, read_json(path, "kept result")))
            yield found


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


def key(name: str, arguments: Mapping[str, Any], code: str, where: Mapping[str, Any]) -> str:
    """The name under which a result is kept: the same only for the same work on the same code and machine."""
    return f"{name}_{sha256_json([name, dict(arguments), code, dict(where)])[:16]}"
