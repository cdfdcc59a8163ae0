"""Every head alone as a run of a real store: to be filtered and sorted, and what stays where the store dies midway."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from mint_lightning.tracking import log_table, open_store
from mint_lightning.tracking.journal import file_system, quick_commits
from tests.evidence_fixture import context
from tests.tracked_table import cells_evidence

pytestmark = pytest.mark.integration
EVERY = {"table": 1, "row": 4, "cell": 4 * 3 * 2 + 2}


@pytest.fixture(autouse=True)
def _no_uri_from_outside(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    monkeypatch.setattr("mint_lightning.tracking.runs.figures.pictures", lambda _: ())  # a second each


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return open_store(tmp_path_factory.mktemp("root"))


def kinds(store, experiment: str) -> dict[str, int]:
    runs = store.client.search_runs([store.experiment(experiment)], max_results=1000)
    found = [run.data.tags["kind"] for run in runs]
    return {kind: found.count(kind) for kind in found}


def test_each_head_alone_is_a_flat_child_to_sort_and_filter_by(store):
    evidence = cells_evidence(rows=4)
    parent = log_table(evidence, context(), store=store, experiment="cells")
    assert kinds(store, "cells") == EVERY
    found = store.client.search_runs(
        [store.experiment("cells")],
        "tags.kind = 'cell' and params.tap = 'conv2' and params.head = 'vanilla' and tags.role = 'audited'",
        order_by=["metrics.auc DESC"],
    )
    row = next(row for row in evidence.rows if (row.tap, row.head) == ("conv2", "vanilla"))
    assert [run.data.metrics["auc"] for run in found] == [head.auc.value for head in reversed(row.heads[:2])]
    for run in found:
        assert run.data.tags["mlflow.parentRunId"] == parent
        assert (run.data.tags["row"], run.data.tags["finds"]) == (row.name, "no")
        assert run.data.tags["fingerprint"] == context().fingerprint
        assert run.info.status == "FINISHED"
        assert run.info.end_time is not None
    history = store.client.get_metric_history(found[0].info.run_id, "validate_auc_by_epoch")
    assert [(point.step, point.value) for point in sorted(history, key=lambda point: point.step)] == [
        (epoch, pytest.approx(value, abs=5e-5)) for epoch, value in enumerate(row.heads[1].curve)
    ]
    (pixels, _) = store.client.search_runs([store.experiment("cells")], "params.tap = 'pixels'")
    assert pixels.data.tags["role"] == "pixels"


@pytest.mark.parametrize("call", ["create_run", "log_batch", "set_terminated"])
def test_a_store_that_dies_midway_leaves_no_run_open_and_the_same_table_can_be_logged_again(store, monkeypatch, call):
    evidence, calls = cells_evidence(rows=2), []
    real = getattr(MlflowClient, call)

    def dies(self, *args, **kwargs):
        calls.append(args)
        if len(calls) == 12:
            raise MlflowException("database is locked")
        return real(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, call, dies)
        with pytest.raises(MlflowException, match="locked"):
            log_table(evidence, context(), store=store, experiment=call)
    runs = store.client.search_runs([store.experiment(call)], max_results=1000)
    status = {run.info.status for run in runs}
    assert [run.info.status for run in runs if run.data.tags["kind"] == "table"] == ["FAILED"]
    assert 8 < len(runs) < 15
    assert status <= {"FINISHED", "FAILED"}
    log_table(evidence, context(), store=store, experiment=call)
    assert kinds(store, call) == {"table": 1, "row": 2, "cell": 14}  # what the first attempt left does not stand beside


def test_a_table_that_breaks_while_it_is_logged_is_marked_failed(store, monkeypatch):

    def broken(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("mint_lightning.tracking.runs.write_html", broken)
    with pytest.raises(KeyboardInterrupt):
        log_table(cells_evidence(rows=2), context(), store=store, experiment="broken")
    (parent,) = store.client.search_runs([store.experiment("broken")], "tags.kind = 'table'")
    assert parent.info.status == "FAILED"


def test_another_table_that_failed_stays(store, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("mint_lightning.tracking.runs.write_children", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            log_table(cells_evidence(rows=2), context(), store=store, experiment="two")
    log_table(cells_evidence(rows=4), context(), store=store, experiment="two")
    assert kinds(store, "two") == EVERY | {"table": 2}


def test_the_database_is_in_its_own_mode_before_and_after(store):
    database = Path(store.uri.removeprefix("sqlite:///"))

    def mode() -> str:
        with closing(sqlite3.connect(database)) as connection:
            return connection.execute("PRAGMA journal_mode").fetchone()[0]

    before = mode()
    with quick_commits(store.uri):
        assert mode() == ("wal" if file_system(database) in ("ext4", "overlay", "tmpfs", "xfs", "btrfs") else before)
        store.experiment("written meanwhile")
        assert store.client.get_experiment_by_name("written meanwhile") is not None
    assert mode() == before == "delete"
    assert not list(database.parent.glob("*.db-*"))


def test_a_reader_elsewhere_is_left_alone_and_a_network_drive_untouched(store, monkeypatch, tmp_path):
    database = Path(store.uri.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(database)) as page:
        page.execute("SELECT count(*) FROM runs").fetchone()
        with quick_commits(store.uri):
            store.experiment("while the page is open")
        assert page.execute("SELECT count(*) FROM experiments WHERE name = 'while the page is open'").fetchone() == (1,)
    (tmp_path / "mounts").write_text(f"server:/home {database.parent} nfs4 rw 0 0\noverlay / overlay rw 0 0\n")
    monkeypatch.setattr("mint_lightning.tracking.journal.MOUNTS", tmp_path / "mounts")
    assert file_system(database) == "nfs4"
    before = database.stat().st_mtime_ns
    with quick_commits(store.uri):
        assert not list(database.parent.glob("*.db-wal"))
    assert database.stat().st_mtime_ns == before


@pytest.mark.slow
def test_hundreds_of_cells_are_written_within_a_minute(tmp_path):
    store, began = open_store(tmp_path), time.process_time()
    log_table(cells_evidence(rows=54, networks=5, seeds=3, epochs=30), context(), store=store)
    assert kinds(store, "tables")["cell"] == 813
    assert time.process_time() - began < 60
