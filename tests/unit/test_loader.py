"""The loaders: the same batches by any number of processes and workers, resumed exactly, and no worker left behind."""

import gc
import multiprocessing
import os
import signal
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from mint_lightning.errors import UserError
from mint_lightning.shards.batch import Batch
from mint_lightning.shards.loader import EvalLoader, TrainLoader
from mint_lightning.shards.order import EpochOrder
from tests.shard_sets import open_set, pack_noise

pytestmark = [pytest.mark.unit, pytest.mark.filterwarnings("ignore:This DataLoader will create")]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_noise(tmp_path_factory.mktemp("shards") / "noise", people=80)


def order_of(root: Path, batch_size: int = 32, seed: int = 0) -> EpochOrder:
    _, keys = open_set(root)
    return EpochOrder(keys, (keys.where(["d"], ["fit"]), keys.where(["e"], ["fit"])), batch_size, seed)


def rows_of(batches: list[Batch]) -> list[list[int]]:
    return [batch["row"].tolist() for batch in batches]


@pytest.mark.parametrize(("world", "workers"), [(1, 0), (1, 1), (1, 3), (2, 0), (2, 2), (8, 0)])
def test_every_number_of_processes_and_workers_gives_the_global_batches(root: Path, world: int, workers: int) -> None:
    order = order_of(root)
    loaders = [TrainLoader(root, order, rank=rank, world_size=world, workers=workers) for rank in range(world)]
    for epoch in range(2):
        epochs = [list(loader) for loader in loaders]
        assert [len(batches) for batches in epochs] == [len(loader) for loader in loaders] == [order.steps] * world
        rows = np.concatenate([np.array(rows_of(batches)) for batches in epochs], axis=1)
        assert np.array_equal(rows, order.batches(epoch))
    for loader in loaders:
        loader.close()


def test_workers_give_the_same_pixels(root: Path) -> None:
    order = order_of(root)
    with_workers = TrainLoader(root, order, workers=2)
    for here, there in zip(TrainLoader(root, order), with_workers, strict=True):
        assert torch.equal(here["images"], there["images"])
        assert not there["images"].is_shared()
    with_workers.close()


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stop", [1, 4, 5, 6])
def test_a_kept_place_is_gone_on_from_exactly_by_other_processes_and_workers(
    root: Path, workers: int, stop: int
) -> None:
    order = order_of(root)
    assert order.steps == 5
    loader, seen = TrainLoader(root, order, workers=workers), []
    while len(seen) < stop:
        for batch in loader:
            seen.append(batch)
            if len(seen) == stop:
                state = loader.state_dict()
                break
    loader.close()
    sequence = np.concatenate([order.batches(epoch) for epoch in range(3)])
    resumed = [TrainLoader(root, order_of(root), rank=rank, world_size=2, workers=2 - workers) for rank in range(2)]
    for other in resumed:
        other.load_state_dict(state)
        assert len(other) == order.steps
    rest = np.concatenate([np.array(rows_of(list(other))) for other in resumed], axis=1)
    assert np.array_equal(rest, sequence[stop : stop + order.steps - stop % order.steps])
    following = np.concatenate([np.array(rows_of(list(other))) for other in resumed], axis=1)
    assert np.array_equal(following, order.batches(1 + stop // order.steps))
    for other in resumed:
        other.close()


@pytest.mark.parametrize("workers", [0, 2])
def test_iterations_left_early_cut_the_same_sequence(root: Path, workers: int) -> None:
    order = order_of(root)
    loader, seen = TrainLoader(root, order, workers=workers), []
    for _ in range(5):
        for batch in islice(loader, 3):
            seen.append(batch["row"].tolist())
    assert seen == np.concatenate([order.batches(epoch) for epoch in range(3)]).tolist()
    assert (loader.epoch, loader.batches) == (3, 0)
    loader.close()


def test_asking_for_an_iterator_changes_nothing_until_it_is_used(root: Path) -> None:
    order = order_of(root)
    loader = TrainLoader(root, order, workers=2)
    iter(loader)
    iter(loader)
    assert loader.state_dict()["batches"] == 0
    assert not multiprocessing.active_children()
    assert rows_of(list(loader)) == order.batches(0).tolist()
    loader.close()


def test_an_older_iteration_does_not_take_the_batches_of_a_newer(root: Path) -> None:
    loader = TrainLoader(root, order_of(root))
    older = iter(loader)
    next(older)
    next(iter(loader))
    with pytest.raises(RuntimeError, match="newer iteration"):
        next(older)


@pytest.mark.parametrize("kind", ["train", "eval"])
def test_workers_live_on_from_epoch_to_epoch_and_end_with_the_loader(root: Path, kind: str) -> None:
    _, keys = open_set(root)
    loader: TrainLoader | EvalLoader = TrainLoader(root, order_of(root), workers=2)
    if kind == "eval":
        loader = EvalLoader(root, keys, np.arange(90), batch_size=8, workers=2)
    list(loader)
    first = {process.pid for process in multiprocessing.active_children()}
    assert len(first) == 2
    for _ in range(3):
        next(iter(loader))
        list(loader)
    assert {process.pid for process in multiprocessing.active_children()} == first
    loader.close()
    assert not multiprocessing.active_children()
    list(loader)
    assert len(multiprocessing.active_children()) == 2
    del loader
    gc.collect()
    assert not multiprocessing.active_children()


def test_loading_leaves_the_random_numbers_of_the_model_alone(root: Path) -> None:
    state = torch.get_rng_state()
    for workers in (0, 2):
        loader = TrainLoader(root, order_of(root), workers=workers)
        next(iter(loader))
        loader.close()
    assert torch.equal(state, torch.get_rng_state())


def test_files_stay_few(root: Path) -> None:
    loader = TrainLoader(root, order_of(root), workers=2)
    kept = list(loader)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        kept += list(loader)
    assert len(os.listdir("/proc/self/fd")) <= before
    loader.close()


@pytest.mark.parametrize("name", ["lanes", "batch_size", "seed", "shards", "images", "schema"])
def test_a_state_of_something_else_is_refused_and_named(root: Path, name: str) -> None:
    loader = TrainLoader(root, order_of(root))
    state = loader.state_dict()
    state[name] = state[name][::-1] if isinstance(state[name], str) else state[name] + 1
    with pytest.raises(UserError, match=name.replace("shards", "shard set")):
        loader.load_state_dict(state)
    with pytest.raises(UserError):
        loader.load_state_dict({})


@pytest.mark.parametrize("place", [{"epoch": -1}, {"epoch": "1"}, {"batches": 10**6}, {"batches": None}])
def test_an_impossible_place_is_refused(root: Path, place: dict[str, object]) -> None:
    loader = TrainLoader(root, order_of(root))
    with pytest.raises(UserError, match="damaged"):
        loader.load_state_dict(loader.state_dict() | place)
    assert loader.state_dict()["epoch"] == 0


def test_the_state_holds_plain_values_and_no_rank(root: Path) -> None:
    states = [TrainLoader(root, order_of(root), rank=rank, world_size=2).state_dict() for rank in range(2)]
    assert states[0] == states[1]
    assert {type(value) for value in states[0].values()} == {int, str}


def test_more_workers_than_lanes_are_refused(root: Path) -> None:
    with pytest.raises(UserError, match=r"at most 4 workers"):
        TrainLoader(root, order_of(root), rank=0, world_size=2, workers=5)


@pytest.mark.parametrize(("world", "workers"), [(1, 0), (3, 0), (1, 2), (2, 3), (5, 1)])
def test_evaluation_sees_every_row_once_in_the_same_order_each_time(root: Path, world: int, workers: int) -> None:
    _, keys = open_set(root)
    rows = np.arange(5, 170)
    loaders = [
        EvalLoader(root, keys, rows, batch_size=16, rank=rank, world_size=world, workers=workers)
        for rank in range(world)
    ]
    first = [rows_of(list(loader)) for loader in loaders]
    assert [len(batches) for batches in first] == [len(loader) for loader in loaders]
    assert sorted(row for batches in first for batch in batches for row in batch) == rows.tolist()
    assert [rows_of(list(loader)) for loader in loaders] == first
    for loader in loaders:
        loader.close()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_tar_that_is_cut_ends_in_one_sentence(tmp_path: Path, workers: int) -> None:
    root = pack_noise(tmp_path / "noise")
    order = order_of(root)
    manifest, keys = open_set(root)
    tar = root / manifest.shards[keys.shard[order.batches(0)[-1, 0]]].name
    tar.write_bytes(tar.read_bytes()[:700])
    loader = TrainLoader(root, order, workers=workers)
    with pytest.raises(UserError) as caught:
        list(loader)
    assert tar.name in str(caught.value)
    assert "\n" not in str(caught.value)
    loader.close()


def test_a_killed_worker_ends_in_one_sentence(root: Path) -> None:
    loader = TrainLoader(root, order_of(root, 16), workers=2)
    batches = iter(loader)
    next(batches)
    (victim, *_) = multiprocessing.active_children()
    os.kill(victim.pid or 0, signal.SIGKILL)
    victim.join()
    with pytest.raises(UserError, match="worker process"):
        list(batches)
    assert not multiprocessing.active_children()
    assert len(list(loader)) == order_of(root, 16).steps
    loader.close()
