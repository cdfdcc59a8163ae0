"""What is an outage and what a mistake, and that no password is written."""

import errno
from pathlib import Path

import pytest
import requests
from mlflow.exceptions import MlflowException

from mint_lightning.tracking.outage import outage
from mint_lightning.tracking.unsent import without_secrets

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("uri", "kept"),
    [
        ("postgresql://mint:se%20cret@db/mint", "postgresql://mint@db/mint"),
        ("postgresql://db/mint?user=mint&password=secret", "postgresql://db/mint?user=mint"),
        ("https://user:token@host:5000/path", "https://user@host:5000/path"),
        ("http://host", "http://host"),
    ],
)
def test_no_password_is_written(uri: str, kept: str, tmp_path: Path) -> None:
    assert without_secrets(uri, tmp_path) == kept


def test_a_local_database_is_named_from_its_root(tmp_path: Path) -> None:
    assert without_secrets(f"sqlite:///{tmp_path}/mlruns/mlflow.db", tmp_path) == "sqlite:///mlruns/mlflow.db"


def answered(code: int) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = code
    return requests.HTTPError(response=response)


@pytest.mark.parametrize(
    ("error", "down"),
    [
        (requests.ConnectionError(), True),
        (requests.Timeout(), True),
        (requests.exceptions.SSLError(), False),
        (answered(503), True),
        (answered(401), False),
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (FileNotFoundError(errno.ENOENT, "No such file"), False),
        (MlflowException("Invalid metric name"), False),
        (ValueError("x"), False),
    ],
)
def test_what_is_an_outage_and_what_a_mistake(error: Exception, down: bool) -> None:
    wrapped = MlflowException("API request failed")
    wrapped.__context__ = error
    assert (outage(wrapped) is not None) == (outage(error) is not None) == down
