"""Files of a .tar or .tar.gz, read where they lie: nothing is unpacked to disk, no link and no ".." is followed."""

import contextlib
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from mint_lightning.errors import UserError
from mint_lightning.shards.image import MAX_BYTES, BrokenImage
from mint_lightning.shards.sources.gzipped import opened
from mint_lightning.shards.sources.names import inside
from mint_lightning.shards.sources.pieces import Broken, ReadPiece

_BLOCK: Final = 512
_PIECE: Final = 2**20
# What hostile bytes make tarfile raise beside its own errors.
_FAULTS = (tarfile.TarError, zlib.error, ValueError, OverflowError, EOFError, RecursionError, KeyError, MemoryError)


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...
    def seek(self, at: int, /) -> Any: ...
    def tell(self) -> int: ...


def tar_files(path: Path) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    """(name, size, reader) of each file of an archive; what is no plain file is given as broken, folders are not.

    Raises:
        UserError: it is no tar, is damaged or cut short, or has more behind its end.
    """
    packed = path.name.lower().endswith("gz")
    before = 0
    with contextlib.ExitStack() as stack:
        stream = _Bounded(opened(str(path)) if packed else stack.enter_context(path.open("rb")))
        try:
            stream.seek(0)  # one that is kept from before stands where it was read last
            with tarfile.open(fileobj=stream, mode="r:", errors="surrogateescape") as tar:  # type: ignore[call-overload]
                for member in tar:
                    tar.members = []  # it would keep every header
                    if tar.offset <= before:  # a negative size: it would go round for ever
                        raise tarfile.ReadError("a file of a negative size")
                    before = tar.offset
                    if not member.isdir():
                        yield _file(path, member, packed)
                _check_end(stream, tar.offset)
        except _FAULTS as error:
            why = str(error).strip().rstrip(".") or type(error).__name__
            raise UserError(f"{path} is not a whole tar ({why}, near byte {before:,}): copy it again.") from error


@dataclass(frozen=True, slots=True)
class ReadPacked:
    """Reads `size` bytes from `start` on of what a .gz holds."""

    path: str
    start: int
    size: int

    def __call__(self, most: int = MAX_BYTES) -> bytes:
        """The bytes. Raises `BrokenImage` where they are more than `most`, before reading, or damaged."""
        if self.size > most:
            raise BrokenImage(f"larger than {most // 2**20} MiB")
        try:
            stream = opened(self.path)
            stream.seek(self.start)
            return stream.read(self.size)
        except (zlib.error, EOFError) as error:
            raise BrokenImage(f"its archive is damaged ({error})") from error


def _file(path: Path, member: tarfile.TarInfo, packed: bool) -> tuple[str, int, Callable[[], bytes]]:
    name, why = inside(member.name)
    if why is None and (member.issym() or member.islnk()):
        why = "it is a link, which is not followed"
    elif why is None and (not member.isreg() or member.issparse()):
        why = "it is no plain file"
    if why is not None:
        return name, 0, Broken(why)
    read = ReadPacked if packed else ReadPiece
    return name, member.size, read(str(path), member.offset_data, member.size)


def _check_end(stream: _Stream, at: int) -> None:
    """A tar ends with blocks of zeros: where there are none, or more than zeros, files would be lost unseen."""
    stream.seek(at)
    data = stream.read(_PIECE)
    if len(data) < _BLOCK:
        raise tarfile.ReadError("it ends without the mark of its end")
    while data:
        if data.count(0) < len(data):
            raise tarfile.ReadError("there is more behind what seems to be its end")
        data = stream.read(_PIECE)


class _Bounded:
    """A stream that never takes memory for more than a header could need, whatever the header says."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int) -> bytes:
        if size < 0:
            raise tarfile.ReadError("a header of a negative size")
        return self._stream.read(min(size, _PIECE))
