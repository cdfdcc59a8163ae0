"""LightningModules: one head, a whole table with its controls, and a network to audit."""

from importlib import import_module
from typing import Any

_HOME = {
    "MINT": "mint",
    "VanillaMINT": "head_kinds",
    "CNNMINT": "head_kinds",
    "InvariantMINT": "head_kinds",
    "PersonMINT": "head_kinds",
    "MINTTable": "table",
    "Recipe": "recipe",
    "TableRun": "audit",
    "run_table": "audit",
    "TableSettings": "settings",
    "RowGrid": "grid",
    "RowSpec": "rows",
    "published_rows": "rows",
    "ScoresWriter": "predictions",
    "Membership": "membership",
    "membership": "membership",
    "train_audited": "recognition",
    "Recognition": "recognition",
    "train_classifier": "classification",
    "Classification": "classifier",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    # Lazy, because Lightning takes seconds to import and most commands do not need it.
    if name in _HOME:
        return getattr(import_module(f"mint_lightning.learning.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
