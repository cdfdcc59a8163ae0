"""Processes that are killed for good, or that work on one store together."""

import json
import multiprocessing
import signal
from collections import Counter
from pathlib import Path

import pytest
import yaml

from mint_lightning.cli import main
from mint_lightning.learning.audit import TableRun, estimate_table, run_table
from tests.small_table import ROWS, Work, assert_same, config, faces, make_killed, settings

pytestmark = pytest.mark.integration

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.small_table"])
"""The heavy modules are imported once for all processes that are to be killed."""

PASS, HEADS = "mint_lightning.audited.store.Entry.add", "mint_lightning.learning.stack.Stack.step"
KEPT, PAGE = "mint_lightning.learning.shelf._write", "mint_lightning.commands.publish.write_html"


def killed(where: str, call: int, shards: Path, store: Path, door: Path | None = None) -> None:
    """Make the table in a process of its own that is killed at the `call`-th call of `where`."""
    process = FORKS.Process(target=make_killed, args=(where, call, shards, store, door))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize(
    "call",
    [pytest.param(4, id="in the first part", marks=pytest.mark.slow), pytest.param(17, id="between parts of two taps")],
)
def test_killed_in_the_pass(call: int, shards: Path, whole: tuple[TableRun, Path], tmp_path: Path, work: Work) -> None:
    killed(PASS, call, shards, tmp_path)
    left = estimate_table(faces(shards), ROWS, settings(tmp_path))
    work.clear()
    run = run_table(faces(shards), ROWS, settings(tmp_path))
    assert_same(whole[0], run)
    entries = 12  # requests of three networks
    assert sum(work.forwards.values()) == left.forwards
    assert max(work.images.values()) <= left.images - 32 * ((call - 1) // entries), "a part is lost at most"


@pytest.mark.parametrize(("where", "call"), [pytest.param(HEADS, 2, marks=pytest.mark.slow), (HEADS, 30), (KEPT, 25)])
def test_killed_while_heads_learn(
    where: str, call: int, shards: Path, whole: tuple[TableRun, Path], tmp_path: Path, work: Work
) -> None:
    run_table(faces(shards), ROWS, settings(tmp_path / "other"))
    wanted = Counter(work.epochs)
    killed(where, call, shards, tmp_path)
    work.clear()
    run = run_table(faces(shards), ROWS, settings(tmp_path))
    assert not work.images
    assert_same(whole[0], run)
    if call > 20:
        assert any(work.epochs[head] < count for head, count in wanted.items())
    assert all(work.epochs[head] <= count for head, count in wanted.items())


def test_killed_while_it_is_published(
    shards: Path, whole: tuple[TableRun, Path], tmp_path: Path, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = tmp_path / "table.yaml"
    door.write_text(yaml.safe_dump(config(shards, tmp_path / "store")))
    killed(PAGE, 1, shards, tmp_path / "store", door)
    monkeypatch.chdir(tmp_path)
    assert not Path("mlruns/tables/killed").exists()
    assert main(["table", "--config", str(door)]) == 0
    assert not work.images
    assert not work.epochs
    document = json.loads(Path("mlruns/tables/killed/table.json").read_text())
    assert document["evidence"] == json.loads(json.dumps(whole[0].evidence.to_json()))


def test_two_tables_at_once_in_one_store(
    shards: Path, whole: tuple[TableRun, Path], tmp_path: Path, work: Work
) -> None:
    both = [FORKS.Process(target=make_killed, args=("", 0, shards, tmp_path, None)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
        assert process.exitcode == 0
    run = run_table(faces(shards), ROWS, settings(tmp_path))
    assert not work.images
    assert not work.epochs
    assert_same(whole[0], run)
    assert not list(tmp_path.rglob("*.partial"))
