"""Which heads a table trains: row x network x fold x seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mint_lightning.auditor.kinds import KINDS
from mint_lightning.errors import UserError
from mint_lightning.learning.activations import Activations
from mint_lightning.learning.bank import Rows
from mint_lightning.learning.cell import Cell
from mint_lightning.learning.folds import Fold
from mint_lightning.learning.labels import labels_hash, shapes_of
from mint_lightning.learning.networks import PIXEL_ROWS, PIXELS
from mint_lightning.learning.recipe import Recipe
from mint_lightning.learning.rings import Rings, rings_of
from mint_lightning.learning.rows import RowSpec, parse_samples
from mint_lightning.learning.shelf import cell_hash
from mint_lightning.shards import EpochOrder

CellKey = tuple[str, str, int | None]
"""(title of the row, name of the network, number of the fold)."""

Cells = Mapping[CellKey, Sequence[Cell]]
"""The heads of each, one per seed."""


@dataclass(frozen=True)
class HeadPlan:
    """The rows, how their heads learn, and the seeds: `seeds` of them from `seed` on, where a row has not its own."""

    specs: Sequence[RowSpec]
    recipe: Recipe
    seed: int
    seeds: int

    @property
    def views(self) -> list[str]:
        """Views of each photo that the rows read; each costs a forward."""
        return list(dict.fromkeys(view for spec in self.specs for view, _ in spec.requests("outcome")))

    def check(self, data: Any, folded: Sequence[Fold]) -> None:
        """Make orders and heads once for the audited network alone, before hours of forwards.

        Raises:
            UserError: a tap is not there, a head cannot read it, or a number of samples cannot be drawn.
        """
        for spec in self.specs:
            if not spec.fitted:
                _check_score(spec, data)
        fitted = [spec for spec in self.specs if spec.fitted]
        for spec in fitted:
            try:
                shapes = shapes_of(data.network, spec.taps, data.classes)
                spec.build([shapes[tap] for tap in spec.taps], self.seed)
            except UserError as error:
                raise UserError(f"The row {spec.title!r} cannot be learnt: {error}") from error
        rings = rings_of(data, self.specs, data.groups.used)
        for samples, photos in {(parse_samples(spec.samples), spec.set_size) for spec in fitted}:
            for fold in folded:
                _order(data, rings, fold.fit, samples, photos, data.member)

    def cells(
        self,
        data: Any,
        activations: Activations,
        folded: Sequence[Fold],
        member: NDArray[np.bool_] | None = None,
    ) -> Cells:
        """All heads, untrained; a reference that lacks a tap has no head there.

        member: (N,) labels by row to be learnt in the place of the true ones.
        """
        labels = data.member if member is None else member
        classes = labels_hash(data.labels) if data.classes else ""
        rings = rings_of(data, self.specs, activations.bank.rows)
        beside = rings.hash if rings else ""

        by_number = {fold.number: fold for fold in folded}

        @cache  # one object for all who learn the same batches
        def order(fold: int | None, samples: int | float | None, photos: int) -> EpochOrder:
            return _order(data, rings, by_number[fold].fit, samples, photos, labels)

        @cache
        def judged(fold: int | None, photos: int) -> tuple[Rows, Rows]:
            own = by_number[fold]
            if rings is None or photos == 1:
                return own.validate, own.scored
            return rings.whole(own.validate, photos), rings.one_each(own.scored, photos)

        found: dict[CellKey, list[Cell]] = {}
        for name, network in activations.networks.by_name.items():
            if name in activations.networks.shadows.saw:
                continue  # asked for their outcome alone, by scores
            for spec in PIXEL_ROWS if name == PIXELS else [spec for spec in self.specs if spec.fitted]:
                wanted = spec.requests("")
                if not set(wanted) <= set(activations.requests[name]):
                    continue
                shapes = shapes_of(network, spec.taps, data.classes)
                for fold in folded:
                    validate, scored = judged(fold.number, spec.set_size)
                    found[spec.title, name, fold.number] = cells = [
                        Cell(
                            name=spec.title,
                            network=name,
                            requests=spec.reads,
                            head=spec.build([shapes[tap] for tap in spec.taps], seed),
                            order=order(fold.number, parse_samples(spec.samples), spec.set_size),
                            validate=validate,
                            scored=scored,
                            seed=seed,
                            recipe=spec.recipe or self.recipe,
                        )
                        for seed in range(self.seed, self.seed + (spec.seeds or self.seeds))
                    ]
                    for cell in cells:
                        cell.key = cell_hash(
                            cell, activations.keys[name], activations.bank.rows, labels, spec.arguments, classes,
                            beside if spec.set_size > 1 else "",
                        )  # fmt: skip
        return found


def _order(
    data: Any,
    rings: Rings | None,
    rows: Rows,
    samples: int | float | None,
    photos: int,
    labels: NDArray[np.bool_],
) -> EpochOrder:
    """The order of `rows`; of sets of several photos, of those rows that stand for one."""
    if rings is None or photos == 1:
        order: EpochOrder = data.order(rows, samples, labels)
        return order
    return rings.order(data.keys, rows, photos, lambda whole: data.order(whole, samples, labels))


def _check_score(spec: RowSpec, data: Any) -> None:
    """Raise `UserError` where the network or the photos have not what a score is made of."""
    network, logits = data.network, spec.relative or KINDS[spec.head].logits
    taps = list(dict.fromkeys(tap for _, tap in spec.requests(network.tap_names[-1])))
    try:
        shapes = network.aad_shapes(taps)
    except UserError as error:
        raise UserError(f"The row {spec.title!r} cannot be read: {error}") from error
    classes = len(data.classes) or int(data.keys.label.max()) + 1
    if logits and shapes[taps[0]] != (classes,):
        raise UserError(
            f"The row {spec.title!r} needs a classifier of the photos' classes: the outcome of {network.name!r} has "
            f"{shapes[taps[0]][0]} values, and the shard set has {classes} classes."
        )
