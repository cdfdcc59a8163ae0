"""One head of a table: what it reads, what it learns from, and how far it has come."""

import copy
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mint_lightning.heads import Head
from mint_lightning.learning.bank import Request
from mint_lightning.learning.recipe import Recipe
from mint_lightning.shards import EpochOrder


@dataclass(eq=False)
class Cell:
    """One head on the AAD of one network.

    `validate` are rows of the key list whose AUC decides early stopping and the kept weights. Cells that share an order
    share the object, which is how a table knows that their batches are the same. `scored` are the rows that the
    finished head scores, if any. `key` names the head where heads are
    kept; `moments` are Adam's, by "exp_avg." or "exp_avg_sq." and the parameter's name, after the epochs in `history`.
    """

    name: str
    network: str
    requests: list[Request]
    head: Head
    order: EpochOrder
    validate: NDArray[np.int64]
    seed: int
    recipe: Recipe = field(default_factory=Recipe)
    scored: NDArray[np.int64] | None = None
    key: str = ""
    best_auc: float = float("-inf")
    best_epoch: int = -1
    best_state: dict[str, Tensor] = field(default_factory=dict)
    done: bool = False
    history: list[float] = field(default_factory=list)
    moments: dict[str, Tensor] = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        """Epochs that it has learnt."""
        return len(self.history)

    def judge(self, auc: float) -> None:
        """After an epoch: keep the weights if `auc` on validate is the best so far; stop when it has not been for long
        enough."""
        if auc > self.best_auc:
            self.best_auc, self.best_epoch = auc, self.epoch
            self.best_state = copy.deepcopy(self.head.state_dict())
        self.history.append(auc)
        self.done = self.epoch - 1 - self.best_epoch >= self.recipe.patience or self.epoch >= self.recipe.epochs
