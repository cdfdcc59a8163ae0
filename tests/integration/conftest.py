"""A workspace in which a small demo has run, shared by the tests of the commands."""

import os
from pathlib import Path

import pytest

from mint_lightning.cli import main

CONF = Path(__file__).parents[2] / "conf"
FAST = ["--trainer.max_epochs", "2", "--trainer.accelerator", "cpu"]


@pytest.fixture(scope="session")
def demo_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where `demo` ran on few people and few epochs: shards/demo, its network and its table are there."""
    folder = tmp_path_factory.mktemp("workspace")
    here = Path.cwd()
    os.chdir(folder)
    try:
        assert main(["demo", "--identities", "240", "--epochs", "1"]) == 0
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def workspace(demo_workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demo's workspace as the current folder."""
    monkeypatch.chdir(demo_workspace)
    return demo_workspace
