"""Reading: the right images in the right order from tars, and no more than needed."""

import io
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mint_lightning.errors import UserError
from mint_lightning.shards import batch as batch_module
from mint_lightning.shards import reader, stream
from mint_lightning.shards.batch import Batch
from mint_lightning.shards.order import EpochOrder
from mint_lightning.shards.reader import read_rows
from mint_lightning.shards.stream import EvalStream, TrainStream
from tests.shard_sets import noise_face, open_set, pack_noise

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_noise(tmp_path_factory.mktemp("shards") / "noise", people=80)


def order_of(root: Path, batch_size: int = 32, seed: int = 0) -> EpochOrder:
    _, keys = open_set(root)
    return EpochOrder(keys, (keys.where(["d"], ["fit"]), keys.where(["e"], ["fit"])), batch_size, seed)


def as_worker(monkeypatch: pytest.MonkeyPatch, number: int, workers: int) -> None:
    monkeypatch.setattr(stream, "get_worker_info", lambda: SimpleNamespace(id=number, num_workers=workers))


def test_images_come_with_the_pixels_that_were_packed(root: Path) -> None:
    order = order_of(root)
    for part, rows in zip(TrainStream(root, order), order.batches(0), strict=True):
        assert part["row"].tolist() == rows.tolist()
        assert part["images"].dtype == torch.uint8
        assert part["broken"] == []
        for image, row in zip(part["images"], rows, strict=True):
            person, photo = int(order.keys.identity[row][1:]), int(order.keys.origin[row].split(".")[0])
            assert np.array_equal(image.permute(1, 2, 0).numpy(), noise_face(person, photo, 16))


@pytest.mark.parametrize(
    ("world", "workers"),
    [(w, n) for w in (1, 2, 4, 8) for n in (None, 1, 2, 3, 8) if n is None or n * w <= 8],
)
def test_ranks_and_workers_together_read_the_global_batches(
    root: Path, monkeypatch: pytest.MonkeyPatch, world: int, workers: int | None
) -> None:
    order = order_of(root, seed=2)
    parts = []
    for rank in range(world):
        for number in range(workers or 1):
            if workers is not None:
                as_worker(monkeypatch, number, workers)
            train = TrainStream(root, order, rank=rank, world_size=world)
            train.start_at(3, 0)
            parts.append(np.stack([part["row"].numpy() for part in train]))
    assert np.array_equal(np.concatenate(parts, axis=1), order.batches(3))


def test_a_later_start_reads_on_exactly_and_decodes_nothing_before_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, decoded = order_of(root), []
    decode = batch_module.decode_image
    monkeypatch.setattr(batch_module, "decode_image", lambda data, suffix: decoded.append(1) or decode(data, suffix))
    train = TrainStream(root, order)
    train.start_at(1, order.steps - 2)
    assert [part["row"].tolist() for part in train] == order.batches(1)[-2:].tolist()
    assert len(decoded) == 2 * order.batch_size


def test_a_subset_of_the_rows_drops_the_other_images(root: Path) -> None:
    _, keys = open_set(root)
    members = keys.where(["d"], ["fit"])
    order = EpochOrder(keys, (members[::3],), 8, 0)
    seen = np.concatenate([part["row"].numpy() for part in TrainStream(root, order)])
    assert len(seen) == order.steps * 8
    assert np.isin(seen, members[::3]).all()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_of_any_rows_can_be_read(root: Path, data: st.DataObject) -> None:
    manifest, keys = open_set(root)
    rows = np.array(data.draw(st.lists(st.integers(0, len(keys) - 1), unique=True, max_size=60)), dtype=np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "OPEN_SHARDS", data.draw(st.sampled_from([1, 2, 64])))
        found = list(read_rows(root, manifest, keys, rows, "png"))
    assert [row for row, _ in found] == rows.tolist()
    assert all(len(image) > 100 for _, image in found)


def test_tars_are_opened_once_few_at_a_time_and_only_where_needed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest, keys = open_set(root)
    opened: list[str] = []
    streams: list[io.BufferedReader] = []
    most = 0
    open_file: Callable[..., io.BufferedReader] = Path.open

    def counted(path: Path, *arguments: object, **named: object) -> io.BufferedReader:
        nonlocal most
        opened.append(path.name)
        streams.append(open_file(path, *arguments, **named))
        most = max(most, sum(not file.closed for file in streams))
        return streams[-1]

    monkeypatch.setattr(Path, "open", counted)
    monkeypatch.setattr(reader, "OPEN_SHARDS", 3)
    rows = np.random.default_rng(0).permutation(keys.where(["d"]))
    assert len(list(read_rows(root, manifest, keys, rows, "png"))) == len(rows)
    assert sorted(opened) == sorted(shard.name for shard in manifest.shards if shard.partition == "d")
    assert most == 3
    assert all(file.closed for file in streams)
    unfinished = read_rows(root, manifest, keys, rows, "png")
    next(unfinished)
    unfinished.close()
    assert all(file.closed for file in streams)


def test_images_passed_over_are_not_kept_in_memory(tmp_path: Path) -> None:
    root = pack_noise(tmp_path / "noise", people=200, lanes=1, size=64, shard_bytes=2**24)
    manifest, keys = open_set(root)
    rows = keys.where(["d"], ["fit"])[::-1].copy()
    tar = root / manifest.shards[keys.shard[rows[0]]].name
    assert len(set(keys.shard[rows])) == 1
    assert tar.stat().st_size > 5 * reader._PIECE
    images = read_rows(root, manifest, keys, rows, "png")
    tracemalloc.start()
    try:
        row, _ = next(images)  # the last of the tar: it was searched to its end
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert row == rows[0]
    assert held < 2 * reader._PIECE
    assert [row, *(row for row, _ in images)] == rows.tolist()


def test_a_row_asked_for_twice_is_a_mistake(root: Path) -> None:
    manifest, keys = open_set(root)
    with pytest.raises(ValueError, match="twice"):
        list(read_rows(root, manifest, keys, np.array([1, 2, 1]), "png"))


def evaluated(root: Path, rows: np.ndarray, batch_size: int, world: int, workers: int) -> list[list[Batch | None]]:
    _, keys = open_set(root)
    seen = []
    for rank in range(world):
        for number in range(workers):
            with pytest.MonkeyPatch.context() as patch:
                as_worker(patch, number, workers)
                seen.append(list(EvalStream(root, keys, rows, batch_size, rank=rank, world_size=world)))
    return seen


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batch_size=st.integers(1, 50),
    world=st.integers(1, 5),
    workers=st.integers(1, 4),
    count=st.integers(1, 90),
    seed=st.integers(0, 5),
)
def test_evaluation_sees_every_row_once(
    root: Path, batch_size: int, world: int, workers: int, count: int, seed: int
) -> None:
    rows = np.random.default_rng(seed).permutation(320)[:count]
    parts = evaluated(root, rows, batch_size, world, workers)
    seen = [row for part in parts for batch in part if batch is not None for row in batch["row"].tolist()]
    assert sorted(seen) == sorted(rows.tolist())
    assert all(len(batch["row"]) <= batch_size for part in parts for batch in part if batch is not None)
    for rank in range(world):
        own = parts[rank * workers : (rank + 1) * workers]
        assert len({len(part) for part in own}) == 1
        if count >= world:
            assert any(batch is not None for part in own for batch in part)


def test_what_is_in_an_evaluation_batch_does_not_depend_on_ranks_and_workers(root: Path) -> None:
    rows = np.arange(7, 300, 2)

    def batches(world: int, workers: int) -> set[tuple[int, ...]]:
        parts = evaluated(root, rows, 20, world, workers)
        return {tuple(batch["row"].tolist()) for part in parts for batch in part if batch is not None}

    assert batches(1, 1) == batches(3, 1) == batches(2, 3) == batches(1, 4)


def test_processes_that_do_not_divide_the_lanes_are_refused(root: Path) -> None:
    with pytest.raises(UserError, match=r"8 lanes.*3 processes: use 1, 2, 4 or 8"):
        TrainStream(root, order_of(root), rank=0, world_size=3)


def test_a_key_list_of_another_shard_set_is_refused(root: Path, tmp_path: Path) -> None:
    other = pack_noise(tmp_path / "noise", people=60)
    with pytest.raises(UserError, match="key list"):
        TrainStream(other, order_of(root))


def test_nothing_to_evaluate_is_said(root: Path) -> None:
    _, keys = open_set(root)
    with pytest.raises(UserError, match="no images"):
        EvalStream(root, keys, np.array([], dtype=np.int64), 8)


def test_a_stream_can_be_pickled(root: Path) -> None:
    train = TrainStream(root, order_of(root), rank=1, world_size=2)
    train.start_at(1, 2)
    again = pickle.loads(pickle.dumps(train))
    assert [part["row"].tolist() for part in again] == [part["row"].tolist() for part in train]
