"""Shard sets at an address: a local folder that looks like the whole set, whose tars come when they are opened."""

import hashlib
import os
import stat
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import IO, Final

from mint_lightning.errors import UserError
from mint_lightning.files import atomic_path, read_json, sha256_file, write_json
from mint_lightning.shards.cache import Cache
from mint_lightning.shards.keys import KEYS_NAME
from mint_lightning.shards.manifest import MANIFEST_NAME, Manifest, Shard
from mint_lightning.shards.transfer import download, is_address, joined_address

REMOTE_NAME: Final = "remote.json"
CACHE_BYTES: Final = 20 * 2**30
_ENOUGH: Final = 20
Places = Mapping[str, tuple[str, str]]
"""Name of a tar -> its address, and its file in the cache."""


def default_cache() -> Path:
    """Where tars from elsewhere are kept: below the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mint_lightning" / "shards"


def local_set(given: str | Path, cache: str | Path | None = None, cache_bytes: int = CACHE_BYTES) -> Path:
    """The folder of a shard set, given by its folder or by an address such as https://host/sets/lfw.

    Of a set at an address manifest and key list are fetched at once, and each tar when it is first opened, its hash
    checked then. The tars of all such sets together take at most `cache_bytes` below `cache`; those that were not used
    for longest leave first, and come again when they are needed.

    Raises:
        UserError: there is no shard set, it cannot be reached, or a file is not the one that its manifest names.
    """
    if not is_address(given):
        return Path(given)
    if cache_bytes < 1:
        raise UserError(f"cache_bytes = {cache_bytes} cannot be used: the largest tar has to fit in.")
    base = str(given).rstrip("/")
    folder = Path(cache or default_cache()).absolute()
    name = base.partition("?")[0].rstrip("/").rpartition("/")[2] or "set"
    root = folder / hashlib.sha256(base.encode()).hexdigest()[:16] / name
    root.mkdir(parents=True, exist_ok=True)
    _fetch_manifest(base, root)
    manifest = Manifest.load(root)
    _fetch_keys(base, root, manifest)
    places = {shard.name: (joined_address(base, shard.name), str(root / shard.name)) for shard in manifest.shards}
    write_remote(root, folder, cache_bytes, places)
    return root


def write_remote(root: Path, cache: Path, cache_bytes: int, places: Places) -> None:
    """Say of the folder of a shard set where its tars come from, and where below the cache they are kept."""
    write_json(root / REMOTE_NAME, {"cache": str(cache), "cache_bytes": cache_bytes, "tars": places})


def present(root: Path, shard: Shard) -> Path:
    """The file of a tar, which is fetched where the set is of an address and the tar is not here.

    Raises:
        UserError: it cannot be fetched, or is not the one that the manifest names.
    """
    known = _remote(root / REMOTE_NAME)
    if known is None or shard.name not in known[1]:
        return root / shard.name
    address, file = known[1][shard.name]
    path = Path(file)

    def get(file: IO[bytes]) -> None:
        download(address, file, size=shard.bytes, sha256=shard.sha256)

    known[0].fetch(path, shard.bytes, get)
    return path


def place_of(tar: Path) -> tuple[str, str] | None:
    """(address, file in the cache) of a tar in a set's folder, None where it is just a file."""
    known = _remote(tar.parent / REMOTE_NAME)
    return None if known is None else known[1].get(tar.name)


def opened_tar(root: Path, shard: Shard) -> tuple[IO[bytes], int]:
    """A tar's file, unbuffered, and its size; see `present`.

    Raises:
        UserError: also where it is missing or no plain file.
    """
    for _ in range(_ENOUGH):  # one that is here may leave a full cache before it is open
        path = present(root, shard)
        try:
            state = path.stat()
            if not stat.S_ISREG(state.st_mode):  # opening a pipe would wait for ever
                raise UserError(f"The shard {path} is not a plain file: copy the whole shard set, or pack it again.")
            return path.open("rb", buffering=0), state.st_size
        except FileNotFoundError as error:
            if not is_remote(root):
                raise UserError(f"The shard {path} is missing: copy the whole shard set, or pack it again.") from error
    raise UserError(f"{root / shard.name} left the cache again and again before it could be read: allow it more bytes.")


def is_remote(root: Path) -> bool:
    """Whether tars of the shard set are elsewhere."""
    return _remote(root / REMOTE_NAME) is not None


def _remote(path: Path) -> tuple[Cache, Places] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return _read(path, state.st_mtime_ns)


@lru_cache(maxsize=16)
def _read(path: Path, _changed: int) -> tuple[Cache, Places]:
    found = read_json(path, "list of addresses")
    try:
        return Cache(Path(found["cache"]), int(found["cache_bytes"])), {
            name: (str(address), str(file)) for name, (address, file) in found["tars"].items()
        }
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is no list of addresses: remove its folder, and it is made anew.") from error


def _fetch_manifest(base: str, root: Path) -> None:
    """The manifest, anew each time; where it is another than before, all that was kept of the old one goes."""
    path = root / MANIFEST_NAME
    with atomic_path(path, durable=False) as temporary:
        with temporary.open("wb") as file:
            download(joined_address(base, MANIFEST_NAME), file)
        if path.is_file() and path.read_bytes() != temporary.read_bytes():
            for tar in root.glob("*.tar"):
                tar.unlink(missing_ok=True)


def _fetch_keys(base: str, root: Path, manifest: Manifest) -> None:
    path = root / KEYS_NAME
    if path.is_file() and sha256_file(path) == manifest.keys_sha256:
        return
    with atomic_path(path, durable=False) as temporary, temporary.open("wb") as file:
        download(joined_address(base, KEYS_NAME), file, sha256=manifest.keys_sha256)
