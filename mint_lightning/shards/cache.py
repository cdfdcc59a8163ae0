"""A folder of bounded size for files fetched from elsewhere: those that were not used for longest leave first."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from mint_lightning.errors import UserError

LOCK: Final = "lock"
_PARTIAL: Final = ".partial"


class Cache:
    """Files below `folder` with the ending .tar, in any depth, together at most `most` bytes.

    What is being fetched counts with its whole size from the start. Several processes may use one folder: a file that
    two of them need is fetched once, and one that leaves while another reads it is read to its end.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.most = folder, most

    def fetch(self, path: Path, size: int, get: Callable[[IO[bytes]], None]) -> None:
        """Have a file of `size` bytes at `path`, written by `get` unless it is there.

        Raises:
            UserError: it is larger than the cache may be, or what `get` raises; nothing is left behind then.
        """
        if size > self.most:
            raise UserError(
                f"{path.name} has {size:,} bytes, more than the {self.most:,} that the cache {self.folder} may have: "
                "allow it more."
            )
        while not self.used(path):
            place = path.with_name(f".{path.name}{_PARTIAL}")
            with _locked(place) as partial:
                if partial is None:  # another process had it, and is done
                    continue
                if self.used(path):
                    place.unlink(missing_ok=True)
                    continue
                try:
                    self._make_room(place, size)
                    get(partial)
                    place.rename(path)
                except BaseException:
                    place.unlink(missing_ok=True)
                    raise

    def used(self, path: Path) -> bool:
        """Whether the file is there; it was used just now, then."""
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        return True

    def _make_room(self, place: Path, size: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            there = []
            held = 0
            for file in [*self.folder.rglob("*.tar"), *self.folder.rglob(f".*.tar{_PARTIAL}")]:
                if file == place:
                    continue
                with contextlib.suppress(FileNotFoundError):
                    state = file.stat()
                    if file.suffix == ".tar":
                        there.append((state.st_mtime_ns, file, state.st_size))
                    elif _removed(file):
                        continue
                    held += state.st_size
            for _, file, bytes_ in sorted(there):
                if held + size <= self.most:
                    break
                file.unlink(missing_ok=True)
                held -= bytes_
            os.truncate(place, size)  # what others count while it comes


@contextmanager
def _locked(path: Path) -> Iterator[IO[bytes] | None]:
    """The file at `path`, made where it is missing, for this process alone; None where it went away meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file if _is_at(file, path) else None


def _removed(path: Path) -> bool:
    """Remove a partial file that nobody is fetching any more; whether it was one."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        if _is_at(file, path):  # under the lock, so that who waits for it sees that it went away
            path.unlink()
        return True


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.fstat(file.fileno()).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False
