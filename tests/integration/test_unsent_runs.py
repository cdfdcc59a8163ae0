"""A logger whose server does not answer, refuses or comes back; no training, no server of MLflow's."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import OperationalError

from mint_lightning.cli import main
from mint_lightning.commands.track import track
from mint_lightning.errors import UserError
from mint_lightning.files import write_json
from mint_lightning.tracking import MintLogger, log_table, open_store
from mint_lightning.tracking.sending import find_run
from tests.evidence_fixture import context, table_evidence
from tests.mlflow_server import free_port

pytestmark = pytest.mark.integration

UNSENT = Path("mlruns/unsent")
HERE = "sqlite:///mlruns/mlflow.db"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with an empty store; making one takes seconds."""
    root = tmp_path_factory.mktemp("made")
    open_store(root, HERE)
    return root / "mlruns"


@pytest.fixture(autouse=True)
def _place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(made, tmp_path / "mlruns")
    monkeypatch.chdir(tmp_path)


@contextmanager
def answering(code: int) -> Iterator[str]:
    """A server that says the same to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(code)

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def test_a_dead_database_is_kept_without_its_password_and_sent_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    uri = f"postgresql://mint:se%20cret@127.0.0.1:{free_port()}/mint"
    logger = MintLogger("heads", run_name="one", tracking_uri=uri)
    logger.log_config(f"tracking_uri: {uri}\n")
    logger.log_hyperparams({"lr": 0.1})
    logger.log_metrics({"loss": 0.5}, 7)
    logger.log_evidence(table_evidence(3, rows=(("CNN conv4", "cnn", "conv4", 0.9),)), context())
    logger.finalize("success")
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "postgresql://mint:***@127.0.0.1" in said
    assert not [path for path in UNSENT.rglob("*") if path.is_file() and b"se%20cret" in path.read_bytes()]
    assert main(["sync"]) == 2
    assert "1 of 1 were not sent" in capsys.readouterr().err
    assert main(["sync", "--tracking-uri", HERE]) == 0
    assert "Sent heads/one: " in capsys.readouterr().out
    store = open_store()
    (run,) = store.client.search_runs([store.experiment("heads")])
    assert (run.info.run_name, run.info.status) == ("one", "FINISHED")
    assert (run.data.params["lr"], run.data.metrics["loss"]) == ("0.1", 0.5)
    assert "report.html" in {each.path for each in store.client.list_artifacts(run.info.run_id)}
    assert find_run(str(logger.run_id), Path(), None) == run.info.run_id
    later = MintLogger("heads", run_id=logger.run_id)
    assert later.run_id == run.info.run_id


@pytest.mark.parametrize("code", [401, 403, 404])
def test_who_is_not_let_in_is_told_at_once(code: int) -> None:
    with answering(code) as uri, pytest.raises(UserError, match=f"gives no experiments: .*{code}"):
        MintLogger("heads", tracking_uri=uri)
    assert not UNSENT.exists()


@pytest.mark.parametrize("uri", ["mlruns", "http://127.0.0.1:port", "nothing://here"])
def test_a_wrong_address_is_told_at_once(uri: str) -> None:
    with pytest.raises(UserError):
        MintLogger("heads", tracking_uri=uri)
    assert not UNSENT.exists()


def test_a_proxy_before_a_dead_server_is_a_dead_server(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(503) as uri:
        logger = MintLogger("heads", tracking_uri=uri)
        logger.log_metrics({"loss": 0.5}, 7)
        assert main(["sync"]) == 2
    assert "does not answer (HTTP 503): figures are kept in mlruns/unsent" in capsys.readouterr().err
    assert len(list(UNSENT.glob("*/calls.jsonl"))) == 1


def test_a_locked_database_is_waited_for_on_disk(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def locked(*_: object, **__: object) -> None:
        cause = OperationalError("INSERT", {}, Exception("database is locked"))
        raise MlflowException(str(cause)) from cause

    logger = MintLogger("heads", run_name="one")
    logger.log_metrics({"loss": 0.0}, 0)
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_batch", locked)
        logger.log_metrics({"loss": 1.0}, 1)
    logger.log_metrics({"loss": 2.0}, 2)
    logger.finalize("success")
    assert "mlflow.db cannot be written (database is locked): figures are kept" in capsys.readouterr().err
    assert main(["sync"]) == 0
    history = logger.store.client.get_metric_history(logger.run_id, "loss")
    assert [(each.step, each.value) for each in history] == [(0, 0.0), (1, 1.0), (2, 2.0)]


def test_one_run_that_is_refused_does_not_hold_up_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    for name in ("bad", "good"):
        logger = MintLogger("heads", run_name=name, tracking_uri=dead)
        logger.log_metrics({"a:b%c" if name == "bad" else "loss": 1.0}, 0)
        logger.experiment.log_metric(logger.run_id, "%" if name == "bad" else "auc", 1.0)
    assert main(["sync", "--tracking-uri", HERE]) == 2
    said = capsys.readouterr()
    assert "1 of 2 were not sent" in said.err
    assert "was refused" in said.err
    assert "Sent heads/good" in said.out


def test_tables_of_a_server_that_is_down_are_still_errors_to_who_reads_or_logs_by_hand() -> None:
    with pytest.raises(UserError, match="does not answer"):
        log_table(table_evidence(), context(), store=open_store(uri=f"http://127.0.0.1:{free_port()}"))


def test_a_table_that_waits_is_sent_once_wherever_sending_is_stopped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mint_lightning.tracking.runs.figures.pictures", lambda _: ())  # a second each
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    folder, evidence = Path("mlruns/tables/t"), table_evidence(2, controls=False)
    document = {"request": {"seed": 0}, "context": context().to_json(), "evidence": evidence.to_json()}
    write_json(folder / "table.json", document)
    for _ in range(2):  # asked for twice, it waits once
        track(evidence, context(), folder, "tables", {"seed": 0}, register=False)
    assert capsys.readouterr().err.count("`mint-lightning sync` logs it") == 2
    assert main(["sync"]) == 2
    assert "1 of 1 were not sent" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr("mint_lightning.commands.track.write_json", stopped)
        assert main(["sync", "--tracking-uri", HERE]) == 130
    assert main(["sync", "--tracking-uri", HERE]) == 0
    store = open_store(uri=HERE)
    runs = store.client.search_runs([store.experiment("tables")])
    assert sorted(run.data.tags["kind"] for run in runs).count("table") == 1
    assert not list(UNSENT.glob("table-*"))


def stopped(*_: object) -> None:
    raise KeyboardInterrupt
