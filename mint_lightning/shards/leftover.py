"""What a packing that was killed left behind, for the next one to take up."""

import fcntl
import json
import os
import re
import shutil
import tarfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from mint_lightning.shards.listing import Encoded, face_key

MARK: Final = "request"
JOURNAL: Final = "journal"
_OPEN: Final = 64


@contextmanager
def claimed(folder: Path, request_hash: str) -> Iterator[IO[str]]:
    """Mark the folder of a packing under way as of a request, locked for as long as this process lives; gives its
    journal (see `Leftover`), and removes both in the end."""
    with (folder / MARK).open("w") as mark, (folder / JOURNAL).open("w", 1, "utf-8") as journal:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        mark.write(request_hash)
        mark.flush()
        yield journal
    for name in (MARK, JOURNAL):
        (folder / name).unlink()


class Leftover:
    """Images of photos that were brought to their form already, by key.

    A journal has a line for each photo, [key, how the points of each of its faces were known], or [key, reason] of one
    that cannot be used; a photo counts as done where all of its images lie whole in the tars as well.
    """

    def __init__(self, folders: list[Path]) -> None:
        self.folders = folders
        self._done: dict[str, list[str] | str] = {}
        self._tars: list[Path] = []
        self._places: dict[str, int] = {}
        self._tar, self._start, self._size = array("i"), array("q"), array("q")
        self._files: dict[int, int] = {}
        for folder in folders:
            self._read_journal(folder / JOURNAL)
            for path in sorted(folder.glob("*.tar")):
                self._scan(path)

    def __len__(self) -> int:
        return len(self._done)

    def has(self, key: str) -> bool:
        """Whether the photo with that key is done."""
        known = self._done.get(key)
        if known is None or isinstance(known, str):
            return known is not None
        return all(face_key(key, number) in self._places for number in range(len(known)))

    def images(self, key: str) -> Encoded:
        """What packing would make of a photo that is done."""
        known = self._done[key]
        if isinstance(known, str):
            return known
        return [(self._image(self._places[face_key(key, number)]), how) for number, how in enumerate(known)]

    def remove(self) -> None:
        """Remove the folders: another packing has everything."""
        self.close()
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Close all tars."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()

    def _read_journal(self, path: Path) -> None:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    key, what = json.loads(line)
                except ValueError:  # the last one, cut short
                    continue
                self._done[key] = what

    def _scan(self, path: Path) -> None:
        self._tars.append(path)
        whole = path.stat().st_size
        try:
            with tarfile.open(path, mode="r:") as tar:
                for member in tar:
                    key, _, ending = member.name.partition(".")
                    if ending != "json" and member.offset_data + member.size <= whole:
                        self._places[key] = len(self._tar)
                        self._tar.append(len(self._tars) - 1)
                        self._start.append(member.offset_data)
                        self._size.append(member.size)
                    tar.members = []  # type: ignore[attr-defined]  # it would keep every header
        except (tarfile.TarError, EOFError, OSError):
            return  # cut short, as is to be expected: what came before counts

    def _image(self, place: int) -> bytes:
        number = self._tar[place]
        if number not in self._files:
            if len(self._files) == _OPEN:
                os.close(self._files.pop(next(iter(self._files))))
            self._files[number] = os.open(self._tars[number], os.O_RDONLY)
        return os.pread(self._files[number], self._size[place], self._start[place])


def find(out: Path, request_hash: str) -> Leftover:
    """What killed packings of this very request left beside `out`; what others left there is removed.

    A folder whose process lives is left alone.
    """
    mine: list[Path] = []
    own = re.compile(rf"\.{re.escape(out.name)}\.[0-9a-f]+\.partial")  # a.v2 is none of a
    for folder in sorted(out.parent.iterdir() if out.parent.is_dir() else ()):
        mark = folder / MARK
        if not own.fullmatch(folder.name):
            continue
        if not mark.is_file() or not _free(mark):
            continue
        if mark.read_text() == request_hash and (folder / JOURNAL).is_file():
            mine.append(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return Leftover(mine)


def _free(mark: Path) -> bool:
    with mark.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
