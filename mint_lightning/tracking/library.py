"""MLflow, imported in one place: late, quietly, and without a word to anybody outside."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
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
}
LOUD = ("mlflow", "alembic", "lightning.pytorch.loggers.mlflow")


def quiet() -> None:
    """Silence MLflow: no telemetry, no migration log, no notes on what it created. Warnings stay."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow  # noqa: F401  (configures its loggers on import, so ours come after)

    for name in LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", category=FutureWarning, module="mlflow")


@contextmanager
def variable_kept() -> Iterator[None]:
    """Leave MLFLOW_TRACKING_URI as the user set it.

    `mlflow.set_tracking_uri`, which Lightning calls, writes it, and a second store opened in this process would then
    take the first one's address for the user's wish.
    """
    before = os.environ.get("MLFLOW_TRACKING_URI")
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("MLFLOW_TRACKING_URI", None)
        else:
            os.environ["MLFLOW_TRACKING_URI"] = before


def client(uri: str) -> "MlflowClient":
    """A client of the store at `uri`."""
    quiet()
    from mlflow.tracking import MlflowClient

    return MlflowClient(uri)
