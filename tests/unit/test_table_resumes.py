"""Heads that were interrupted go on exactly, and nothing that is finished is learnt again."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mint_lightning.heads import CNNHead, VanillaHead
from mint_lightning.learning import shelf as shelf_module
from mint_lightning.learning import table as table_module
from mint_lightning.learning.bank import Bank
from mint_lightning.learning.cell import Cell
from mint_lightning.learning.feed import Feed
from mint_lightning.learning.initial import seeded
from mint_lightning.learning.recipe import Recipe
from mint_lightning.learning.shelf import Shelf
from mint_lightning.learning.stack import Single, Stack
from mint_lightning.learning.table import MINTTable, learn_side_by_side
from mint_lightning.shards import EpochOrder
from tests.shard_sets import bare_keys

pytestmark = pytest.mark.unit

KEYS = bare_keys(np.full((2, 8), 16))
MEMBER = KEYS.partition == "g0"
ROWS = np.arange(len(KEYS))
EPOCHS = 6
LONG, SHORT = Recipe(EPOCHS, patience=99), Recipe(EPOCHS, patience=1, weight_decay=1.0)


def bank() -> Bank:
    """Vectors and maps of two networks, members moved a little."""
    draw = torch.Generator().manual_seed(0)
    moved = torch.from_numpy(MEMBER).float()
    aad: dict[str, dict[Any, Any]] = {}
    for name in ("audited", "twin 1"):
        vectors = torch.randn(len(KEYS), 6, generator=draw) + 0.3 * moved[:, None]
        maps = torch.randn(len(KEYS), 2, 4, 4, generator=draw) + 0.2 * moved[:, None, None, None]
        aad[name] = {("original", "tap"): vectors, ("original", "tap:map"): maps.half()}
    return Bank(ROWS, aad)


def order(batch_size: int = 64) -> EpochOrder:
    return EpochOrder(KEYS, (np.flatnonzero(MEMBER), np.flatnonzero(~MEMBER)), batch_size=batch_size, seed=3)


def cells(recipe: Recipe, seeds: int = 3, kinds: tuple[str, ...] = ("vanilla", "cnn")) -> list[Cell]:
    """Heads of both kinds on both networks, named as their keys would name them."""
    found, orders = [], {"vanilla": order(64), "cnn": order(128)}
    for kind in kinds:
        for name in ("audited", "twin 1"):
            for seed in range(seeds if kind == "vanilla" else 1):
                with seeded(seed):
                    head = VanillaHead([(6,)]) if kind == "vanilla" else CNNHead([(2, 4, 4)], (2, 3), width=4)
                request = ("original", "tap" if kind == "vanilla" else "tap:map")
                cell = Cell(kind, name, [request], head, orders[kind], ROWS, seed, recipe)
                cell.key = f"{kind}-{name}-{seed}".replace(" ", "")
                found.append(cell)
    return found


def learn(made: list[Cell], folder: Path | None) -> list[Cell]:
    learn_side_by_side(MINTTable(made, Feed(bank()), MEMBER, Shelf(folder) if folder else None), accelerator="cpu")
    return made


class Killed(BaseException):
    """No code of ours handles it."""


def kill_at(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, call: int) -> None:
    """The `call`-th call of `owner.name` never comes to its work."""
    kept: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def counted(*args: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        return kept(*args, **named)

    monkeypatch.setattr(owner, name, counted)


@pytest.fixture
def epochs(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many epochs each head has begun, by its key."""
    found: Counter[str] = Counter()
    for learner in (Single, Stack):
        begin = learner.begin

        def counted(self: Any, begin: Any = begin) -> None:
            found.update(cell.key for cell in self.cells)
            begin(self)

        monkeypatch.setattr(learner, "begin", counted)
    return found


def assert_same(one: list[Cell], other: list[Cell], atol: float = 0.0) -> None:
    for a, b in zip(one, other, strict=True):
        assert a.history == pytest.approx(b.history, abs=0 if atol == 0 else 1e-3)
        assert (a.done, a.best_epoch) == (b.done, b.best_epoch)
        for name, value in a.head.state_dict().items():
            torch.testing.assert_close(b.head.state_dict()[name], value, atol=atol, rtol=0)


@pytest.mark.parametrize(
    ("owner", "name", "call"),
    [
        (Stack, "step", 2),  # in the first epoch: nothing is kept yet
        (Stack, "step", 14),  # in a later one
        (MINTTable, "validated", 20),  # some heads of an epoch are judged
        (shelf_module, "_write", 12),  # some heads of an epoch are kept and others not
        (shelf_module, "_write", 41),  # the last epoch: some are finished
    ],
)
@pytest.mark.parametrize("recipe", [LONG, SHORT], ids=["all epochs", "heads stop one by one"])
def test_what_was_killed_goes_on_exactly(
    owner: Any, name: str, call: int, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    epochs: Counter[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(table_module, "KEEP_SECONDS", 0.0)
    whole = learn(cells(recipe), None)
    wanted = Counter(epochs)
    epochs.clear()
    with monkeypatch.context() as killed:
        kill_at(killed, owner, name, call)
        try:
            learn(cells(recipe), tmp_path)
        except Killed:
            pass
        else:
            assert recipe is SHORT, "heads that stop early may never come so far"
    resumed = learn(cells(recipe), tmp_path)
    assert_same(whole, resumed)
    twice = epochs - wanted
    assert not wanted - epochs
    assert all(count == 1 for count in twice.values()), "no more than the epoch under way is learnt again"


def test_heads_of_short_epochs_are_kept_together_where_one_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an epoch worth writing a stack is there as it was when the last of its heads had finished."""
    monkeypatch.setattr(table_module, "KEEP_SECONDS", 1e9)
    whole = learn(cells(SHORT), None)
    assert len({len(cell.history) for cell in whole}) > 1
    with monkeypatch.context() as killed:
        kill_at(killed, MINTTable, "on_train_epoch_start", max(len(cell.history) for cell in whole))
        with pytest.raises(Killed):
            learn(cells(SHORT), tmp_path)
    kept = cells(SHORT)
    MINTTable(kept, Feed(bank()), MEMBER, Shelf(tmp_path))
    assert {cell.done for cell in kept} == {True, False}
    assert all(cell.done for cell in kept if cell.epoch and cell.name != "vanilla")
    assert_same(whole, learn(cells(SHORT), tmp_path))


def test_new_heads_beside_those_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads at epoch 0 and at epoch 4 in one table, of the same row and order: each takes the batches of its epoch."""
    monkeypatch.setattr(table_module, "KEEP_SECONDS", 0.0)
    with monkeypatch.context() as killed:
        kill_at(killed, MINTTable, "on_train_epoch_start", 5)
        with pytest.raises(Killed):
            learn(cells(LONG, seeds=2, kinds=("vanilla",)), tmp_path)
    mixed = cells(LONG, seeds=4)
    table = MINTTable(mixed, Feed(bank()), MEMBER, Shelf(tmp_path))
    assert sorted({cell.epoch for cell in mixed}) == [0, 4]
    learn_side_by_side(table, accelerator="cpu")
    assert_same(learn(cells(LONG, seeds=4), None), mixed, atol=1e-5)


def test_finished_heads_are_neither_learnt_nor_written_again(tmp_path: Path, epochs: Counter[str]) -> None:
    learn(cells(LONG, seeds=2), tmp_path)
    kept = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*.safetensors")}
    epochs.clear()
    grown = learn(cells(LONG, seeds=3), tmp_path)
    assert set(epochs) == {cell.key for cell in grown if cell.seed == 2}
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in kept} == kept
    assert not [path for path in tmp_path.rglob("*") if ".part." in path.name or path.name.endswith(".partial")]


@pytest.mark.parametrize("harm", ["cut", "empty", "noise", "other"])
def test_a_damaged_head_is_learnt_anew(harm: str, tmp_path: Path, epochs: Counter[str]) -> None:
    whole = learn(cells(LONG, seeds=1, kinds=("vanilla",)), tmp_path)
    path = next(path for path in tmp_path.rglob("*.done.safetensors") if "audited" in path.name)
    content = path.read_bytes()
    other = next(each for each in tmp_path.rglob("*.done.safetensors") if each != path)
    foreign = {name: value[:1] for name, value in load_file(other).items() if value.ndim}
    damaged = {"cut": content[: len(content) // 2], "empty": b"", "noise": b"\xff" * 200}
    if harm == "other":
        shelf_module._write(path, foreign, {"best_auc": 1.0})
    else:
        path.write_bytes(damaged[harm])
    epochs.clear()
    again = learn(cells(LONG, seeds=1, kinds=("vanilla",)), tmp_path)
    assert set(epochs) == {"vanilla-audited-0"}
    assert_same(whole, again, atol=1e-5)


def test_scores_of_finished_heads_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = cells(LONG, seeds=1)
    table = MINTTable(made, Feed(bank()), MEMBER, Shelf(tmp_path))
    learn_side_by_side(table, accelerator="cpu")
    first = table.final_scores(made, ROWS)
    again = cells(LONG, seeds=1)
    table = MINTTable(again, Feed(bank()), MEMBER, Shelf(tmp_path))
    learn_side_by_side(table, accelerator="cpu")
    monkeypatch.setattr(VanillaHead, "forward", None)
    second = table.final_scores(again, ROWS)
    assert [scores.tolist() for scores in first.values()] == [scores.tolist() for scores in second.values()]
