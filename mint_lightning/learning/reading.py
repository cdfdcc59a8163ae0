"""Scores of a finished table, as evidence takes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mint_lightning.audited import AuditedNetwork
from mint_lightning.evidence import RowScores, ScoreSet, agreement, auc, counted, embedding_norm
from mint_lightning.learning.activations import AUDITED, COMPLEMENT, Activations
from mint_lightning.learning.folds import Fold
from mint_lightning.learning.plan import Cells
from mint_lightning.learning.rows import RowSpec
from mint_lightning.learning.table import MINTTable


@dataclass
class Reader:
    """Scores of finished cells and of the scores that need no fitting, as evidence takes them."""

    data: Any
    activations: Activations
    table: MINTTable
    cells: Cells
    folded: Sequence[Fold]

    def row(self, spec: RowSpec, seed: int) -> RowScores:
        """A row on the audited network and on each network that it could be read from."""
        score = self.fitted if spec.fitted else self.score
        networks = self.activations.networks
        validate_auc, audited = score(spec, AUDITED)
        return RowScores(
            name=spec.title,
            head=spec.head if spec.fitted else "score",
            tap=spec.place,
            seed=seed if spec.fitted else 0,
            samples=self._samples(spec),
            audited=audited,
            twins=tuple(score(spec, name)[1] for name in networks.twins),
            references=tuple(score(spec, name)[1] for name in networks.references if self._has(spec, name)),
            complement=score(spec, COMPLEMENT)[1] if COMPLEMENT in networks.by_name else None,
            validate_auc=validate_auc,
            seed_aucs=self._seed_aucs(spec),
        )

    def _has(self, spec: RowSpec, network: str) -> bool:
        return not spec.fitted or (spec.title, network, self.folded[0].number) in self.cells

    def fitted(self, spec: RowSpec, network: str) -> tuple[float, ScoreSet]:
        """(AUC on validate, mean over folds and seeds; scores, mean over seeds) of a row's heads on one network."""
        folds = [self.cells[spec.title, network, fold.number] for fold in self.folded]
        scores = [
            np.mean([self.table.score(cell, fold.scored) for cell in cells], axis=0)
            for cells, fold in zip(folds, self.folded, strict=True)
        ]
        return float(np.mean([cell.best_auc for cells in folds for cell in cells])), self._set(scores, network)

    def _seed_aucs(self, spec: RowSpec) -> tuple[float, ...]:
        """AUC of the audited network's head of each seed alone, where there are several."""
        folds = [self.cells[spec.title, AUDITED, fold.number] for fold in self.folded] if spec.fitted else []
        found = []
        for heads in zip(*folds, strict=True):
            scores = [self.table.score(cell, fold.scored) for cell, fold in zip(heads, self.folded, strict=True)]
            whole = self._set(scores, AUDITED)
            images = counted(whole)
            found.append(auc(whole.score[images], whole.member[images]))
        return tuple(found) if len(found) > 1 else ()

    def score(self, spec: RowSpec, network: str) -> tuple[float, ScoreSet]:
        """The same of a score that needs no fitting."""
        body, bank = self.activations.networks.by_name[network], self.activations.bank
        assert isinstance(body, AuditedNetwork)

        def of(rows: NDArray[np.int64]) -> NDArray[np.float64]:
            places = torch.from_numpy(bank.positions(rows))
            taken = bank.take(network, spec.requests(body.tap_names[-1]), places)
            arrays = [value.double().numpy() for value in taken]
            return embedding_norm(arrays[0]) if spec.head == "norm" else agreement(arrays[0], arrays[1])

        rows = np.concatenate([fold.validate for fold in self.folded])
        member = self.data.member[bank.rows[bank.positions(rows)]]
        return float(auc(of(rows), member)), self._set([of(fold.scored) for fold in self.folded], network)

    def _set(self, scores: Sequence[NDArray[np.float64]], network: str) -> ScoreSet:
        bank = self.activations.bank
        rows = np.concatenate([bank.rows[bank.positions(fold.scored)] for fold in self.folded])
        folded = self.folded[0].number is not None
        numbers = np.concatenate([np.full(len(s), f.number or 0) for s, f in zip(scores, self.folded, strict=True)])
        keys = self.data.keys
        return ScoreSet(
            score=np.concatenate(scores),
            member=self.data.member[rows],
            unseen=self.data.unseen[rows],
            identity=np.char.add(np.char.add(keys.source[rows], "/"), keys.identity[rows]),
            split=np.full(len(rows), "out-of-fold") if folded else keys.split[rows],
            key=keys.key[rows],
            network=network,
            fold=numbers.astype(np.int64) if folded else None,
        )

    def _samples(self, spec: RowSpec) -> int:
        """Images a head learns from in one epoch, the mean over folds; 0 for a score."""
        orders = [self.cells[spec.title, AUDITED, fold.number][0].order for fold in self.folded] if spec.fitted else []
        return sum(order.steps * order.batch_size for order in orders) // max(1, len(orders))
