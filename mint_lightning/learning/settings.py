"""How a table is made, beside its rows and its data."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mint_lightning.audited import NetworkSource
from mint_lightning.errors import UserError
from mint_lightning.learning.activations import Keeping
from mint_lightning.learning.networks import AUDITED, Networks, device_of
from mint_lightning.learning.plan import HeadPlan
from mint_lightning.learning.recipe import Recipe
from mint_lightning.learning.relative import refuse_other_classes
from mint_lightning.learning.rows import RowSpec, check_names, published_rows
from mint_lightning.learning.shelf import Shelf

STORE = "mlruns/activations"


@dataclass(frozen=True)
class TableSettings:
    """What a table is made with; `mint-lightning table --help` explains each.

    A row has `seeds` heads, from `seed` on, and their mean logit is its score, on the audited network as on each
    control. store: "none" (memory alone), "auto" or a folder, where AAD, heads and what the twins adapted to are kept.
    """

    recipe: Recipe = field(default_factory=Recipe)
    twins: int = 3
    pixels: bool = True
    references: dict[str, NetworkSource] = field(default_factory=dict)
    complement: NetworkSource | None = None
    shadows: dict[str, NetworkSource] = field(default_factory=dict)
    folds: int = 0
    partition_declared: bool = False
    permuted: bool = False
    left_out: bool = False
    attributes: str | None = None
    seed: int = 0
    seeds: int = 3
    store: str = "none"
    max_memory_gib: float = 8.0
    accelerator: str = "auto"

    def __post_init__(self) -> None:
        if self.twins < 0:
            raise UserError(f"twins is {self.twins}; it must not be negative.")
        if self.seeds < 1:
            raise UserError(f"seeds is {self.seeds}; a row needs at least one head.")
        if not 0 < self.max_memory_gib < float("inf"):
            raise UserError(f"max_memory_gib is {self.max_memory_gib}; it must be above 0 and finite.")

    @property
    def keeping(self) -> Keeping:
        """Where AAD is kept."""
        if self.store == "none":
            return Keeping(None, max_gib=self.max_memory_gib, reads=self.recipe.epochs)
        automatic = self.store == "auto"
        folder = Path(STORE if automatic else self.store)
        if folder.exists() and not folder.is_dir():
            raise UserError(f"The store {folder} is a file: name a folder, auto or none.")
        return Keeping(folder, automatic, self.max_memory_gib, self.recipe.epochs)

    @property
    def shelf(self) -> Shelf | None:
        """Where heads are kept."""
        folder = self.keeping.folder
        return Shelf(folder / "heads") if folder else None

    def networks(self, data: Any, plan: HeadPlan | None = None, *, adapt: bool = True) -> Networks:
        """The audited network, its controls, and shadows unless no row of the plan asks them; twins that were never
        adapted stay as they are unless `adapt`."""
        folder = self.keeping.folder
        asked = plan is None or any(spec.relative for spec in plan.specs)
        found = Networks.make(
            data,
            twins=self.twins,
            pixels=self.pixels,
            references=self.references,
            complement=self.complement,
            shadows=self.shadows if asked else {},
            seed=self.seed,
            device=device_of(self.accelerator),
            kept=folder / "twins" if folder else None,
            adapt=adapt,
        )
        if plan is not None and asked:
            names = (AUDITED, *found.shadows.saw, *found.references)
            refuse_other_classes({name: found.by_name[name] for name in names})
        return found

    def plan(self, data: Any, rows: Sequence[RowSpec] | None) -> HeadPlan:
        """The rows, published ones without any, on the taps of the network of `data`."""
        specs = [spec.on(data.network.tap_names) for spec in rows or published_rows(data.network.tap_names)]
        check_names(specs)
        if not (self.shadows or self.references) and (asks := [spec.title for spec in specs if spec.relative]):
            raise UserError(
                f"The row {asks[0]!r} compares with reference networks: name them in shadows (trained on known photos, "
                "train-audited --half) or references (trained on neither members nor externals)."
            )
        return HeadPlan(specs, self.recipe, self.seed, self.seeds)
