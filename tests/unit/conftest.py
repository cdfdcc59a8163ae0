"""A tracking store to open, shared by the tests of tracking."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def no_tracking_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    """No store is named from outside."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session")
def made_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root whose store has one experiment and one run with an artifact; tests copy it, making one takes seconds."""
    from mint_lightning.tracking.store import open_store

    root = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as outside:
        outside.delenv("MLFLOW_TRACKING_URI", raising=False)
        store = open_store(root)
        experiment = store.experiment("faces")
        run = store.client.create_run(experiment, run_name="first")
        store.client.log_text(run.info.run_id, "kept", "note.txt")
    return root


@pytest.fixture
def store_root(made_root: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return shutil.copytree(made_root, tmp_path / "root")


def only_run(store):
    """The one run that the store of `made_root` has."""
    return store.client.search_runs([store.experiment("faces")])[0]
