"""Commands of the front door as a benchmark runs them: printed, and timed where they make something."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from mint_lightning.cli import main as mint
from mint_lightning.files import read_json, sha256_file, write_json

DATA = Path(os.environ.get("MINT_DATA", ""))
NOTING = Lock()
# One thread; and glibc keeps large blocks, or it would give them back and fault them in again at every step.
ALONE = {"OMP_NUM_THREADS": "1", "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**36)}


@dataclass(frozen=True)
class Door:
    """The commands of one benchmark; `folder` keeps how long each took and what tables printed."""

    folder: Path

    def run(self, command: str, result: Path) -> None:
        """Run a command; its time counts where it made its result anew. Leaves on an error.

        $MINT_DATA in it is the folder of the data.
        """
        print(f"$ mint-lightning {command}", flush=True)
        before, began = mark(result), time.monotonic()
        sys.argv = ["mint-lightning", *shlex.split(command)]  # what a report says it was made by
        if code := mint(words(command)):
            sys.exit(code)
        if mark(result) != before:
            self.record(command, time.monotonic() - began)

    def run_together(self, commands: Sequence[tuple[str, Path]], part: str = "all tables") -> None:
        """Run (command, result) two at a time, each in a process of one thread; leaves on an error, when all ended.

        Heads and networks are small: one thread each uses two cores better than two threads together. `part` is what
        they are called where the time of all is noted.
        """
        began = time.monotonic()
        with ThreadPoolExecutor(2) as pool:
            made = list(pool.map(self._apart, commands))
        if all(seconds is not None for seconds in made):
            self.record(part, time.monotonic() - began)

    def _apart(self, job: tuple[str, Path]) -> float | None:
        command, result = job
        before, began = mark(result), time.monotonic()
        log = self.folder / f"{result.parent.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        asked = [sys.executable, "-m", "mint_lightning", *words(command)]
        with log.open("w", encoding="utf-8") as stream:
            done = subprocess.run(asked, stdout=stream, stderr=stream, env={**os.environ, **ALONE})
        print(f"{time.monotonic() - began:6.0f} s  mint-lightning {command}", flush=True)
        if done.returncode:
            sys.exit(f"It ended with exit code {done.returncode}; see {log}. What is finished is kept.")
        if mark(result) == before:
            return None
        seconds = time.monotonic() - began
        self.record(command, seconds)
        return seconds

    def record(self, part: str, seconds: float) -> None:
        """Note how long a part took when it was made."""
        with NOTING:
            write_json(self._seconds, {**self.taken(), part: seconds})

    def taken(self) -> dict[str, float]:
        """Seconds by part."""
        return dict(read_json(self._seconds, "times")) if self._seconds.is_file() else {}

    @property
    def _seconds(self) -> Path:
        return self.folder / "seconds.json"


def words(command: str) -> list[str]:
    """The words of a command, $MINT_DATA replaced."""
    return [word.replace("$MINT_DATA", str(DATA)) for word in shlex.split(command)]


def mark(path: Path) -> tuple[int, str] | None:
    """By which it is known that a file was made anew."""
    return (path.stat().st_mtime_ns, sha256_file(path)) if path.is_file() else None
