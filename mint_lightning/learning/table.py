"""All heads of a table learn side by side on AAD in memory, each as if it were alone."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import RichProgressBar
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from mint_lightning.errors import UserError
from mint_lightning.heads import Draw, Head
from mint_lightning.learning.bank import Bank, Request
from mint_lightning.learning.interrupt import interruptible
from mint_lightning.learning.mint import STANDARDISE_IMAGES
from mint_lightning.learning.objective import head_loss, head_optimizer
from mint_lightning.shards import EpochOrder


@dataclass
class Cell:
    """One head on the AAD of one network: what it reads, what it learns from, and how far it has come.

    `validate` are rows of the key list whose AUC decides early stopping and the kept weights.
    """

    name: str
    network: str
    requests: list[Request]
    head: Head
    order: EpochOrder
    validate: NDArray[np.int64]
    seed: int
    best_auc: float = float("-inf")
    best_epoch: int = -1
    best_state: dict[str, Tensor] = field(default_factory=dict)
    epoch_order: NDArray[np.int64] | None = None
    done: bool = False
    history: list[float] = field(default_factory=list)


class MINTTable(L.LightningModule):
    """Every head of a table, side by side: at each step each head that still learns takes its own batch.

    Each has its own optimizer, order, early stopping and best weights, so a cell equals the same head fitted alone.
    """

    def __init__(
        self, cells: Sequence[Cell], bank: Bank, member: NDArray[np.bool_], *, rate: float, weight_decay: float,
        patience: int,
    ) -> None:  # fmt: skip
        super().__init__()
        self.automatic_optimization = False
        self.cells = list(cells)
        self.heads = nn.ModuleList(cell.head for cell in cells)
        self.bank = bank
        self.member = torch.from_numpy(member[bank.rows])
        self.rate = rate
        self.weight_decay = weight_decay
        self.patience = patience

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """One optimizer per head."""
        return [head_optimizer(cell.head, self.rate, self.weight_decay) for cell in self.cells]

    def on_fit_start(self) -> None:
        """Standardise each head by its own first fit images."""
        for cell in self.cells:
            rows = cell.order.batches(0).reshape(-1)[:STANDARDISE_IMAGES]
            cell.head.fit_standardisation(self._inputs(cell, self.bank.positions(rows)))

    def on_train_epoch_start(self) -> None:
        """Draw this epoch's order of each cell."""
        self.heads.train()
        for cell in self.cells:
            cell.epoch_order = None if cell.done else cell.order.batches(self.current_epoch)

    def training_step(self, batch: Tensor, batch_idx: int) -> None:
        """One step of every head that still learns."""
        optimizers = self.optimizers(use_pl_optimizer=False)
        for cell, optimizer in zip(
            self.cells, optimizers if isinstance(optimizers, list) else [optimizers], strict=True
        ):
            if cell.epoch_order is None or batch_idx >= len(cell.epoch_order):
                continue
            places = self.bank.positions(cell.epoch_order[batch_idx])
            step = self.current_epoch * cell.order.steps + batch_idx
            draw = Draw(cell.seed, step, 0, len(places))
            inputs = self._inputs(cell, places)
            loss = head_loss(cell.head, inputs, self.member[places].to(self.device), draw)
            if not torch.isfinite(loss):
                raise UserError(f"The loss of {cell.name} on {cell.network} became {loss.item()}: lower the rate.")
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    def on_train_epoch_end(self) -> None:
        """Validate every head, keep the best weights, stop those that no longer gain."""
        self.heads.eval()
        for cell in self.cells:
            if cell.done:
                continue
            places = self.bank.positions(cell.validate)
            auc = float(roc_auc_score(self.member[places].numpy(), self.score(cell, cell.validate)))
            cell.history.append(auc)
            if auc > cell.best_auc:
                cell.best_auc, cell.best_epoch = auc, self.current_epoch
                cell.best_state = copy.deepcopy(cell.head.state_dict())
            cell.done = self.current_epoch - cell.best_epoch >= self.patience
        learning = sum(not cell.done for cell in self.cells)
        self.log("heads_learning", float(learning), prog_bar=True)
        self.trainer.should_stop = learning == 0

    def on_fit_end(self) -> None:
        """Every head ends with its best weights."""
        for cell in self.cells:
            cell.head.load_state_dict(cell.best_state)
            cell.head.eval()

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


def learn_side_by_side(table: MINTTable, *, epochs: int, accelerator: str = "auto") -> None:
    """Train all cells of a table with Lightning's own loop and progress bar."""
    trainer = L.Trainer(
        max_epochs=epochs,
        accelerator=accelerator,
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        callbacks=[RichProgressBar()],
    )
    with interruptible():
        trainer.fit(table, torch.utils.data.DataLoader(Steps(table.cells), batch_size=None))
