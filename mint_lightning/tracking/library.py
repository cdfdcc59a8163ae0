"""MLflow, imported in one place: late, quietly, and without a word to anybody outside."""

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

# MLflow reports usage to its makers unless told not to; an audit reports to nobody. The git variable silences
# GitPython where git is not installed. Whatever the user has set stands.
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # A server that died is found out in seconds; MLflow would ask it for minutes while a training stands still.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "PGCONNECT_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # two lines, and a request, for each of hundreds of runs
}
_ONCE = threading.Lock()  # the environment is one for all threads
LOUD = ("mlflow", "alembic", "lightning.pytorch.loggers.mlflow")
LOUDER = ("mlflow.store.db.utils", "urllib3.connectionpool")  # every try and a traceback of what is raised anyway


def quiet() -> None:
    """Silence MLflow: no telemetry, no migration log, no notes on what it created. Warnings stay."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow  # noqa: F401  (configures its loggers on import, so ours come after)

    for name in LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in LOUDER:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", category=FutureWarning, module="mlflow")


@contextmanager
def variable_kept() -> Iterator[None]:
    """Leave MLFLOW_TRACKING_URI as the user set it.

    `mlflow.set_tracking_uri`, which Lightning calls, writes it, and a second store opened in this process would then
    take the first one's address for the user's wish.
    """
    with _variable("MLFLOW_TRACKING_URI"):
        yield


@contextmanager
def impatient() -> Iterator[None]:
    """Ask a server once: MLflow itself tries again for minutes, which a goodbye to a dead server is not worth."""
    with _ONCE, _variable("MLFLOW_HTTP_REQUEST_MAX_RETRIES"):
        os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
        yield


@contextmanager
def patient() -> Iterator[None]:
    """Give a server the time it takes, where nothing else waits; what the user has set stands."""
    wanted = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "4", "MLFLOW_HTTP_REQUEST_TIMEOUT": "120"}
    with ExitStack() as kept:
        for name, value in wanted.items():
            kept.enter_context(_variable(name))
            if os.environ.get(name, ENVIRONMENT[name]) == ENVIRONMENT[name]:
                os.environ[name] = value
        yield


@contextmanager
def _variable(name: str) -> Iterator[None]:
    before = os.environ.get(name)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before


def client(uri: str) -> "MlflowClient":
    """A client of the store at `uri`."""
    quiet()
    from mlflow.tracking import MlflowClient

    return MlflowClient(uri)
