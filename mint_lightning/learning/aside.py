"""Heads that learn once more beside the table: on permuted labels, and without one of the external sets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.learning.activations import Activations
from mint_lightning.learning.feed import Feed
from mint_lightning.learning.folds import Fold
from mint_lightning.learning.networks import AUDITED, device_of
from mint_lightning.learning.plan import HeadPlan
from mint_lightning.learning.settings import TableSettings
from mint_lightning.learning.table import MINTTable, learn_side_by_side


@dataclass(frozen=True)
class Beside:
    """What heads learn from once more: the data, the plan of the table, and where AAD comes from."""

    data: Any
    plan: HeadPlan
    activations: Activations
    feed: Feed
    settings: TableSettings

    def permuted(self, folded: Sequence[Fold]) -> dict[str, list[NDArray[np.float64]]]:
        """Scores by row and fold of heads that learn labels dealt anew among the people of fit and validate."""
        rows = np.unique(np.concatenate([part for fold in folded for part in (fold.fit, fold.validate)]))
        member = self.data.member.copy()
        member[rows] = permuted_labels(self.data.keys.label[rows], member[rows], self.settings.seed)
        return self._learn(folded, member)

    def without(self, source: str, folded: Sequence[Fold]) -> dict[str, list[NDArray[np.float64]]]:
        """Scores by row and fold of heads that learn nothing of an external set."""
        out = np.asarray(self.data.keys.source[:] == source) & ~self.data.member
        kept = [replace(f, fit=f.fit[~out[f.fit]], validate=f.validate[~out[f.validate]]) for f in folded]
        return self._learn(kept, self.data.member)

    def _learn(self, folded: Sequence[Fold], member: NDArray[np.bool_]) -> dict[str, list[NDArray[np.float64]]]:
        networks = self.activations.networks
        alone = replace(networks, by_name={AUDITED: networks.by_name[AUDITED]}, twins=(), references=())
        plan = replace(self.plan, seeds=1, specs=[replace(s, seeds=None) for s in self.plan.specs if s.fitted])
        cells = plan.cells(self.data, replace(self.activations, networks=alone), folded, member)
        if not cells:
            return {}
        table = MINTTable([cell for own in cells.values() for cell in own], self.feed, member, self.settings.shelf)
        learn_side_by_side(table, accelerator=self.settings.accelerator)
        table.to(device_of(self.settings.accelerator))
        found: dict[str, list[NDArray[np.float64]]] = {}
        for spec in plan.specs:
            for fold in folded:
                (cell,) = cells[spec.title, AUDITED, fold.number]
                found.setdefault(spec.title, []).append(table.final_scores([cell], cell.scored)[cell])
        table.cpu()
        return found


def permuted_labels(people: NDArray[np.int64], member: NDArray[np.bool_], seed: int) -> NDArray[np.bool_]:
    """(n,) labels of images, of which (n,) says who is on them: each person keeps one label, and as many people are
    members as before."""
    names, code = np.unique(people, return_inverse=True)
    own = np.zeros(len(names), bool)
    own[code[member]] = True
    return np.random.default_rng([seed, len(names)]).permutation(own)[code]


def external_sources(data: Any) -> list[str]:
    """The external sets of the data, two or more; fewer raise `UserError`, for nothing would be left to learn from."""
    found = sorted({str(name) for name in data.keys.source[data.groups.externals]})
    if len(found) < 2:
        raise UserError(f"left_out needs externals of two or more sets, but all are of {', '.join(found)}.")
    return found
