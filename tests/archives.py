"""Archives of files given as name -> content, made by code."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tests.images import encoded, face


def people(identities: int = 20, photos: int = 2, folder: str = "", size: int = 16) -> dict[str, bytes]:
    """name -> image of some people, each in a folder of their own below `folder`."""
    return {
        f"{folder}person_{who:02d}/{photo}.png": encoded(face(who, photo, size))
        for who in range(identities)
        for photo in range(photos)
    }


def write_zip(path: Path, files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tar_bytes(files: Mapping[str, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def write_tar(path: Path, files: Mapping[str, bytes], format: int = tarfile.PAX_FORMAT) -> Path:
    """A .tar, or by its ending a .tar.gz."""
    data = tar_bytes(files, format)
    path.write_bytes(gzip.compress(data, 1) if path.name.endswith("gz") else data)
    return path
