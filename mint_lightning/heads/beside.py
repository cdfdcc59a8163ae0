"""Names of what is read of several photos of one person: "flip+2" is the flip of the second photo beside the first."""

from collections.abc import Sequence
from typing import Final

from mint_lightning.heads.base import Request

_SIGN: Final = "+"


def beside(view: str, step: int) -> str:
    """The name of a view of the photo that stands `step` places after the one that is scored; 0 is itself."""
    return f"{view}{_SIGN}{step}" if step else view


def view_and_step(name: str) -> tuple[str, int]:
    """The view and the place of what `beside` named."""
    view, _, step = name.partition(_SIGN)
    return view, int(step or 0)


def of_one(requests: Sequence[Request]) -> list[Request]:
    """What must be read of every photo, so that `requests` can be taken of each set, each once."""
    return list(dict.fromkeys((view_and_step(view)[0], tap) for view, tap in requests))


def with_beside(requests: Sequence[Request], photos: int) -> list[Request]:
    """`requests` of each of so many photos, photo by photo."""
    return [(beside(view, step), tap) for step in range(photos) for view, tap in requests]
