"""Evidence as people read it: terminal, page, pictures, markdown. What draws is imported when it is first used."""

from importlib import import_module
from typing import Any

from mint_lightning.report.context import Context

PLACES = {"print_table": "console", "render_html": "html", "render_markdown": "markdown", "write_html": "html"}
__all__ = ["Context", "print_table", "render_html", "render_markdown", "write_html"]


def __getattr__(name: str) -> Any:
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{PLACES[name]}"), name)
