"""Heads that learn side by side: each as if alone, the best epoch kept, only its own images used."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from mint_lightning.heads import Draw, VanillaHead
from mint_lightning.learning.bank import Bank
from mint_lightning.learning.cell import Cell
from mint_lightning.learning.feed import Feed
from mint_lightning.learning.initial import seeded
from mint_lightning.learning.objective import head_loss, head_optimizer
from mint_lightning.learning.recipe import Recipe
from mint_lightning.learning.stack import Stack, stacked
from mint_lightning.learning.table import MINTTable, learn_side_by_side
from mint_lightning.shards import EpochOrder
from tests.shard_sets import bare_keys

pytestmark = pytest.mark.unit

REQUEST = ("original", "tap")


def problem(shift: float, seed: int = 0) -> tuple[Bank, NDArray[np.bool_], EpochOrder, NDArray[np.int64]]:
    """Bank of 640 Gaussian vectors whose members are moved by `shift`; 512 to fit on, 128 to validate."""
    keys = bare_keys(np.full((2, 8), 40))
    member = keys.partition == "g0"
    noise = torch.randn(len(keys), 6, generator=torch.Generator().manual_seed(seed))
    aad = noise + shift * torch.from_numpy(member).float()[:, None]
    bank = Bank(np.arange(len(keys)), {"audited": {REQUEST: aad}})
    fit = keys.position < 32
    groups = (np.flatnonzero(member & fit), np.flatnonzero(~member & fit))
    return bank, member, EpochOrder(keys, groups, batch_size=64, seed=3), np.flatnonzero(~fit)


def cell(
    order: EpochOrder, validate: NDArray[np.int64], seed: int = 0, name: str = "row", recipe: Recipe | None = None
) -> Cell:
    with seeded(seed):
        head = VanillaHead([(6,)])
    return Cell(name, "audited", [REQUEST], head, order, validate, seed, recipe or Recipe(epochs=4, patience=99))


def learn(shift: float, epochs: int, cells: int = 1, patience: int = 99) -> tuple[MINTTable, NDArray[np.int64]]:
    bank, member, order, validate = problem(shift)
    recipe = Recipe(epochs=epochs, patience=patience)
    made = [cell(order, validate, seed, recipe=recipe) for seed in range(cells)]
    table = MINTTable(made, Feed(bank), member)
    learn_side_by_side(table, accelerator="cpu")
    return table, validate


def score(table: MINTTable, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    return table.scores(table.cells[:1], rows)[table.cells[0]][1]


def test_heads_find_what_is_there_and_not_what_is_not() -> None:
    found, validate = learn(shift=1.0, epochs=6)
    member = found.member.numpy()
    assert roc_auc_score(member[validate], score(found, validate)) > 0.9
    nothing, validate = learn(shift=0.0, epochs=6)
    assert roc_auc_score(member[validate], score(nothing, validate)) < 0.65


@pytest.mark.parametrize("cells", [2, 5])
def test_a_stacked_cell_equals_the_head_fitted_alone_by_a_plain_loop(cells: int) -> None:
    epochs = 4
    table, _ = learn(shift=0.5, epochs=epochs, cells=cells)
    bank, member, order, validate = problem(0.5)
    alone = cell(order, validate, seed=1).head
    alone.fit_standardisation([bank.aad["audited"][REQUEST][order.batches(0).reshape(-1)[:4096]]])
    optimizer = head_optimizer(alone, 1e-3, 0.0)
    best, kept, step = -1.0, {}, 0
    for epoch in range(epochs):
        alone.train()
        for rows in order.batches(epoch):
            inputs = [bank.aad["audited"][REQUEST][rows]]
            loss = head_loss(alone, inputs, torch.from_numpy(member[rows]), Draw(1, step, 0, len(rows)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
        alone.eval()
        with torch.no_grad():
            scores = alone([bank.aad["audited"][REQUEST][validate]]).logit
        auc = roc_auc_score(member[validate], scores)
        if auc > best:
            best, kept = auc, {name: value.clone() for name, value in alone.state_dict().items()}
    assert table.cells[1].best_auc == pytest.approx(best, abs=1e-6)
    for name, value in table.cells[1].head.state_dict().items():
        torch.testing.assert_close(value, kept[name], atol=1e-5, rtol=1e-5)


def test_a_head_that_no_longer_gains_stops() -> None:
    table, _ = learn(shift=3.0, epochs=50, patience=2)
    assert table.cells[0].done
    assert table.trainer.current_epoch < 20


def test_heads_that_stop_leave_the_others_as_if_alone() -> None:
    """Patience 1 stops heads of several seeds in different epochs; each ends as a table of its own would end it."""
    bank, member, order, validate = problem(0.3)
    recipe = Recipe(epochs=12, patience=1, weight_decay=1.0)
    together = MINTTable([cell(order, validate, seed, recipe=recipe) for seed in range(6)], Feed(bank), member)
    learn_side_by_side(together, accelerator="cpu")
    assert len({len(each.history) for each in together.cells}) > 1
    for each in together.cells:
        alone = cell(order, validate, each.seed, recipe=recipe)
        table = MINTTable([alone], Feed(bank), member)
        learn_side_by_side(table, accelerator="cpu")
        assert alone.history == pytest.approx(each.history, abs=1e-3)
        for name, value in alone.head.state_dict().items():
            torch.testing.assert_close(each.head.state_dict()[name], value, atol=1e-4, rtol=1e-4)


def test_only_like_heads_of_one_order_are_stacked() -> None:
    _, _, order, validate = problem(0.0)
    other = problem(0.0)[2]
    cells = [cell(order, validate, seed) for seed in range(3)] + [
        cell(other, validate),
        cell(order, validate, name="x"),
    ]
    cells.append(cell(order, validate, recipe=Recipe(rate=0.01)))
    sizes = [len(learner.cells) for learner in stacked(cells)]
    assert sorted(sizes) == [1, 1, 1, 3]
    assert [isinstance(learner, Stack) for learner in stacked(cells)] == [True, False, False, False]


def test_a_head_stops_at_the_epochs_of_its_own_recipe() -> None:
    bank, member, order, validate = problem(0.5)
    made = [cell(order, validate, epochs, recipe=Recipe(epochs=epochs, patience=99)) for epochs in (1, 3)]
    learn_side_by_side(MINTTable(made, Feed(bank), member), accelerator="cpu")
    assert [len(each.history) for each in made] == [1, 3]


def test_rows_whose_image_was_broken_are_left_out() -> None:
    bank, *_ = problem(0.0)
    holed = Bank(bank.rows[1:], {"audited": {REQUEST: bank.aad["audited"][REQUEST][1:]}})
    assert holed.positions(np.array([0, 1, 5])).tolist() == [0, 4]
