"""A table by several processes: the same figures, and what one of them had done is not lost with it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.learning.ranks import Ranks
from mint_lightning.learning.together import work_together
from tests.launching import second_process
from tests.network_card import ARGUMENTS
from tests.small_table import ROWS, faces, settings

pytestmark = [pytest.mark.integration, pytest.mark.ddp]

ROOT = Path(__file__).parents[3]


def words(shards: Path, name: str, *more: str) -> list[str]:
    network = {"architecture": "iresnet_small", "arguments": ARGUMENTS, "seed": 1}
    init = {"shards": str(shards), "network": network, "members": ["A"], "externals": ["B"], "batch_size": 32}
    data = json.dumps({"class_path": "datamodules.Faces", "init_args": {**init, "workers": 0}})
    rows = json.dumps(
        [{"head": "vanilla", "taps": ["conv4"]}, {"head": "cnn", "taps": ["conv3:map"]}, {"head": "norm"}]
    )
    recipe = json.dumps({"epochs": 3, "patience": 2})
    common = ["--twins", "1", "--seeds", "2", "--accelerator", "cpu", "--register", "false", "--store", f"store_{name}"]
    return ["table", "--data", data, "--rows", rows, "--recipe", recipe, "--name", name, *common, *more]


def figures(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(f"mlruns/tables/{name}/table.json").read_text())
    return found


def rows_of(table: dict[str, Any]) -> Any:
    return table["evidence"]["rows"]


@pytest.fixture(scope="module")
def workspace(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the table stands as one process makes it."""
    root = tmp_path_factory.mktemp("tables")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        assert main(words(shards, "one")) == 0
    return root


@pytest.fixture(autouse=True)
def here(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def torchrun(*more: str) -> list[str]:
    return [sys.executable, "-m", "torch.distributed.run", *more, "-m", "mint_lightning"]


@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_no_figure_depends_on_the_number_of_processes(
    count: int, shards: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(words(shards, f"by_{count}", "--processes", str(count))) == 0
    assert f"{count} processes share the pass" in capfd.readouterr().err
    assert rows_of(figures(f"by_{count}")) == rows_of(figures("one"))


@pytest.mark.slow
def test_by_torchrun_on_two_nodes(shards: Path) -> None:
    port = ["--master-addr", "127.0.0.1", "--master-port", "29713"]
    nodes = [
        subprocess.Popen([*torchrun("--nnodes", "2", "--node-rank", str(node), *port), *words(shards, "torchrun")])
        for node in range(2)
    ]
    assert [node.wait(300) for node in nodes] == [0, 0]
    assert rows_of(figures("torchrun")) == rows_of(figures("one"))


def test_a_process_that_is_killed_ends_all_with_a_sentence_and_nothing_is_lost(shards: Path) -> None:
    asked = words(shards, "killed", "--processes", "2")
    running = subprocess.Popen([sys.executable, "-m", "mint_lightning", *asked], stderr=subprocess.PIPE, text=True)
    while running.poll() is None and not list(Path().glob("store_killed/aad/*/*.safetensors")):
        time.sleep(0.05)
    os.kill(second_process(), signal.SIGKILL)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 2
    assert "Error: Process 1 of 2 failed (killed by signal 9)" in said
    assert main(words(shards, "killed")) == 0
    assert rows_of(figures("killed")) == rows_of(figures("one"))


def test_what_cannot_be_shared_is_refused(shards: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(shards, "none", "--processes", "0")) == 2
    assert "take 1 or more" in capsys.readouterr().err
    with pytest.raises(UserError, match="through its store"):
        work_together(faces(shards), ROWS, settings("none"), Ranks(0, 2))
