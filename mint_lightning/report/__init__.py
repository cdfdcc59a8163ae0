"""Evidence as people read it: terminal, page, pictures, markdown. What draws is imported when it is first used."""

from importlib import import_module
from typing import Any

from mint_lightning.report.context import Context

PLACES = {
    "heads_csv": "tidy",
    "print_table": "console",
    "render_html": "html",
    "render_latex": "latex",
    "render_markdown": "markdown",
    "table_csv": "tidy",
    "write_html": "html",
}
__all__ = [
    "Context",
    "heads_csv",
    "print_table",
    "render_html",
    "render_latex",
    "render_markdown",
    "table_csv",
    "write_html",
]


def __getattr__(name: str) -> Any:
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{PLACES[name]}"), name)
