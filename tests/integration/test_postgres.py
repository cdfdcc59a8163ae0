"""A tracking store on a real PostgreSQL server: tables, what is read back from them, and the registry."""

import subprocess
import sys
import time

import pytest

from mint_lightning.errors import UserError
from mint_lightning.tracking import log_table, open_store, read_tables
from mint_lightning.tracking.registry import register
from tests import postgres_server
from tests.evidence_fixture import context
from tests.finished_table import finished_table
from tests.tracked_table import cells_evidence

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(postgres_server.missing() is not None, reason=str(postgres_server.missing())),
]
FIRST_USE = """
import sys
from mint_lightning.tracking.store import open_store
print(open_store(sys.argv[1], sys.argv[2]).experiment("first"))
"""


@pytest.fixture(scope="module")
def address():
    with postgres_server.server() as found:
        yield found


@pytest.fixture(scope="module")
def store(address, tmp_path_factory):
    """A store that two processes used first, at once."""
    root = tmp_path_factory.mktemp("root")
    command = [sys.executable, "-c", FIRST_USE, str(root), address]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate(timeout=100) for process in started]
    assert [error for _, error in answers] == ["", ""]
    assert len({out for out, _ in answers}) == 1
    return open_store(root, address)


def test_a_table_is_logged_found_and_read_back(store):
    evidence = cells_evidence(rows=4)
    log_table(evidence, context(), store=store, experiment="tables")
    found = store.client.search_runs(
        [store.experiment("tables")],
        "tags.kind = 'cell' and params.tap = 'conv2' and params.role = 'audited'",
        order_by=["metrics.auc DESC"],
    )
    values = [head.auc.value for row in evidence.rows if row.tap == "conv2" for head in row.heads[:2]]
    assert [run.data.metrics["auc"] for run in found] == sorted(values, reverse=True)
    assert {run.info.status for run in store.client.search_runs([store.experiment("tables")])} == {"FINISHED"}
    (table,) = read_tables(store).tables
    assert table.evidence == evidence


def test_a_store_that_dies_midway_is_cleaned_up_when_the_table_is_logged_again(store, monkeypatch):
    evidence = cells_evidence(rows=2)
    with monkeypatch.context() as patch:
        real, calls = type(store.client).log_batch, []

        def dies(self, *args, **kwargs):
            calls.append(1)
            if len(calls) > 9:
                raise OSError("gone")
            return real(self, *args, **kwargs)

        patch.setattr(type(store.client), "log_batch", dies)
        with pytest.raises(OSError, match="gone"):
            log_table(evidence, context(), store=store, experiment="dies")
    runs = store.client.search_runs([store.experiment("dies")])
    assert 7 < len(runs) < 17
    assert {run.info.status for run in runs} == {"FINISHED", "FAILED"}
    log_table(evidence, context(), store=store, experiment="dies")
    assert len(store.client.search_runs([store.experiment("dies")])) == 1 + 2 + 2 * 6 + 2


def test_the_best_head_is_registered_and_loaded(store, tmp_path):
    import mlflow

    from mint_lightning.tracking.library import variable_kept

    evidence, _ = finished_table(tmp_path / "table")
    run = store.client.create_run(store.experiment("models")).info.run_id
    found = register(store, run, tmp_path / "table", evidence)
    with variable_kept():
        mlflow.set_tracking_uri(store.uri)
        assert mlflow.pyfunc.load_model(found.uri).metadata.signature is not None


def test_a_wrong_password_or_database_is_one_sentence_at_once_and_is_not_shown(address, tmp_path):
    start = time.monotonic()
    with pytest.raises(UserError, match=r"postgresql://mint:\*\*\*@.*/mint cannot be used: .*password") as error:
        open_store(tmp_path, address.replace("se%20cret", "wr0ng"))
    assert "wr0ng" not in str(error.value)
    with pytest.raises(UserError, match="nothing"):
        open_store(tmp_path, address.replace("/mint", "/nothing"))
    assert time.monotonic() - start < 10
