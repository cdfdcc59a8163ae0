"""Files from and to any address that fsspec knows: in pieces, hashed on their way, tried again when they break off."""

import hashlib
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from mint_lightning.errors import UserError

TRIES: Final = 6
WAIT: Final = 0.5
"""Seconds before the second try; twice as many before each further one."""

_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/].*")
_READ_ONLY: Final = ("http", "https")
_SILENCE: Final = 60.0  # seconds without a byte after which a connection counts as broken
_PIECE: Final = 2**20
Result = TypeVar("Result")


class _Unlike(Exception):
    """What arrived is not what was expected."""


def is_address(text: str | Path) -> bool:
    """Whether a text is an address such as s3://bucket/set or https://host/set, and no path."""
    return _ADDRESS.fullmatch(str(text)) is not None


def download(address: str, file: IO[bytes], *, size: int | None = None, sha256: str | None = None) -> None:
    """Write what is at `address` to a file, from its start; at most `size` bytes, when that is known.

    Raises:
        UserError: there is nothing, it cannot be reached after six tries over 15 seconds, or it is of another size or
            hash than it should be, twice.
    """
    unlike = 0

    def once() -> None:
        nonlocal unlike
        file.seek(0)
        digest, read = hashlib.sha256(), 0
        with _opened(address) as stream:
            while piece := stream.read(_PIECE):
                digest.update(piece)
                read += len(piece)
                if size is not None and read > size:
                    break
                file.write(piece)
        if size is not None and read < size:
            raise OSError(f"the connection was cut after {read:,} of {size:,} bytes")
        if (size is not None and read > size) or (sha256 is not None and digest.hexdigest() != sha256):
            unlike += 1
            raise _Unlike
        file.truncate()
        file.flush()

    try:
        _tried(once, address, until=lambda: unlike == 2)
    except _Unlike as error:
        raise UserError(
            f"{address} is not the file that its manifest names: its {'hash' if sha256 else 'size'} differs. It was "
            "damaged or replaced: copy the shard set to that place again."
        ) from error


def upload(folder: Path, address: str, last: str) -> None:
    """Copy all files of a folder to an address, the file named `last` in the end.

    Raises:
        UserError: nothing can be written there.
    """
    refuse_read_only(address)
    system, path = _system(address)
    if exists(joined_address(address, last)):  # of what stood there, whose other files are replaced now
        system.rm_file(f"{path}/{last}")
    for file in sorted(folder.iterdir(), key=lambda file: (file.name == last, file.name)):
        _tried(lambda file=file: system.put_file(str(file), f"{path}/{file.name}"), f"{address}/{file.name}")  # type: ignore[misc]


def exists(address: str) -> bool:
    """Whether there is a file at an address."""
    system, path = _system(address)
    return bool(_tried(lambda: system.isfile(path), address))


def refuse_read_only(address: str) -> None:
    """Raise `UserError` where nothing can be written to the address."""
    if address.partition("://")[0] in _READ_ONLY:
        raise UserError(f"Nothing can be written to {address}: write to a folder, or to s3:// or gs://.")


def _opened(address: str) -> Any:
    system, path = _system(address)
    # In one request, as it comes, for tars are read whole; a size that is given saves one for it, whose every failure
    # would be said to be a missing file.
    return system.open(path, "rb", **({"block_size": 0, "size": 1} if address.startswith("http") else {}))


def _system(address: str) -> tuple[Any, str]:
    import fsspec  # type: ignore[import-untyped]

    options: dict[str, Any] = {}
    if "::" in address:
        raise UserError(f"{address} chains addresses: give one alone.")
    if address.startswith("http"):
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_SILENCE, sock_read=_SILENCE)
        options = {"client_kwargs": {"timeout": timeout}}
    try:
        system, path = fsspec.url_to_fs(address, **options)
    except (ImportError, ValueError) as error:
        raise UserError(f"{address} cannot be opened ({str(error).rstrip('.')}).") from error
    return system, str(path)


def _tried(do: Callable[[], Result], address: str, until: Callable[[], bool] = lambda: False) -> Result:
    """What `do` gives, tried again for a while where it fails."""
    for attempt in range(TRIES):
        try:
            return do()
        except UserError:
            raise
        except FileNotFoundError as error:
            raise UserError(
                f"There is nothing at {address}: check the address, or copy the whole set there."
            ) from error
        except PermissionError as error:
            raise UserError(f"{address} may not be read: log in, or ask for the right to.") from error
        except Exception as error:  # each system has errors of its own
            status = getattr(error, "status", None)
            if status in (401, 403):
                raise UserError(f"{address} may not be read (HTTP {status}).") from error
            if until():
                raise
            if attempt + 1 == TRIES and not isinstance(error, _Unlike):
                why = " ".join(str(error).split()).rstrip(".") or type(error).__name__
                raise UserError(f"{address} cannot be read, after {TRIES} tries: {why}.") from error
        time.sleep(WAIT * 2**attempt)
    raise AssertionError("unreachable")


def joined_address(base: str, name: str) -> str:
    """The address of a file in a folder's; what follows a "?" stays behind it."""
    path, sign, query = base.partition("?")
    return f"{path.rstrip('/')}/{name}{sign}{query}"
