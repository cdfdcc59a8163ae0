"""A tracking store on a database server: who may not enter is told at once, and first users wait in line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mint_lightning.errors import UserError
from mint_lightning.tracking import library

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOCK = 0x4D494E54  # "MINT"; any number that others hardly take


def prepare(uri: str, shown: str) -> None:
    """Make MLflow's tables where there are none; `shown` is the uri for messages.

    Raises:
        UserError: the driver is missing, the server lets us not in, or the tables are of another version of MLflow.
    """
    library.quiet()
    import sqlalchemy
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        engine = sqlalchemy.create_engine(uri)
        with engine.connect() as connection, _alone(connection):  # MLflow would try to enter again for minutes
            library.client(uri).get_experiment("0")
        engine.dispose()
    except ModuleNotFoundError as error:
        raise UserError(
            f"The tracking store {shown} needs the driver {error.name!r}: for PostgreSQL, "
            "pip install 'mint-lightning[postgres]'."
        ) from error
    except (MlflowException, SQLAlchemyError) as error:
        if "out-of-date database schema" in str(error):
            raise UserError(
                f"{shown} was written by another version of MLflow: keep a copy, then run `mlflow db upgrade` on it."
            ) from error
        first = str(getattr(error, "orig", None) or error).strip().splitlines()[0].rstrip(".")
        raise UserError(f"The tracking store {shown} cannot be used: {first}.") from error


@contextmanager
def _alone(connection: "Connection") -> Iterator[None]:
    """MLflow makes its tables one by one without a lock, and a second process fails on those half made."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK})")  # let go when the connection ends
    yield
