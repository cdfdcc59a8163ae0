"""All heads of a table learn side by side on AAD in memory, each as if it were alone."""

from collections.abc import Sequence

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import RichProgressBar
from numpy.typing import NDArray
from torch import Tensor, nn

from mint_lightning.errors import UserError
from mint_lightning.evidence import auc
from mint_lightning.learning.bank import Bank
from mint_lightning.learning.cell import Cell
from mint_lightning.learning.interrupt import interruptible
from mint_lightning.learning.mint import STANDARDISE_IMAGES
from mint_lightning.learning.stack import Single, Stack, stacked


class MINTTable(L.LightningModule):
    """Every head of a table, side by side: at each step each head that still learns takes its own batch.

    Each has its own weights, moments, order, early stopping and best weights, so a cell equals the same head fitted
    alone; heads that share their batches are computed together (`stacked`).
    """

    def __init__(self, cells: Sequence[Cell], bank: Bank, member: NDArray[np.bool_]) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.cells = list(cells)
        self.heads = nn.ModuleList(cell.head for cell in cells)
        self.bank = bank
        self.member = torch.from_numpy(member[bank.rows])
        self.learners: list[Single | Stack] = []

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """One optimizer per learner."""
        self.learners = stacked(self.cells)
        return [learner.optimizer for learner in self.learners]

    def on_fit_start(self) -> None:
        """Standardise each head by its own first fit images."""
        first: dict[int, NDArray[np.int64]] = {}
        for cell in self.cells:
            if (order := id(cell.order)) not in first:
                first[order] = self.bank.positions(cell.order.batches(0).reshape(-1)[:STANDARDISE_IMAGES])
            cell.head.fit_standardisation(self._inputs(cell, first[order]))

    def on_train_epoch_start(self) -> None:
        """Draw this epoch's batches of each order, as places in the bank."""
        self.batches: dict[int, list[NDArray[np.int64]]] = {}
        for learner in self.learners:
            learner.begin()
            order = learner.cells[0].order
            if id(order) not in self.batches:
                self.batches[id(order)] = [self.bank.positions(rows) for rows in order.batches(self.current_epoch)]

    def training_step(self, batch: Tensor, batch_idx: int) -> None:
        """One step of every head that still learns."""
        for learner in self.learners:
            order = learner.cells[0].order
            if batch_idx >= order.steps:
                continue
            places = self.batches[id(order)][batch_idx]
            step = self.current_epoch * order.steps + batch_idx
            losses = learner.step(self._read(learner.cells, places), self.member[places].to(self.device), step)
            if not torch.isfinite(losses).all():
                cell = learner.cells[int((~torch.isfinite(losses)).nonzero()[0])]
                raise UserError(f"The loss of {cell.name} on {cell.network} is no finite number: lower the rate.")

    def on_train_epoch_end(self) -> None:
        """Validate every head, keep the best weights, stop those that no longer gain."""
        for learner in self.learners:
            learner.finish()
            for cell in learner.cells:
                cell.judge(self.validate(cell), self.current_epoch)
            learner.drop_done()
        self.learners = [learner for learner in self.learners if learner.cells]
        self.log("heads_learning", float(sum(not cell.done for cell in self.cells)), prog_bar=True)
        self.trainer.should_stop = not self.learners

    def validate(self, cell: Cell) -> float:
        """AUC of a cell on its validate rows, as its head stands."""
        places = self.bank.positions(cell.validate)
        return auc(self.score(cell, cell.validate), self.member[places].numpy())

    def on_fit_end(self) -> None:
        """Every head ends with its best weights."""
        for cell in self.cells:
            cell.head.load_state_dict(cell.best_state)
            cell.head.eval()

    def _read(self, cells: Sequence[Cell], places: NDArray[np.int64]) -> list[list[Tensor]]:
        """AAD for each cell, read once for those of one network."""
        found: dict[str, list[Tensor]] = {}
        for cell in cells:
            if cell.network not in found:
                found[cell.network] = self._inputs(cell, places)
        return [found[cell.network] for cell in cells]

    @torch.no_grad()
    def score(self, cell: Cell, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Logits (N,) of `rows` (those whose image was readable, in that order)."""
        places = self.bank.positions(rows)
        pieces = [cell.head(self._inputs(cell, part)).logit for part in np.array_split(places, len(places) // 512 + 1)]
        return torch.cat(pieces).double().cpu().numpy()

    def _inputs(self, cell: Cell, places: NDArray[np.int64]) -> list[Tensor]:
        taken = self.bank.take(cell.network, cell.requests, torch.from_numpy(places))
        return [value.to(self.device) for value in taken]


class Steps(torch.utils.data.Dataset[int]):
    """The steps of the longest cell's epoch: a table's batches are drawn by the cells themselves."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.steps = max(cell.order.steps for cell in cells)

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> int:
        if not 0 <= index < self.steps:
            raise IndexError(index)
        return index


def learn_side_by_side(table: MINTTable, *, accelerator: str = "auto") -> None:
    """Train all cells of a table with Lightning's own loop and progress bar."""
    trainer = L.Trainer(
        max_epochs=max(cell.recipe.epochs for cell in table.cells),
        accelerator=accelerator,
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        callbacks=[RichProgressBar()],
    )
    with interruptible():
        trainer.fit(table, torch.utils.data.DataLoader(Steps(table.cells), batch_size=None))
