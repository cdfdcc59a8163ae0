"""Many small commits to a sqlite store, without waiting for the disk after each."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

MOUNTS = Path("/proc/mounts")
# sqlite's write-ahead log needs memory that all its users share, so it is for file systems of this machine alone.
LOCAL = {"btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"}
WAIT = 30.0


@contextmanager
def quick_commits(uri: str) -> Iterator[None]:
    """Keep the database at `uri` in write-ahead mode meanwhile; any other store, or a network drive, is left alone.

    MLflow commits four times for each run, and in sqlite's default mode each commit waits two or three times for the
    disk: most of the time that hundreds of runs take. In this mode a loss of power can cost the last runs but never
    damages the database. Afterwards the file is as it was; where somebody has it open (MLflow's page), as soon as a
    later table is logged without.
    """
    database = Path(uri.removeprefix("sqlite:///"))
    if not uri.startswith("sqlite:///") or file_system(database) not in LOCAL or not _switch(database, "wal"):
        yield
        return
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy import event

    engine = SqlAlchemyStore(uri, database.parent.as_uri()).engine  # the one that every client of this uri shares
    event.listen(engine, "checkout", _relax)
    try:
        yield
    finally:
        event.remove(engine, "checkout", _relax)
        engine.dispose()  # its connections are relaxed for good
        _switch(database, "delete")


def file_system(path: Path) -> str | None:
    """Type of the file system that holds `path`, or None where this is not Linux."""
    try:
        mounts = [line.split()[1:3] for line in MOUNTS.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return None
    holding = [(place, kind) for place, kind in mounts if path.resolve().is_relative_to(place)]
    return max(holding, key=lambda found: len(found[0]), default=(None, None))[1]


def _relax(connection: Any, *_: Any) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")


def _switch(database: Path, mode: str) -> bool:
    try:
        with closing(sqlite3.connect(database, timeout=WAIT if mode == "wal" else 1.0)) as connection:
            return bool(connection.execute(f"PRAGMA journal_mode = {mode}").fetchone()[0] == mode)
    except sqlite3.Error:  # in use by others: they and we are served in the mode it has
        return False
