"""Measured numbers as a page shows them."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Turn by turn: what ran one after the other is compared."""
    return [one / other for one, other in zip(above, below, strict=True)]


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median and range: "0.85 (0.83 to 0.86)"; a single value alone."""
    low, middle, high = min(values), statistics.median(values), max(values)
    if len(values) == 1:
        return f"{middle:,.{digits}f}"
    return f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def verdict(value: float, target: float, *, at_least: bool) -> str:
    """ "met", or by how much it is missed."""
    met = value >= target if at_least else value <= target
    return "met" if met else f"**not met** ({value:.3g} against {target:.3g})"


def machine_words(on: Mapping[str, Any], command: str) -> str:
    """Where the figures were made."""
    torch = f"torch {on['torch']} with {on['threads']} threads"
    return f"Made by `{command}` on {on['processor']}, {on['cores']} cores, {torch}, Python {on['python']}."


def write_below(page: Path, mark: str, title: str, lines: Sequence[str]) -> None:
    """Everything below the mark; what people wrote above it stays."""
    standing = page.read_text(encoding="utf-8") if page.is_file() else f"# {title}\n\n"
    page.write_text("\n".join([standing.split(mark)[0] + mark, "", *lines]) + "\n", encoding="utf-8")
