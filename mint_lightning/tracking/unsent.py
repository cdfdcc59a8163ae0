"""What could not be logged, on disk: for each run a folder with its calls as JSON lines, and their files."""

import fcntl
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from mint_lightning.errors import UserError
from mint_lightning.files import atomic_path, checked_name, read_json

PLACE = Path("mlruns") / "unsent"
CALLS, SENT, FILES = "calls.jsonl", "sent.json", "files"
LOCAL = "unsent-"  # begins the ids of runs that no store has yet; a store's own tag says later which one it became
TAG = "mint.unsent"
SCHEMA_VERSION = 1
SECRET = re.compile("pass|secret|token|key", re.IGNORECASE)


class Unsent:
    """Calls of one run, in order. A line is whole or absent, whenever the process ends or the disk is full.

    Whoever trains and whoever sends may work on it at the same time: each call is written under a lock, and what was
    sent is removed under the same lock, and only if nothing came meanwhile.
    """

    def __init__(self, root: Path, run: str, header: Mapping[str, Any] | None = None) -> None:
        self.run = checked_name(run, "The run id")
        self.folder = root / PLACE / self.run
        self._header = dict(header or {})

    @property
    def exists(self) -> bool:
        """Whether anything waits to be sent."""
        path = self.folder / CALLS
        return path.is_file() and path.stat().st_size > 0

    def append(self, call: str | None = None, source: Path | None = None, **arguments: Any) -> None:
        """Write one call behind the others, and a copy of the file or folder it is about; without a call only that
        there is a run.

        Raises:
            OSError: it cannot be written; what was written before stands, and no half of the call.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked() as file:
            size = _whole(file)
            lines = [] if size else [{"schema_version": SCHEMA_VERSION, **self._header}]
            kept: Path | None = None
            try:
                if source is not None:
                    kept = self.folder / FILES / secrets.token_hex(6)
                    arguments["file"] = _copied(source, kept).relative_to(self.folder).as_posix()
                lines += [{"call": call, "time": int(time.time() * 1000), **arguments}] if call else []
                data = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
                while data:
                    data = data[os.write(file, data) :]
            except BaseException:
                os.ftruncate(file, size)
                if kept is not None:
                    shutil.rmtree(kept, ignore_errors=True)
                raise

    @property
    def header(self) -> dict[str, Any]:
        """What is known of the run: store, experiment, run_name, tags, start_time."""
        return self._lines()[0]

    def calls(self, skip: int = 0) -> list[dict[str, Any]]:
        """Its calls but the first `skip`."""
        return self._lines()[1 + skip :]

    @property
    def mark(self) -> dict[str, Any]:
        """How far it was sent: to which store; run, its id there; lines, how many calls; last, see `sending`."""
        path = self.folder / SENT
        return dict(read_json(path, "note of what was sent")) if path.is_file() else {}

    def set_mark(self, mark: Mapping[str, Any]) -> None:
        """Keep it."""
        with atomic_path(self.folder / SENT, durable=False) as temporary:
            temporary.write_text(json.dumps(dict(mark)) + "\n", encoding="utf-8")

    def remove(self, lines: int) -> bool:
        """Remove it if it still has so many calls; whether it is gone."""
        with self._locked():
            if len(self.calls()) != lines:
                return False
            gone = self.folder.with_name(f".{self.run}.{secrets.token_hex(4)}.sent")
            self.folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        return True

    def _lines(self) -> list[dict[str, Any]]:
        path = self.folder / CALLS
        try:
            text = path.read_text(encoding="utf-8")
            lines = [json.loads(line) for line in text[: text.rfind("\n") + 1].split("\n")[:-1]]
            if lines and lines[0].get("schema_version") != SCHEMA_VERSION:
                raise UserError(f"{path} was written by another version of mint-lightning, which has to send it.")
        except (ValueError, AttributeError) as error:
            raise UserError(f"{path} is damaged ({error}).") from error
        if not lines:
            raise UserError(f"{path} is empty.")
        return lines

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The file of the calls, alone: opened again where somebody removed it before the lock was ours."""
        while True:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = os.open(self.folder / CALLS, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            try:
                with suppress(OSError):  # a file system without locks: it has one user at a time, we hope
                    fcntl.flock(file, fcntl.LOCK_EX)
                if os.path.exists(self.folder / CALLS) and os.path.samestat(
                    os.fstat(file), os.stat(self.folder / CALLS)
                ):
                    yield file
                    return
            finally:
                os.close(file)


def waiting(root: Path) -> list[Unsent]:
    """All runs that wait to be sent, the oldest first."""
    folders = (root / PLACE).iterdir() if (root / PLACE).is_dir() else ()
    found = [Unsent(root, each.name) for each in folders if not each.name.startswith(".")]
    return sorted((each for each in found if each.exists), key=_began)


def _began(unsent: Unsent) -> int:
    try:
        return int(unsent.header["start_time"])
    except UserError:  # damaged: said when it is to be sent
        return 0


def without_secrets(uri: str, root: Path) -> str:
    """A store's address as it may stand in a file: without password; a local database relative to the root."""
    if uri.startswith("sqlite:"):
        return uri.replace(f"{root.resolve().as_posix()}/", "", 1)
    parts = urlsplit(uri)
    user, at, host = parts.netloc.rpartition("@")
    query = [(key, value) for key, value in parse_qsl(parts.query) if not SECRET.search(key)]
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}", query=urlencode(query)))


def _whole(file: int) -> int:
    """Size of the file after cutting off a last line that was not finished."""
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        size = os.pread(file, size, 0).rfind(b"\n") + 1
        os.ftruncate(file, size)
    return size


def _copied(source: Path, folder: Path) -> Path:
    folder.mkdir(parents=True)
    if source.is_dir():
        return Path(shutil.copytree(source, folder / "files"))
    return Path(shutil.copy2(source, folder / source.name))
