"""Reading at any place of a .gz file, without unpacking it to disk or holding it in memory."""

import os
import zlib
from bisect import bisect_right
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

_STEP: Final = 2**20
_STATES: Final = 1_000  # of about 40 kB
_CHUNK: Final = 2**16
_GZIP: Final = 31  # zlib's number for a gzip header and its checksum


class Gzipped:
    """What a .gz file holds, as a stream that can be read and sought.

    Going forward it keeps the decompressor's state every MiB, at most a thousand of them; going back it starts at
    the nearest. Several members, one after the other, are one stream, as gunzip has it.

    Raises:
        zlib.error: on reading, where it is damaged. EOFError: where it is cut short.
    """

    def __init__(self, path: Path | str) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115  # kept for as long as this is
        self._at = 0
        self._zip: Any = zlib.decompressobj(_GZIP)
        self._step = _STEP
        self._places = [0]
        self._states: list[tuple[Any, int]] = [(self._zip.copy(), 0)]
        self._input = 0

    def seek(self, at: int) -> int:
        """Go to byte `at` of what it holds; beyond its end only to the end."""
        nearest = bisect_right(self._places, at) - 1
        if at < self._at or self._places[nearest] > self._at:
            state, self._input = self._states[nearest]
            self._zip, self._at = state.copy(), self._places[nearest]
        while self._at < at and self._next(at - self._at):
            pass
        return self._at

    def tell(self) -> int:
        """Where it is."""
        return self._at

    def read(self, size: int) -> bytes:
        """`size` bytes from here on, fewer at the end."""
        found: list[bytes] = []
        while size > 0 and (data := self._next(size)):
            found.append(data)
            size -= len(data)
        return b"".join(found)

    def _next(self, most: int) -> bytes:
        """At least one and at most `most` bytes more; none at the end."""
        while True:
            # Not by the file's own place, which forked processes share.
            data = os.pread(self._file.fileno(), _CHUNK, self._input)
            if self._zip.eof:
                if not data.strip(b"\0"):  # padding, as tape has it
                    return b""
                self._zip = zlib.decompressobj(_GZIP)
            found: bytes = self._zip.decompress(data, min(most, _CHUNK))
            # At the end of a member both hold the same bytes.
            self._input += len(data) - len(self._zip.unused_data if self._zip.eof else self._zip.unconsumed_tail)
            if found:
                self._at += len(found)
                self._keep()
                return found
            if not data and not self._zip.eof:
                raise EOFError("it is cut short")

    def _keep(self) -> None:
        if self._at < self._places[-1] + self._step or self._zip.eof:
            return
        self._places.append(self._at)
        self._states.append((self._zip.copy(), self._input))
        if len(self._places) > _STATES:
            self._step *= 2
            del self._places[1::2], self._states[1::2]


def opened(path: str) -> Gzipped:
    """The stream of a file, kept in this process from one photo to the next."""
    return _opened(path, Path(path).stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _opened(path: str, changed: int) -> Gzipped:
    return Gzipped(path)
