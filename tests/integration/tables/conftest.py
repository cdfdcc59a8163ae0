"""A shard set, the table made on it without interruption, and a count of what a test computes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from mint_lightning.learning.audit import TableRun, run_table
from tests.membership_set import partitioned_set
from tests.small_table import ROWS, Work, faces, settings


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return partitioned_set(tmp_path_factory.mktemp("set") / "shards", identities=160)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Figures are compared bit by bit, also with those of another process."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def whole(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TableRun, Path]:
    """The table, made without interruption, and its store."""
    store = tmp_path_factory.mktemp("store")
    return run_table(faces(shards), ROWS, settings(store)), store


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(monkeypatch)
