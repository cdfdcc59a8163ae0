"""Runs that people compare, in MLflow. Names are imported when they are first used: MLflow alone takes two seconds."""

from importlib import import_module
from typing import Any

PLACES = {
    "MintLogger": "logger",
    "Store": "store",
    "log_evidence": "runs",
    "log_table": "runs",
    "open_store": "store",
    "read_tables": "history",
}
__all__ = ["MintLogger", "Store", "log_evidence", "log_table", "open_store", "read_tables"]


def __getattr__(name: str) -> Any:
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{PLACES[name]}"), name)
