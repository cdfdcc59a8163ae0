"""Files of a .zip, read where they lie: nothing is unpacked to disk, and nothing larger than a photo to memory."""

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mint_lightning.errors import UserError
from mint_lightning.shards.image import MAX_BYTES, BrokenImage
from mint_lightning.shards.sources.names import inside
from mint_lightning.shards.sources.pieces import Broken

_ENCRYPTED: Final = 1
_END: Final = b"PK\5\6"
_LOCAL: Final = 30


def zip_files(path: Path) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    """(name, size, reader) of each file of an archive; what cannot be read is given as broken, folders are not.

    Raises:
        UserError: it is no .zip, or is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            listed = archive.infolist()
        if _count(path) not in (len(listed) & 0xFFFF, 0xFFFF):
            raise zipfile.BadZipFile("its directory has another number of files than it says")
    # What hostile bytes make zipfile raise beside its own error.
    except (
        zipfile.BadZipFile,
        OSError,
        ValueError,
        NotImplementedError,
        struct.error,
        OverflowError,
        EOFError,
    ) as error:
        raise UserError(f"{path} is not a whole .zip ({str(error).strip().rstrip('.')}): copy it again.") from error
    for info in listed:
        name, why = inside(info.filename)
        if info.is_dir():
            continue
        if why is None and info.flag_bits & _ENCRYPTED:
            why = "it is encrypted"
        if why is None and info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            why = f"it is compressed by method {info.compress_type}; stored and deflated files are read"
        place = (info.header_offset, info.compress_size, info.file_size, info.CRC)
        deflated = info.compress_type == zipfile.ZIP_DEFLATED
        yield name, info.file_size, Broken(why) if why else ReadZipped(str(path), *place, deflated)


@dataclass(frozen=True, slots=True)
class ReadZipped:
    """Reads one file of an archive: its header's place, its sizes packed and unpacked, its checksum."""

    path: str
    header: int
    packed: int
    size: int
    checksum: int
    deflated: bool

    def __call__(self, most: int = MAX_BYTES) -> bytes:
        """The file's bytes. Raises `BrokenImage` where they are more than `most`, before reading, or damaged."""
        if max(self.size, self.packed) > most:
            raise BrokenImage(f"larger than {most // 2**20} MiB")
        with open(self.path, "rb") as stream:
            stream.seek(self.header)
            head = stream.read(_LOCAL)
            if len(head) < _LOCAL or head[:4] != b"PK\3\4":
                raise BrokenImage("its header in the archive is damaged")
            # The lengths of name and extra field in the local header differ from those in the directory.
            stream.seek(sum(struct.unpack("<HH", head[26:])), 1)
            data = stream.read(self.packed)
        if self.deflated:
            try:
                data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, self.size + 1)
            except zlib.error as error:
                raise BrokenImage("its data in the archive are damaged") from error
        if len(data) != self.size or zlib.crc32(data) != self.checksum:
            raise BrokenImage("its data in the archive are damaged")
        return data


def _count(path: Path) -> int:
    """Number of files, as the end of the archive says, modulo 65,536; 65,535 stands for "more" as well."""
    with path.open("rb") as stream:
        end = stream.seek(0, 2)
        stream.seek(max(0, end - 22 - 0xFFFF))
        tail = stream.read()
    place = tail.rfind(_END)
    return int.from_bytes(tail[place + 10 : place + 12], "little") if place >= 0 else -1
