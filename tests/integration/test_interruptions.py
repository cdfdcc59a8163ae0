"""Commands that are stopped half-way, by a person, a full disk or a dead store."""

import json
from pathlib import Path

import pytest

from mint_lightning.cli import main
from tests.integration.conftest import CONF, FAST

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    "command",
    [
        ["fit", "--config", str(CONF / "faces_vanilla.yaml"), *FAST, "--name", "stopped"],
        ["table", "--config", str(CONF / "table_faces.yaml"), "--twins", "1", "--name", "stopped"],
    ],
)
def test_ctrl_c_while_heads_learn(command: list[str], workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mint_lightning.learning.mint.MINT.training_step", interrupted)
    monkeypatch.setattr("mint_lightning.learning.table.MINTTable.training_step", interrupted)
    assert main(command) == 130
    assert not [path for path in Path("mlruns").glob("*/*stopped*") if path.name != "stopped" or any(path.iterdir())]


def test_ctrl_c_leaves_nothing_half_written(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mint_lightning.commands.publish.write_html", interrupted)
    rows = '[{"head": "norm"}]'
    config = ["--config", str(CONF / "table_faces.yaml"), "--rows", rows, "--twins", "1", "--name", "stopped"]
    assert main(["table", *config]) == 130
    assert [path.name for path in Path("mlruns/tables").iterdir() if "stopped" in path.name] == []


def test_a_full_disk_is_a_sentence(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mint_lightning.commands.publish.write_html", full)
    rows = '[{"head": "norm"}]'
    config = ["--config", str(CONF / "table_faces.yaml"), "--rows", rows, "--twins", "1", "--name", "full"]
    assert main(["table", *config]) == 2
    assert "No space left" in capsys.readouterr().err
    assert [path.name for path in Path("mlruns/tables").iterdir() if "full" in path.name] == []


def test_a_dead_tracking_store_costs_no_figures(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["--rows", '[{"head": "norm"}]', "--twins", "1", "--name", "untracked"]
    command = ["table", "--config", str(CONF / "table_faces.yaml"), *rows]
    with monkeypatch.context() as dead:
        dead.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        assert main(command) == 0
    said = capsys.readouterr().err
    assert "The tracking store does not take the table" in said
    assert "it stands in mlruns/tables/untracked, and `mint-lightning sync` logs it" in said
    assert Path("mlruns/tables/untracked/table.json").is_file()
    assert not Path("mlruns/tables/untracked/run.json").exists()
    assert main(command) == 0
    assert "Reused" in capsys.readouterr().out
    assert Path("mlruns/tables/untracked/run.json").is_file()
    assert not list(Path("mlruns/unsent").glob("table-untracked-*"))


def test_a_registry_that_fails_costs_no_runs_and_is_asked_again(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlflow.exceptions import MlflowException

    def fails(*_: object) -> None:
        raise MlflowException("no registry here")

    note = Path("mlruns/tables/unregistered/run.json")
    rows = ["--rows", '[{"head": "norm"}]', "--twins", "1", "--name", "unregistered"]
    command = ["table", "--config", str(CONF / "table_faces.yaml"), *rows]
    with monkeypatch.context() as broken:
        broken.setattr("mint_lightning.tracking.registry.register", fails)
        assert main(command) == 2
        assert "its model is not logged: no registry here" in capsys.readouterr().err
        assert main([*command, "--register", "false"]) == 0
    run = json.loads(note.read_text())
    assert "model" not in run
    assert main(command) == 0
    assert "No model was registered: no row of the table has a head that judges one photo." in capsys.readouterr().out
    assert json.loads(note.read_text()) == run | {"model": None}
    assert main(command) == 0
    assert "No model" not in capsys.readouterr().out


def test_the_demo_leaves_a_model(workspace: Path) -> None:
    assert json.loads(Path("mlruns/tables/demo/run.json").read_text())["model"] == "models:/demo@best"
