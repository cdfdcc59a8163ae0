"""The tracking store: where it lies, what it refuses, and what a run of it holds."""

import json
import logging
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import zlib
from base64 import b64decode
from pathlib import Path

import pytest

from mint_lightning.errors import UserError
from mint_lightning.tracking import entries
from mint_lightning.tracking.library import quiet
from mint_lightning.tracking.store import open_store
from mint_lightning.tracking.ui import links, serve, ui_command
from mint_lightning.tracking.view import COLUMNS, TAG, set_view
from tests.evidence_fixture import table_evidence

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _no_uri_from_outside(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A root whose store has one experiment and one run with an artifact; tests copy it, making one takes seconds."""
    root = tmp_path_factory.mktemp("made")
    store = open_store(root)
    experiment = store.experiment("faces")
    run = store.client.create_run(experiment, run_name="first")
    store.client.log_text(run.info.run_id, "kept", "note.txt")
    return root


@pytest.fixture
def root(made, tmp_path) -> Path:
    return shutil.copytree(made, tmp_path / "root")


def only_run(store):
    return store.client.search_runs([store.experiment("faces")])[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_everything_lies_under_mlruns_of_the_root_wherever_one_stands(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = open_store(made)
    assert store.uri == f"sqlite:///{made}/mlruns/mlflow.db"
    assert {path.name for path in (made / "mlruns").iterdir()} == {"mlflow.db", "artifacts"}
    location = store.client.get_experiment(store.experiment("faces")).artifact_location
    assert location == (made / "mlruns" / "artifacts" / "faces").as_uri()
    assert list(tmp_path.iterdir()) == []
    assert store.checkpoints == made / "mlruns" / "checkpoints"


def test_the_variable_of_mlflow_is_heard_and_an_argument_is_heard_more(root, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root}/mlruns/mlflow.db")
    assert open_store(tmp_path).home == root / "mlruns"
    shutil.copytree(root / "mlruns", tmp_path / "other")
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


def test_a_database_of_another_version_names_the_command(root):
    with sqlite3.connect(root / "mlruns" / "mlflow.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
    with pytest.raises(UserError, match=r"another version of MLflow.*mlflow db upgrade sqlite:///"):
        open_store(root)


def test_a_deleted_experiment_says_how_to_bring_it_back(root):
    store = open_store(root)
    store.client.delete_experiment(store.experiment("faces"))
    with pytest.raises(UserError, match=r"'faces' was deleted.*mlflow experiments restore --experiment-id 1"):
        store.experiment("faces")


def test_an_experiment_name_is_any_text_and_its_folder_a_plain_one(root):
    store = open_store(root)
    location = store.client.get_experiment(store.experiment("../../etc: Ärger")).artifact_location
    assert Path(location.removeprefix("file://")).parent == store.artifacts


def test_a_moved_root_keeps_its_artifacts_and_says_so_once(made, root, caplog):
    with caplog.at_level(logging.WARNING):
        store = open_store(root)
    assert [str(made / "mlruns" / "artifacts") in record.getMessage() for record in caplog.records] == [True]
    run = only_run(store)
    assert run.info.artifact_uri.startswith((root / "mlruns" / "artifacts" / "faces").as_uri())
    assert Path(store.client.download_artifacts(run.info.run_id, "note.txt")).read_text() == "kept"
    caplog.clear()
    open_store(root)
    assert caplog.records == []
    assert (made / "mlruns" / "artifacts").is_dir()  # a copy leaves the original alone
    assert only_run(open_store(made)).info.artifact_uri.startswith(made.as_uri())


def test_artifacts_that_a_user_put_elsewhere_stay_there(root, tmp_path, caplog):
    store = open_store(root)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    store.client.create_experiment("own", artifact_location=elsewhere.as_uri())
    shutil.move(root, tmp_path / "moved")
    store = open_store(tmp_path / "moved")
    assert store.client.get_experiment(store.experiment("own")).artifact_location == elsewhere.as_uri()
    elsewhere.rmdir()
    caplog.clear()
    store.experiment("own")
    assert "was not there: earlier ones are gone or were moved" in caplog.text


def test_an_artifact_folder_that_cannot_be_made_is_one_sentence(root, tmp_path):
    store = open_store(root)
    (tmp_path / "file").write_text("in the way")
    store.client.create_experiment("own", artifact_location=(tmp_path / "file" / "artifacts").as_uri())
    with pytest.raises(UserError, match=r"artifacts of experiment 'own' lie in .*cannot be made"):
        store.experiment("own")


def test_opening_does_not_change_a_store(root):
    open_store(root)
    database = root / "mlruns" / "mlflow.db"
    before = database.read_bytes()
    open_store(root)
    assert database.read_bytes() == before


def test_mlflow_is_told_to_report_to_nobody_and_to_be_quiet(monkeypatch):
    monkeypatch.setenv("GIT_PYTHON_REFRESH", "raise")
    quiet()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["GIT_PYTHON_REFRESH"] == "raise"  # what the user set stands
    assert not logging.getLogger("alembic").isEnabledFor(logging.INFO)
    assert not logging.getLogger("mlflow.store.db.utils").isEnabledFor(logging.INFO)


def test_params_are_flat_plain_and_within_the_limit():
    flat = entries.flatten({"model": {"lr": 0.1, "widths": [64, 1]}, "empty": {}, "odd key!?": None, "x" * 300: 1})
    assert flat == {"model/lr": 0.1, "model/widths": [64, 1], "empty": {}, "odd key_": None, "x" * 250: 1}
    assert entries.cut("a" * 500) == "a" * 500
    assert entries.cut("a" * 501) == "a" * 499 + "…"


def test_more_params_than_fit_in_one_call_are_all_logged(root):
    store = open_store(root)
    run = only_run(store).info.run_id
    entries.log_params(store.client, run, {f"p{number}": "v" * 600 for number in range(230)})
    found = store.client.get_run(run).data.params
    assert len(found) == 230
    assert {len(value) for value in found.values()} == {500}


def test_metrics_of_a_row_are_its_evidence():
    row = table_evidence().row("CNN conv4")
    found = entries.row_metrics(row)
    assert found["auc"] == pytest.approx(row.auc.value, abs=5e-5)
    assert (found["auc_low"], found["auc_high"]) == pytest.approx((row.auc.low, row.auc.high), abs=5e-5)
    assert found["excess_low"] == pytest.approx(row.excess.low, abs=5e-5)
    assert found["p_holm"] == pytest.approx(row.excess.p_holm, rel=0.01)
    assert found["tpr_at_1pct_fpr"] == pytest.approx(row.operating[1].tpr.value, abs=5e-5)
    assert found["twins_auc"] == pytest.approx(next(c for c in row.controls if c.kind == "twins").auc.value, abs=5e-5)
    assert found["finds"] == 1.0
    assert found["n"] == row.auc.images
    assert "tpr_at_0.1pct_fpr" not in found  # not resolvable, so not logged
    assert "references_auc" not in found


def test_a_row_without_controls_logs_no_excess():
    found = entries.row_metrics(table_evidence(2, controls=False).row("CNN conv4"))
    assert not {"excess", "excess_low", "p_holm", "twins_auc", "pixels_auc"} & set(found)


def test_a_manifest_hash_is_a_dataset_input_in_full(root):
    store = open_store(root)
    run = only_run(store).info.run_id
    entries.log_shards(store.client, run, {"lfw": "ab" * 32}, context="fit", facts={"images": 7})
    (logged,) = store.client.get_run(run).inputs.dataset_inputs
    assert logged.dataset.name == "lfw"
    assert logged.dataset.digest == ("ab" * 32)[:36]
    assert json.loads(logged.dataset.source)["manifest_sha256"] == "ab" * 32
    assert json.loads(logged.dataset.profile) == {"images": 7}
    assert [tag.value for tag in logged.tags] == ["fit"]


def test_the_saved_view_shows_metrics_that_are_logged_and_is_set_once(root):
    store = open_store(root)
    experiment = store.experiment("faces")
    set_view(store.client, experiment)
    tag = store.client.get_experiment(experiment).tags[TAG]
    set_view(store.client, experiment)
    assert store.client.get_experiment(experiment).tags[TAG] == tag
    packed = json.loads(tag)["state"].removeprefix("deflate;")
    state = json.loads(zlib.decompress(b64decode(packed)))
    assert state["selectedColumns"] == list(COLUMNS)
    row = table_evidence(2, references=2, random_partition=False).row("CNN conv4")
    logged = {f"metrics.`{name}`" for name in entries.row_metrics(row)}
    logged |= {f"params.`{name}`" for name in entries.row_params(row)} | {"tags.`finds`", "tags.`table`"}
    assert set(COLUMNS) <= logged
    assert state["orderByKey"] in logged


def test_the_page_is_served_to_this_machine_alone_and_links_to_the_view(root):
    store = open_store(root)
    command = ui_command(store, 5123)
    assert command[command.index("--backend-store-uri") + 1] == store.uri
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert links(store, 5123) == []
    set_view(store.client, store.experiment("faces"))
    (line,) = links(store, 5123)
    assert line.startswith("faces: http://127.0.0.1:5123/#/experiments/1/runs?")
    assert "viewStateShareKey=layers" in line


def test_a_port_in_use_is_one_sentence(root):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserError, match="is in use"):
            serve(root, taken.getsockname()[1])


def test_a_room_is_entered_cheaply_and_names_what_it_has():
    code = (
        "import sys, mint_lightning.tracking as t, mint_lightning.report as r;"
        "assert not {'mlflow', 'torch', 'matplotlib'} & set(sys.modules);"
        "[getattr(room, name) for room in (t, r) for name in room.__all__ if name != 'MintLogger']"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
