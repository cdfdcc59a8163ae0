"""A cell of a table is the head that `fit` trains alone, to rounding; measured in float64, where rounding is small."""

from collections.abc import Iterator
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from torch import Tensor

from mint_lightning.learning.bank import Bank
from mint_lightning.learning.cell import Cell
from mint_lightning.learning.feed import Feed
from mint_lightning.learning.head_kinds import CNNMINT, VanillaMINT
from mint_lightning.learning.mint import MINT
from mint_lightning.learning.recipe import Recipe
from mint_lightning.learning.stack import Stack, stacked
from mint_lightning.learning.table import MINTTable, learn_side_by_side
from mint_lightning.shards import EpochOrder
from tests.shard_sets import bare_keys

pytestmark = pytest.mark.unit

EPOCHS = 7  # of 8 steps each


class Vectors(L.LightningDataModule):
    """AAD of one network by the batches of an order, as a DataModule of images gives it."""

    def __init__(self, aad: Tensor, member: Any, order: EpochOrder) -> None:
        super().__init__()
        self.aad, self.member, self.order = aad, torch.from_numpy(member), order
        self.epoch = 0

    def first_fit_aad(self, images: int) -> Iterator[Any]:
        yield {"audited": {"original": {"tap": self.aad[self.order.batches(0).reshape(-1)[:images]].float()}}}

    def train_dataloader(self) -> Any:
        batches = [
            {"aad": {"audited": {"original": {"tap": self.aad[rows].float()}}}, "member": self.member[rows]}
            for rows in torch.from_numpy(self.order.batches(self.epoch))
        ]
        self.epoch += 1
        return torch.utils.data.DataLoader(batches, batch_size=None)


class LastWeights(MINTTable):
    """A table whose heads end with the weights of the last epoch, as those of `fit` in memory do."""

    def end(self) -> None:
        pass


def problem(network: int, shape: tuple[int, ...]) -> Tensor:
    """AAD of 512 images on one of several networks, rounded as it would be in a store."""
    aad = torch.randn(512, *shape, generator=torch.Generator().manual_seed(network))
    aad[:256] += 0.3 + 0.1 * network  # rows of the first partition are the members
    return aad.half() if len(shape) == 3 else aad


def module(kind: str, shape: tuple[int, ...], seed: int) -> MINT:
    if kind == "cnn":
        return CNNMINT([list(shape)], ["tap"], filters=(4, 6), width=8, dropout=0.2, seed=seed)
    return VanillaMINT([list(shape)], ["tap"], seed=seed)


@pytest.mark.parametrize(
    ("kind", "shape", "networks", "seeds"),
    [("vanilla", (6,), 3, 2), ("vanilla", (6,), 1, 1), ("cnn", (3, 6, 6), 2, 1)],
    ids=["stack of networks and seeds", "one vanilla head", "cnn heads"],
)
def test_weights_after_fifty_steps(kind: str, shape: tuple[int, ...], networks: int, seeds: int) -> None:
    keys = bare_keys(np.full((2, 8), 32))
    member = keys.partition == "g0"
    order = EpochOrder(keys, (np.flatnonzero(member), np.flatnonzero(~member)), batch_size=64, seed=3)
    assert order.steps * EPOCHS >= 50
    rows = np.arange(len(keys))
    bank = Bank(rows, {f"net {n}": {("original", "tap"): problem(n, shape)} for n in range(networks)})
    recipe = Recipe(EPOCHS, patience=99)
    cells = [
        Cell(
            "row", f"net {n}", [("original", "tap")], module(kind, shape, seed).head.double(), order, rows, seed, recipe
        )
        for n in range(networks)
        for seed in range(seeds)
    ]
    assert isinstance(stacked(cells)[0], Stack) == (kind == "vanilla" and len(cells) > 1)
    learn_side_by_side(LastWeights(cells, Feed(bank), member), accelerator="cpu")
    for cell in cells:
        alone = module(kind, shape, cell.seed).double()
        data = Vectors(problem(int(cell.network[4:]), shape), member, order)
        trainer = L.Trainer(
            max_epochs=EPOCHS, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, reload_dataloaders_every_n_epochs=1,
        )  # fmt: skip
        trainer.fit(alone, datamodule=data)
        assert trainer.global_step >= 50
        for name, value in alone.head.state_dict().items():
            torch.testing.assert_close(cell.head.state_dict()[name], value, atol=1e-5, rtol=0)
