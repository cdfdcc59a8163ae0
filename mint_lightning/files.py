"""Files that are either whole or absent, and their hashes."""

import errno
import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from mint_lightning.errors import UserError


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_json(value: Any) -> str:
    """Hexadecimal SHA-256 of a JSON value in canonical form: sorted keys, no spaces, so that layout never counts."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def sources_hash(*rooms: str) -> str:
    """Hexadecimal SHA-256 of the program's own sources in `rooms`, folders of this package.

    What was computed and kept by other sources is not taken for what these would give.
    """
    digest = hashlib.sha256()
    for room in rooms:
        for path in sorted((Path(__file__).parent / room).rglob("*.py")):
            digest.update(path.relative_to(Path(__file__).parent).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@contextmanager
def atomic_path(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a temporary sibling of `path` (a file or a folder to be made) and rename it to `path` on success.

    On any exception, Ctrl-C included, the sibling is removed and `path` is as it was. A folder that stands is
    replaced as a whole. A full disk becomes a `UserError`. A file that is not `durable` outlives its process, perhaps
    no power cut: for what is written often and can be made anew.
    """
    if path.is_symlink() and path.is_dir():
        path = path.resolve()  # a link to a folder stays one
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"The folder {path.parent} cannot be made: {error.strerror}.") from error
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        yield temporary
        _open_to_others(temporary)
        if temporary.is_dir():
            _swap_folder(temporary, path)
        else:
            if durable:
                with temporary.open("rb") as stream:
                    os.fsync(stream.fileno())
            temporary.replace(path)
    except Exception as error:
        if _is_full(error):
            raise UserError(f"No space left while writing {path}: free some disk and run the command again.") from error
        raise
    finally:
        _remove(temporary)


def _is_full(error: Exception) -> bool:
    """Whether the disk or a quota is full; safetensors says so in its own error's text."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return any(f"(os error {number})" in str(error) for number in (errno.ENOSPC, errno.EDQUOT))


def _open_to_others(path: Path) -> None:
    """Give files the rights that the umask says: safetensors writes them for their owner alone, whatever it says."""
    os.umask(umask := os.umask(0))
    for file in [path, *path.rglob("*")] if path.is_dir() else [path]:
        if file.is_file() and not file.is_symlink() and file.stat().st_mode & 0o777 == 0o600:
            file.chmod(0o666 & ~umask)


def _swap_folder(new: Path, path: Path) -> None:
    if not path.exists():
        new.rename(path)
        return
    old = path.with_name(f".{path.name}.{secrets.token_hex(4)}.old")
    path.rename(old)
    try:
        new.rename(path)
    except BaseException:
        old.rename(path)
        raise
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


_HELD: set[int] = set()


def _let_go() -> None:
    """Of a lock, in a forked child: the workers of a process that was killed live on for seconds, and would hold it."""
    for file in _HELD:
        with suppress(OSError):
            os.close(file)
    _HELD.clear()


os.register_at_fork(after_in_child=_let_go)


@contextmanager
def held(mark: Path, what: str) -> Iterator[None]:
    """Keep what `mark` stands for to this process; the file is there meanwhile. A process that died holds nothing.

    Raises:
        UserError: another process has it.
    """
    mark.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = os.open(mark, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(file)
            raise UserError(f"{what} is under way in another process: wait for it, or take another name.") from error
        except OSError:  # a network drive without locks
            pass
        if mark.exists() and os.fstat(file).st_ino == mark.stat().st_ino:
            break
        os.close(file)  # its last holder has just removed it
    _HELD.add(file)
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)
        _HELD.discard(file)
        os.close(file)


def refuse_foreign_folder(folder: Path, mark: str, what: str) -> None:
    """Raise `UserError` where `folder` holds something else than `what`, known by its file `mark`: it would be lost."""
    if folder.exists() and not (folder / mark).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} stands in the way and is no {what}: name another folder, or remove it yourself.")


def refuse_unwritable(folder: Path) -> None:
    """Raise `UserError` where `folder` could not be made: better before the work than after."""
    parent = folder.absolute()
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK) or not _takes_files(parent):
        raise UserError(f"{folder} cannot be written: {parent} is not a folder that you may write to.")


def _takes_files(folder: Path) -> bool:
    """Whether a file can be made there: a superuser may write everywhere, yet not into /proc."""
    probe = folder / f".{secrets.token_hex(4)}.probe"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        return _is_full(error)
    return True


def checked_name(name: str, what: str) -> str:
    """`name` if it can be the name of one folder: not empty, no path, at most 100 characters; else `UserError`."""
    if not name or len(name) > 100 or name.startswith(".") or any(sign in name for sign in "/\\\0"):
        raise UserError(f"{what} {name!r} cannot name a folder: take up to 100 characters without a slash.")
    return name


def write_json(path: Path, value: Any) -> None:
    """Write a JSON value, indented for people, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path, what: str) -> Any:
    """Read a JSON file; `what` names it in the error ("manifest", "network card")."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"There is no {what} at {path}.") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"The {what} {path} is not valid JSON ({error}): it is damaged or not a {what}.") from error
    except OSError as error:
        raise UserError(f"The {what} {path} cannot be read: {error.strerror}.") from error
