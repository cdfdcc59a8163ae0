"""Where runs are kept: a tracking database and an artifact folder, both under `mlruns/`, or a server of the user's."""

import os
import re
import secrets
import socket
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mint_lightning.errors import UserError
from mint_lightning.tracking import database_server, library, moved

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

DEFAULT_URI = "sqlite:///mlruns/mlflow.db"
PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
DATABRICKS = ("databricks", "databricks-uc", "uc")
PATIENCE = 5.0  # seconds; MLflow itself would try again for minutes before it says that nobody answers


@dataclass(frozen=True)
class Store:
    """A tracking store that answers. uri: absolute; home: the folder of the database, artifacts and checkpoints.

    Made by `open_store`. With a tracking server or a database elsewhere, `home` still holds the checkpoints.
    """

    uri: str
    home: Path

    @property
    def shown(self) -> str:
        """The uri for messages and files: a password in it is hidden."""
        return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", self.uri)

    @property
    def artifacts(self) -> Path:
        """Folder of the artifacts of a local store."""
        return self.home / "artifacts"

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints, one folder for each run."""
        return self.home / "checkpoints"

    @property
    def client(self) -> "MlflowClient":
        """An MLflow client of this store."""
        return library.client(self.uri)

    def experiment(self, name: str) -> str:
        """Id of the experiment of that name, made if there is none; two processes may ask at once."""
        from mlflow.exceptions import MlflowException

        client = self.client
        try:
            found = client.get_experiment_by_name(name)
        except MlflowException as error:  # not let in, or no MLflow server
            raise UserError(f"{self.shown} gives no experiments: {one_line(error)}.") from error
        if found is None:
            try:
                return self._create(name)
            except MlflowException as error:
                found = client.get_experiment_by_name(name)  # somebody else was faster
                if found is None:
                    raise UserError(
                        f"The experiment {name!r} cannot be made in {self.shown}: {error.message}"
                    ) from error
        if found.lifecycle_stage == "deleted":
            raise UserError(
                f"The experiment {name!r} was deleted in {self.shown}: choose another name, or bring it back with "
                f"`mlflow experiments restore --experiment-id {found.experiment_id}`."
            )
        moved.check(found.artifact_location, name, self.artifacts)
        return str(found.experiment_id)

    def _create(self, name: str) -> str:
        location = None
        if not self.uri.startswith(("http://", "https://", "databricks")):  # a server decides for itself
            folder = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.") or "experiment"
            location = (self.artifacts / folder).as_uri()
        # Without the kind MLflow's page opens on the tab for language models.
        tags = {"mlflow.experimentKind": "custom_model_development"}
        return str(self.client.create_experiment(name, artifact_location=location, tags=tags))


class Unreachable(UserError):
    """A tracking server does not answer now: `reason` in a few words, and the store that it would be."""

    def __init__(self, message: str, reason: str, store: Store) -> None:
        super().__init__(message)
        self.reason, self.store = reason, store


def open_store(root: Path | str = ".", uri: str | None = None, *, make: bool = True) -> Store:
    """The store at `uri` (default: MLFLOW_TRACKING_URI, else sqlite:///mlruns/mlflow.db), made if it is not there.

    A relative sqlite path is taken from `root`, wherever the program was started. A folder, an unreachable server or a
    file that is no database is a `UserError` (for a server that may answer later, `Unreachable`), and with make=False a
    database that is not there: who only reads wants no empty one. Where the folder was moved, its stored artifact
    addresses follow.
    """
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
    root = Path(root).resolve()
    scheme = uri.partition(":")[0].partition("+")[0] if ":" in uri else ""
    if scheme in ("", "file"):
        raise UserError(
            f"The tracking uri {uri!r} is a folder, and MLflow no longer keeps runs in files: use {DEFAULT_URI}."
        )
    if scheme not in ("sqlite", "http", "https", *PORTS, *DATABRICKS):
        raise UserError(f"The tracking uri begins with {scheme!r}, which MLflow does not know: use {DEFAULT_URI}.")
    if scheme != "sqlite":
        store = Store(uri, root / "mlruns")
        _answers(store, scheme)
        if scheme in PORTS:
            database_server.prepare(store.uri, store.shown)
        return store
    database = _sqlite_path(uri, root)
    if not make and not database.is_file():
        raise UserError(
            f"There is no tracking store at {database}: run a table first, or name the store in MLFLOW_TRACKING_URI."
        )
    store = Store(f"sqlite:///{database.as_posix()}", database.parent)
    _prepare(store, database)
    return store


def _sqlite_path(uri: str, root: Path) -> Path:
    path = uri.partition(":///")[2]
    if not path or path == ":memory:":
        raise UserError(f"The tracking uri {uri!r} names no file: use {DEFAULT_URI}.")
    return (root / path).resolve()


def _prepare(store: Store, database: Path) -> None:
    from sqlalchemy.exc import DatabaseError

    library.quiet()
    from mlflow.exceptions import MlflowException

    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        if not database.exists():
            _make_database(store, database)
        store.client.get_experiment("0")
        moved.follow(database, store.artifacts)
    except (MlflowException, DatabaseError) as error:
        if "out-of-date database schema" in str(error):
            raise UserError(
                f"{database} was written by another version of MLflow: keep a copy, then run "
                f"`mlflow db upgrade {store.uri}`."
            ) from error
        raise UserError(
            f"{database} cannot be used as a tracking database ({one_line(error)}): move it away, or give another "
            "tracking uri."
        ) from error
    except OSError as error:
        raise UserError(f"The tracking store {database.parent} cannot be written: {error.strerror}.") from error


def _make_database(store: Store, database: Path) -> None:
    """Make the database beside its place and link it in, so that of several first users one wins and all can go on.

    MLflow's own first use creates tables one by one without a lock, and a second process fails on those half made.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    temporary = database.with_name(f".{database.name}.{secrets.token_hex(4)}.partial")
    try:
        SqlAlchemyStore(f"sqlite:///{temporary.as_posix()}", store.artifacts.as_uri()).engine.dispose()
        try:
            os.link(temporary, database)
        except FileExistsError:
            return
        except OSError:  # a file system without links: the rename is atomic too, only not exclusive
            if not database.exists():
                temporary.rename(database)
    finally:
        temporary.unlink(missing_ok=True)


def _answers(store: Store, scheme: str) -> None:
    """Raise where a server does not answer now, or not as one: better than after a training of an hour."""
    place = urlsplit(store.uri)
    try:
        where = f"{place.hostname}:{place.port}" if place.port else str(place.hostname)
        if scheme in ("http", "https"):
            request = urllib.request.Request(f"{store.uri.rstrip('/')}/health")
            urllib.request.urlopen(request, timeout=PATIENCE).close()
        elif scheme in PORTS and place.hostname:
            socket.create_connection((place.hostname, place.port or PORTS[scheme]), timeout=PATIENCE).close()
    except urllib.error.HTTPError as error:
        if error.code >= 500:  # what stands before the server answers in its place
            raise _unreachable(where, f"HTTP {error.code}", store) from error
        return  # it answers; whether it lets us in is said by the first call
    except (ValueError, HTTPException) as error:
        if isinstance(error, ConnectionError):
            raise _unreachable(where, str(error), store) from error
        raise UserError(f"The tracking uri {store.shown!r} cannot be used: {error}.") from error
    except OSError as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLError):
            raise UserError(f"The tracking server {where} cannot be trusted: {reason}.") from error
        raise _unreachable(where, str(reason), store) from error


def _unreachable(where: str, reason: str, store: Store) -> Unreachable:
    message = f"The tracking server {where} does not answer ({reason}): start it, or give another tracking uri, "
    return Unreachable(f"{message}for example {DEFAULT_URI}.", reason, store)


def one_line(error: Exception) -> str:
    """What an error says, without the rest of it."""
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
