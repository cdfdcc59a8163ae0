"""The tables of a tracking store side by side, through the front door."""

import csv
import json
from pathlib import Path

import pytest

from mint_lightning.cli import main
from mint_lightning.tracking import log_table, open_store
from tests.evidence_fixture import context, grid_evidence, null_evidence, table_evidence

pytestmark = pytest.mark.integration


def logged(store, table, name, mark, *, experiment="tables", title="Demo", status="FINISHED", **documents) -> str:
    """A run as `log_table` leaves it, without its pictures."""
    told = context(title=title, network={"name": name, "fingerprint": mark * 10})
    tags = {"kind": "table", "table": title, "fingerprint": mark * 10}
    run = store.client.create_run(store.experiment(experiment), run_name=f"{title} · {name}", tags=tags).info.run_id
    for file, value in ({"evidence": table.to_json(), "context": told.to_json()} | documents).items():
        if value is not None:
            store.client.log_dict(run, value, f"{file}.json")
    store.client.set_terminated(run, status)
    return run


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    with pytest.MonkeyPatch.context() as outside:
        outside.delenv("MLFLOW_TRACKING_URI", raising=False)
        root = tmp_path_factory.mktemp("compare")
        store = open_store(root)
        logged(store, null_evidence(), "first", "aaaaaa")
        logged(store, table_evidence(), "first", "aaaaaa")
        logged(store, grid_evidence(sizes=(4_000,)), "second", "bbbbbb")
        logged(store, grid_evidence(), "failed", "cccccc", status="FAILED")
        logged(store, table_evidence(), "elsewhere", "dddddd", experiment="lfw")
        old = table_evidence().to_json() | {"schema_version": 2}
        logged(store, table_evidence(), "older", "eeeeee", experiment="old", evidence=old)
        logged(store, table_evidence(), "bare", "ffffff", experiment="old", evidence=None)
        store.experiment("empty")
    return root


@pytest.fixture
def here(made, monkeypatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(made)
    return made


def test_the_latest_table_of_each_network_stands_beside_the_others(here, capsys):
    assert main(["compare", "tables"]) == 0
    out, error = capsys.readouterr()
    assert error == ""
    header = next(line for line in out.splitlines() if "first" in line)
    assert header.split() == ["first", "second"]
    row = table_evidence().row("CNN conv4")
    line = next(line for line in out.splitlines() if line.startswith("conv4 · CNN"))
    assert f"{row.auc.value:.3f} [{row.auc.low:.3f}, {row.auc.high:.3f}]*".replace("0.", ".") in line
    assert "failed" not in out
    assert "elsewhere" not in out


def test_all_runs_are_shown_where_they_are_asked_for(here, capsys):
    assert main(["compare", "tables", "--all", "true"]) == 0
    assert capsys.readouterr().out.count("first · Demo") >= 2


def test_without_a_name_every_experiment_counts_and_what_cannot_be_read_is_named(here, capsys):
    assert main(["compare"]) == 0
    out, error = capsys.readouterr()
    assert {"first", "second", "elsewhere"} <= set(next(line for line in out.splitlines() if "first" in line).split())
    skipped = error.splitlines()
    assert len(skipped) == 2
    assert "Skipped 'Demo · older', run " in error
    assert "schema version 2; this tool reads version" in error
    assert "Skipped 'Demo · bare', run " in error


def test_filters_and_files(here, tmp_path, capsys):
    out = tmp_path / "out"
    only = ["--networks", "[first, elsewhere]", "--taps", "conv4", "--heads", "[vanilla, cnn]"]
    assert main(["compare", "tables", "lfw", *only, "--out", str(out)]) == 0
    assert f"Written: {out / 'compare.html'}" in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {"compare.md", "compare.html", "compare.csv"}
    lines = list(csv.DictReader((out / "compare.csv").open(newline="")))
    assert [(line["experiment"], line["network"], line["row"]) for line in lines] == [
        ("tables", "first", "Vanilla conv4"),
        ("tables", "first", "CNN conv4"),
        ("lfw", "elsewhere", "Vanilla conv4"),
        ("lfw", "elsewhere", "CNN conv4"),
    ]
    assert (out / "compare.html").read_text().startswith("<!DOCTYPE html>")
    assert "first: AUC" in (out / "compare.md").read_text()


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["nowhere"], "There is no experiment 'nowhere'"),
        (["empty"], "No table was finished in experiment empty"),
        (["old"], "None of the tables found can be read"),
        (["--taps", "conv9"], "No table has the place 'conv9'"),
        (["tables", "--networks", "[third]"], "No table is of a network 'third'"),
        (["tables", "--out", "mlruns/mlflow.db/out"], "cannot be written"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence(args, sentence, here, capsys):
    assert main(["compare", *args]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("Error: ")
    assert sentence in last


def test_a_store_that_is_not_there_is_not_made(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["compare"]) == 2
    assert "There is no tracking store at" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_dead_server_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert main(["compare"]) == 2
    assert "does not answer" in capsys.readouterr().err


def test_what_a_table_logs_can_be_compared(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    evidence = table_evidence(3, rows=(("CNN conv4", "cnn", "conv4", 0.9),))
    log_table(evidence, context(), store=open_store())
    assert main(["compare", "--out", "out"]) == 0
    assert "conv4 · CNN · 4,000" in capsys.readouterr().out
    assert "1 table side by side" in Path("out/compare.html").read_text()


def test_a_finished_table_has_its_files_beside_the_page(workspace):
    folder = next(Path("mlruns/tables").glob("*/table.json")).parent
    rows = json.loads((folder / "table.json").read_text())["evidence"]["rows"]
    assert len(list(csv.DictReader((folder / "table.csv").open(newline="")))) == len(rows)
    assert len(list(csv.DictReader((folder / "heads.csv").open(newline="")))) >= len(rows)
    assert (folder / "table.tex").read_text().count(r"\begin{table}") >= 1
    assert main(["compare"]) == 0
