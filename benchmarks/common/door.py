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

from mint_lightning.cli import main as mint
from mint_lightning.files import read_json, sha256_file, write_json

DATA = Path(os.environ.get("MINT_DATA", ""))


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

    def run_together(self, commands: Sequence[tuple[str, Path]]) -> None:
        """Run (command, result) two at a time, each in a process of one thread; leaves on an error, when all ended.

        Heads are small: one thread each uses two cores better than two threads together.
        """
        began = time.monotonic()
        with ThreadPoolExecutor(2) as pool:
            made = list(pool.map(self._apart, commands))
        for (command, _), seconds in zip(commands, made, strict=True):
            if seconds is not None:
                self.record(command, seconds)
        if all(seconds is not None for seconds in made):
            self.record("all tables", time.monotonic() - began)

    def _apart(self, job: tuple[str, Path]) -> float | None:
        command, result = job
        before, began = mark(result), time.monotonic()
        log = self.folder / f"{result.parent.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        asked = [sys.executable, "-m", "mint_lightning", *words(command)]
        with log.open("w", encoding="utf-8") as stream:
            done = subprocess.run(asked, stdout=stream, stderr=stream, env={**os.environ, "OMP_NUM_THREADS": "1"})
        print(f"{time.monotonic() - began:6.0f} s  mint-lightning {command}", flush=True)
        if done.returncode:
            sys.exit(f"It ended with exit code {done.returncode}; see {log}. What is finished is kept.")
        return None if mark(result) == before else time.monotonic() - began

    def record(self, part: str, seconds: float) -> None:
        """Note how long a part took when it was made."""
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
