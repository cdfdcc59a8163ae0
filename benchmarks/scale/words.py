"""What the sections of the page share."""

from collections.abc import Mapping, Sequence
from typing import Any

Section = Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]
"""Arguments and result of each job of a part."""


def faces_words(given: Mapping[str, Any]) -> str:
    """Which photos a part is measured on."""
    return f"{given['identities']:,} drawn people, 5 photos each, {given['side']}x{given['side']}"
