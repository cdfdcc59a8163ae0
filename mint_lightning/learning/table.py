"""All heads of a table learn side by side, each as if it were alone."""

import time
from collections.abc import Callable, Iterator, Sequence

import lightning as L
import numpy as np
import torch
from lightning.fabric.plugins.environments import LightningEnvironment
from lightning.pytorch.callbacks import RichProgressBar
from numpy.typing import NDArray
from torch import Tensor, nn

from mint_lightning.errors import UserError
from mint_lightning.evidence import auc
from mint_lightning.learning.cell import Cell
from mint_lightning.learning.feed import Feed, Piece
from mint_lightning.learning.interrupt import interruptible
from mint_lightning.learning.mint import STANDARDISE_IMAGES
from mint_lightning.learning.networks import device_of
from mint_lightning.learning.shelf import Shelf
from mint_lightning.learning.stack import Single, Stack, alike, stacked

KEEP_SECONDS = 2.0
"""Epochs shorter than this are kept together, or writing would take longer than learning."""


class MINTTable(L.LightningModule):
    """Every head of a table, side by side: at each step each head that still learns takes its own batch.

    Each has its own weights, moments, order, early stopping and best weights, so a cell equals the same head fitted
    alone; heads that share their batches are computed together (`stacked`). With a `shelf`, heads are kept there after
    each epoch and begin where they were left; `member` (N,) bool is by row of the key list.
    """

    def __init__(
        self, cells: Sequence[Cell], feed: Feed, member: NDArray[np.bool_], shelf: Shelf | None = None
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.cells = list(cells)
        self.heads = nn.ModuleList(cell.head for cell in cells)
        self.feed = feed
        self.member = torch.from_numpy(member)
        self.shelf = shelf
        self.learners: list[Single | Stack] = []
        self._kept = time.monotonic()
        if shelf:
            for group in alike(self.cells):
                shelf.restore_together(group)

    @property
    def pending(self) -> list[Cell]:
        """Heads that have still to learn."""
        return [cell for cell in self.cells if not cell.done]

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """One optimizer per learner."""
        self.learners = stacked(self.pending)
        return [learner.optimizer for learner in self.learners]

    def on_fit_start(self) -> None:
        """Standardise each new head by its own first fit images."""
        for cells in grouped([cell for cell in self.pending if cell.epoch == 0], lambda cell: id(cell.order)):
            for own in grouped(cells, lambda cell: cell.network):  # one network's maps at a time
                piece = self.feed.first(own[0].order, own, STANDARDISE_IMAGES, self.device)
                for cell in own:
                    cell.head.fit_standardisation(piece.take(cell))

    def on_train_epoch_start(self) -> None:
        """Begin the epoch of each order that is learnt from; heads that were kept are further than new ones."""
        together: dict[tuple[int, int], list[Single | Stack]] = {}
        for learner in self.learners:
            learner.begin()
            cell = learner.cells[0]
            together.setdefault((id(cell.order), cell.epoch), []).append(learner)
        self.epochs: list[tuple[list[Single | Stack], Iterator[Piece]]] = []
        for learners in together.values():
            cells = [cell for learner in learners for cell in learner.cells]
            pieces = self.feed.epoch(cells[0].order, cells[0].epoch, cells, self.device)
            self.epochs.append((learners, pieces))

    def training_step(self, batch: Tensor, batch_idx: int) -> None:
        """One step of every head that still learns."""
        for learners, pieces in self.epochs:
            piece = next(pieces, None)
            if piece is None:
                continue
            member = self.member[piece.rows].to(self.device)
            for learner in learners:
                cells = learner.cells
                step = cells[0].epoch * cells[0].order.steps + batch_idx
                losses = learner.step([piece.take(cell) for cell in cells], member, step)
                if not torch.isfinite(losses).all():
                    cell = cells[int((~torch.isfinite(losses)).nonzero()[0])]
                    raise UserError(f"The loss of {cell.name} on {cell.network} is no finite number: lower the rate.")

    def on_train_epoch_end(self) -> None:
        """Validate every head, keep the best weights, stop those that no longer gain."""
        self.epochs = []
        for learner in self.learners:
            learner.finish()
        cells = [cell for learner in self.learners for cell in learner.cells]
        for own in grouped(cells, lambda cell: id(cell.validate)):
            scores = self.scores(own, own[0].validate)
            for cell, (rows, logits) in scores.items():
                cell.judge(self.validated(cell, rows, logits))
        self._keep(cells)
        for learner in self.learners:
            learner.drop_done()
        self.learners = [learner for learner in self.learners if learner.cells]
        self.log("heads_learning", float(len(self.pending)), prog_bar=True)
        self.trainer.should_stop = not self.learners

    def validated(self, cell: Cell, rows: NDArray[np.int64], logits: NDArray[np.float64]) -> float:
        """AUC on validate, which decides what a cell keeps: its `logits` (n,) of `rows` after an epoch."""
        return auc(logits, self.member[rows].numpy())

    def _keep(self, cells: Sequence[Cell]) -> None:
        if self.shelf is None:
            return
        due = time.monotonic() - self._kept >= KEEP_SECONDS
        groups = [group for group in alike(self.cells) if len(group) > 1]
        learning = {id(cell) for cell in cells}
        for group in groups:
            own = [cell for cell in group if id(cell) in learning]
            if own and (due or any(cell.done for cell in own)):
                self.shelf.keep_together(group, own)
        for cell in cells:
            if cell.done or due:
                self.shelf.keep(cell)
        for group in groups:
            if all(cell.done for cell in group):
                self.shelf.forget_together(group)
        if due:
            self._kept = time.monotonic()

    def end(self) -> None:
        """Every head has its best weights."""
        for cell in self.cells:
            cell.head.load_state_dict(cell.best_state)
            cell.head.eval()
            cell.moments = {}

    @torch.no_grad()
    def scores(
        self, cells: Sequence[Cell], rows: NDArray[np.int64]
    ) -> dict[Cell, tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """For each cell (rows, logits), rows rising, of those of `rows` whose image was readable, by the heads as they
        stand."""
        logits: dict[Cell, list[Tensor]] = {cell: [] for cell in cells}
        seen: dict[Cell, list[NDArray[np.int64]]] = {cell: [] for cell in cells}
        for computes in (False, True):
            own = [cell for cell in cells if self.feed.computes(cell) is computes]
            for piece in self.feed.sweep(rows, own, self.device) if own else ():
                for cell in own:
                    logits[cell].append(cell.head(piece.take(cell)).logit)
                    seen[cell].append(piece.rows)
        found = {}
        for cell, pieces in logits.items():
            known = np.concatenate(seen[cell])
            order = np.argsort(known)  # several workers hand out their batches in turn
            found[cell] = known[order], torch.cat(pieces).double().cpu().numpy()[order]
        return found

    def final_scores(self, cells: Sequence[Cell], rows: NDArray[np.int64] | None) -> dict[Cell, NDArray[np.float64]]:
        """Logits of `rows` by finished heads, taken from the shelf where they stand there already."""
        found: dict[Cell, NDArray[np.float64]] = {}
        if rows is None:
            return found
        for cell in cells:
            known = self.shelf.scores(cell, rows) if self.shelf else None
            if known is not None:
                found[cell] = known
        for cell, (_, logits) in self.scores([cell for cell in cells if cell not in found], rows).items():
            found[cell] = logits
            if self.shelf:
                self.shelf.keep_scores(cell, rows, logits)
        return found


def grouped(cells: Sequence[Cell], of: Callable[[Cell], object]) -> list[list[Cell]]:
    """Cells of which `of` is the same, in the order in which they first come."""
    found: dict[object, list[Cell]] = {}
    for cell in cells:
        found.setdefault(of(cell), []).append(cell)
    return list(found.values())


class Steps(torch.utils.data.Dataset[int]):
    """The steps of the longest epoch: a table's batches are drawn by the cells themselves."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.steps = max(cell.order.steps for cell in cells)

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> int:
        if not 0 <= index < self.steps:
            raise IndexError(index)
        return index


def learn_side_by_side(table: MINTTable, *, accelerator: str = "auto") -> None:
    """Train those heads of a table that are not done, with Lightning's own loop and progress bar."""
    if table.pending:
        device = device_of(accelerator)
        trainer = L.Trainer(
            max_epochs=max(cell.recipe.epochs - cell.epoch for cell in table.pending),
            accelerator=device.type,
            devices=1 if device.index is None else [device.index],
            # One of several processes learns heads of its own: to Lightning it is alone.
            plugins=[LightningEnvironment()],
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            callbacks=[RichProgressBar()],
        )
        with interruptible():
            trainer.fit(table, torch.utils.data.DataLoader(Steps(table.pending), batch_size=None))
    table.end()
