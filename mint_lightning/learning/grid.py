"""Rows by the dozen: every combination of taps and numbers of samples, as the papers' tables have them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mint_lightning.errors import UserError
from mint_lightning.learning.recipe import Recipe
from mint_lightning.learning.rows import RowSpec


@dataclass(frozen=True)
class RowGrid:
    """One row for each of `taps` at each of `samples`.

    Args:
        head: "vanilla" or "cnn".
        taps: places to read, each a tap, a list of taps that are joined, or all_conv, as in [conv1, [conv1, conv4],
            all_conv]. A cnn head reads the maps there; ":map" may be left out.
        samples: numbers of images to learn from, or shares of what there is: [1K, 50K, 0.5, null]; null is all.
        arguments: as in a row.
        recipe: as in a row.
        seeds: as in a row.
    """

    head: Literal["vanilla", "cnn"]
    taps: list[str | list[str]]
    samples: list[int | float | str | None] = field(default_factory=lambda: [None])
    arguments: dict[str, Any] = field(default_factory=dict)
    recipe: Recipe | None = None
    seeds: int | None = None

    def __post_init__(self) -> None:
        if not self.taps or not self.samples:
            raise UserError(f"A grid of {self.head} rows needs at least one of taps and one of samples.")

    def rows(self) -> list[RowSpec]:
        """The rows, sample sizes within taps."""
        return [
            RowSpec(self.head, self._taps(place), samples, dict(self.arguments), self.recipe, self.seeds)
            for place in self.taps
            for samples in self.samples
        ]

    def _taps(self, place: str | Sequence[str]) -> list[str]:
        names = [place] if isinstance(place, str) else list(place)
        return [f"{name}:map" if self.head == "cnn" and ":" not in name else name for name in names]
