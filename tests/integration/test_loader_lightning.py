"""The training loader under Lightning's own loops: stopped anywhere, it goes on as if it had not stopped."""

import multiprocessing
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from torch import Tensor, nn

from mint_lightning.shards.batch import Batch
from mint_lightning.shards.loader import EvalLoader, TrainLoader
from mint_lightning.shards.order import EpochOrder
from tests.shard_sets import open_set, pack_noise

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore:Checkpoint directory")]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_noise(tmp_path_factory.mktemp("shards") / "noise", people=80)


def order_of(root: Path) -> EpochOrder:
    _, keys = open_set(root)
    return EpochOrder(keys, (keys.where(["d"], ["fit"]), keys.where(["e"], ["fit"])), 32, 0)


class Brightness(L.LightningModule):
    """Learns a little and writes down what it saw."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(3, 1)
        self.seen: list[tuple[int, list[int]]] = []
        self.validated: list[int] = []

    def training_step(self, batch: Batch, index: int) -> Tensor:
        self.seen.append((self.current_epoch, batch["row"].tolist()))
        means = batch["images"].float().mean((2, 3)) / 255
        return (self.layer(means) - batch["row"][:, None] % 2).square().mean()

    def validation_step(self, batch: Batch, index: int) -> None:
        self.validated += batch["row"].tolist()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)


class StopAfter(Callback):
    """Breaks off once a batch is trained on, as a lost machine would: only the checkpoint is left."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        if trainer.global_step == self.steps:
            raise Lost


class Lost(Exception):
    pass


def fit(root: Path, folder: Path, *, stop: int | None = None, resume: Path | None = None, **loading: Any) -> Brightness:
    _, keys = open_set(root)
    module = Brightness()
    train = TrainLoader(root, order_of(root), **loading)
    validate = EvalLoader(root, keys, keys.where(splits=["validate"]), batch_size=16, **loading)
    saver = ModelCheckpoint(folder, filename="{step}", every_n_train_steps=1, save_top_k=-1)
    trainer = L.Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=False,
        callbacks=[saver] + ([StopAfter(stop)] if stop else []),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=1,
    )
    trainer.fit(module, train, validate, ckpt_path=resume, weights_only=True)
    assert not multiprocessing.active_children()
    return module


@pytest.fixture(scope="module")
def whole(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Brightness:
    return fit(root, tmp_path_factory.mktemp("whole"))


def test_lightning_trains_on_the_order_epoch_by_epoch(root: Path, whole: Brightness) -> None:
    order = order_of(root)
    assert whole.seen == [(epoch, rows) for epoch in range(3) for rows in order.batches(epoch).tolist()]
    _, keys = open_set(root)
    assert np.bincount(whole.validated)[keys.where(splits=["validate"])].min() == 3


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stop", [2, 4, 5, 6, 8, 10])
def test_a_run_that_was_stopped_goes_on_bit_for_bit(
    root: Path, whole: Brightness, tmp_path: Path, stop: int, workers: int
) -> None:
    assert order_of(root).steps == 5
    with pytest.raises(Lost):
        fit(root, tmp_path, stop=stop + 1, workers=workers)
    module = fit(root, tmp_path, resume=tmp_path / f"step={stop}.ckpt", workers=2 - workers)
    assert module.seen == whole.seen[stop:]
    for name, value in module.state_dict().items():
        assert torch.equal(value, whole.state_dict()[name])


@pytest.mark.parametrize("context", ["spawn", "forkserver"])
def test_workers_that_are_not_forked_see_the_same(root: Path, context: str) -> None:
    order = order_of(root)
    loader = TrainLoader(root, order, rank=1, world_size=2, workers=1, multiprocessing_context=context)
    loader.load_state_dict(TrainLoader(root, order).state_dict() | {"epoch": 4, "batches": 2})
    half = slice(order.batch_size // 2, None)
    assert [batch["row"].tolist() for batch in loader] == order.batches(4)[2:, half].tolist()
    assert [batch["row"].tolist() for batch in loader] == order.batches(5)[:, half].tolist()
    loader.close()
