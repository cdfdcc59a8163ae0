"""The tracking store: where it lies, what it refuses, and that it survives being moved."""

import logging
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mint_lightning.errors import UserError
from mint_lightning.tracking.library import quiet
from mint_lightning.tracking.store import open_store
from tests.unit.conftest import only_run

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("no_tracking_uri")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_everything_lies_under_mlruns_of_the_root_wherever_one_stands(made_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = open_store(made_root)
    assert store.uri == f"sqlite:///{made_root}/mlruns/mlflow.db"
    assert {path.name for path in (made_root / "mlruns").iterdir()} == {"mlflow.db", "artifacts"}
    location = store.client.get_experiment(store.experiment("faces")).artifact_location
    assert location == (made_root / "mlruns" / "artifacts" / "faces").as_uri()
    assert list(tmp_path.iterdir()) == []
    assert store.checkpoints == made_root / "mlruns" / "checkpoints"


def test_the_variable_of_mlflow_is_heard_and_an_argument_is_heard_more(store_root, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store_root}/mlruns/mlflow.db")
    assert open_store(tmp_path).home == store_root / "mlruns"
    shutil.copytree(store_root / "mlruns", tmp_path / "other")
    assert open_store(tmp_path, "sqlite:///other/mlflow.db").home == tmp_path / "other"


@pytest.mark.parametrize("uri", ["file:./mlruns", "mlruns", "/data/mlruns"])
def test_a_folder_as_uri_is_refused_with_what_to_use(uri, tmp_path):
    with pytest.raises(UserError, match=r"is a folder.*sqlite:///mlruns/mlflow.db"):
        open_store(tmp_path, uri)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_without_a_file_is_refused(uri, tmp_path):
    with pytest.raises(UserError, match="names no file"):
        open_store(tmp_path, uri)


@pytest.mark.parametrize("scheme", ["http", "https", "postgresql", "postgresql+psycopg2", "mysql+pymysql"])
def test_a_dead_server_is_said_at_once(scheme, tmp_path):
    port, start = free_port(), time.monotonic()
    with pytest.raises(UserError, match=rf"127.0.0.1:{port} does not answer .*: start it"):
        open_store(tmp_path, f"{scheme}://127.0.0.1:{port}/mint")
    assert time.monotonic() - start < 6


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path):
    database = tmp_path / "mlruns" / "mlflow.db"
    database.parent.mkdir()
    database.write_bytes(b"not a database, but somebody's work " * 100)
    before = database.read_bytes()
    with pytest.raises(UserError, match=r"mlflow.db cannot be used as a tracking database"):
        open_store(tmp_path)
    assert database.read_bytes() == before


def test_a_file_in_place_of_the_folder_is_one_sentence(tmp_path):
    (tmp_path / "mlruns").write_text("x")
    with pytest.raises(UserError, match="mlruns cannot be written"):
        open_store(tmp_path)


def test_a_database_of_another_version_names_the_command(store_root):
    with sqlite3.connect(store_root / "mlruns" / "mlflow.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
    with pytest.raises(UserError, match=r"another version of MLflow.*mlflow db upgrade sqlite:///"):
        open_store(store_root)


def test_a_deleted_experiment_says_how_to_bring_it_back(store_root):
    store = open_store(store_root)
    store.client.delete_experiment(store.experiment("faces"))
    with pytest.raises(UserError, match=r"'faces' was deleted.*mlflow experiments restore --experiment-id 1"):
        store.experiment("faces")


def test_an_experiment_name_is_any_text_and_its_folder_a_plain_one(store_root):
    store = open_store(store_root)
    location = store.client.get_experiment(store.experiment("../../etc: Ärger")).artifact_location
    assert Path(location.removeprefix("file://")).parent == store.artifacts


def test_a_moved_root_keeps_its_artifacts_and_says_so_once(made_root, store_root, caplog):
    with caplog.at_level(logging.WARNING):
        store = open_store(store_root)
    assert [str(made_root / "mlruns" / "artifacts") in record.getMessage() for record in caplog.records] == [True]
    run = only_run(store)
    assert run.info.artifact_uri.startswith((store_root / "mlruns" / "artifacts" / "faces").as_uri())
    assert Path(store.client.download_artifacts(run.info.run_id, "note.txt")).read_text() == "kept"
    caplog.clear()
    open_store(store_root)
    assert caplog.records == []
    assert (made_root / "mlruns" / "artifacts").is_dir()  # a copy leaves the original alone
    assert only_run(open_store(made_root)).info.artifact_uri.startswith(made_root.as_uri())


def test_artifacts_that_a_user_put_elsewhere_stay_there(store_root, tmp_path, caplog):
    store = open_store(store_root)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    store.client.create_experiment("own", artifact_location=elsewhere.as_uri())
    shutil.move(store_root, tmp_path / "moved")
    store = open_store(tmp_path / "moved")
    assert store.client.get_experiment(store.experiment("own")).artifact_location == elsewhere.as_uri()
    elsewhere.rmdir()
    caplog.clear()
    store.experiment("own")
    assert "was not there: earlier ones are gone or were moved" in caplog.text


def test_an_artifact_folder_that_cannot_be_made_is_one_sentence(store_root, tmp_path):
    store = open_store(store_root)
    (tmp_path / "file").write_text("in the way")
    store.client.create_experiment("own", artifact_location=(tmp_path / "file" / "artifacts").as_uri())
    with pytest.raises(UserError, match=r"artifacts of experiment 'own' lie in .*cannot be made"):
        store.experiment("own")


def test_opening_does_not_change_a_store(store_root):
    open_store(store_root)
    database = store_root / "mlruns" / "mlflow.db"
    before = database.read_bytes()
    open_store(store_root)
    assert database.read_bytes() == before


def test_mlflow_is_told_to_report_to_nobody_and_to_be_quiet(monkeypatch):
    monkeypatch.setenv("GIT_PYTHON_REFRESH", "raise")
    quiet()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["GIT_PYTHON_REFRESH"] == "raise"  # what the user set stands
    assert not logging.getLogger("alembic").isEnabledFor(logging.INFO)
    assert not logging.getLogger("mlflow.store.db.utils").isEnabledFor(logging.INFO)


def test_a_room_is_entered_cheaply_and_names_what_it_has():
    code = (
        "import sys, mint_lightning.tracking as t, mint_lightning.report as r;"
        "assert not {'mlflow', 'torch', 'matplotlib'} & set(sys.modules);"
        "[getattr(room, name) for room in (t, r) for name in room.__all__ if name != 'MintLogger']"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
