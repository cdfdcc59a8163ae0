"""A store that was moved or copied with its folder: the addresses MLflow fixed inside it are made right again."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mint_lightning.errors import UserError

LOGGER = logging.getLogger(__name__)
# Every column in which MLflow keeps where an artifact lies.
COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def follow(database: Path, artifacts: Path) -> None:
    """Point a store at `artifacts`, the folder beside its database, where it still points to where that folder was.

    MLflow writes absolute addresses, so a moved repository would log into its old place, or fail there. Where the store
    was made stands in its first experiment, which nobody logs to; only addresses below that are touched, and what a
    user put elsewhere stays. Says in one sentence that it was moved.
    """
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        old = _made_at(connection)
        if old is None or old == artifacts:
            return
        with connection:
            for table, column in COLUMNS:
                _replace(connection, table, column, old.as_uri(), artifacts.as_uri())
    LOGGER.warning("This tracking store was moved from %s: its artifacts are now looked for in %s.", old, artifacts)


def check(location: str, experiment: str, artifacts: Path) -> None:
    """Say in a sentence if an experiment's artifacts lie in a folder of their own that is gone.

    It is made again if it can be, since MLflow would do so without a word; if it cannot, that is a `UserError`.
    """
    folder = local_path(location)
    if folder is None or folder.is_relative_to(artifacts) or folder.is_dir():
        return
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise UserError(
            f"The artifacts of experiment {experiment!r} lie in {folder}, which is not there and cannot be made "
            f"({error.strerror}): bring the folder back, or choose another experiment name."
        ) from error
    LOGGER.warning(
        "The artifacts of experiment %r lie in %s, which was not there: earlier ones are gone or were moved.",
        experiment,
        folder,
    )


def local_path(location: str) -> Path | None:
    """The folder of an artifact address on this machine, or None for one elsewhere."""
    parts = urlsplit(location)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(location) if location.startswith("/") else None


def _made_at(connection: sqlite3.Connection) -> Path | None:
    """The `artifacts` folder the store was made with, if it was made by us."""
    row = connection.execute("SELECT artifact_location FROM experiments WHERE experiment_id = 0").fetchone()
    folder = local_path(row[0] or "") if row else None
    return folder.parent if folder is not None and folder.parent.name == "artifacts" else None


def _replace(connection: sqlite3.Connection, table: str, column: str, old: str, new: str) -> None:
    known = {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}
    if column in known:
        connection.execute(
            f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
            (new, len(old) + 1, len(old) + 1, f"{old}/"),
        )
