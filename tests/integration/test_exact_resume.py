"""`fit` killed at any batch and gone on with: the same bits and the same logged figures as if nothing had happened."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.learning.saving import AtomicCheckpoints, Saving
from mint_lightning.tracking import open_store
from tests.integration.conftest import CONF

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
EPOCHS = 3
COMMON = ["--config", str(CONF / "faces_vanilla.yaml"), "--trainer.accelerator", "cpu", "--data.batch_size", "64"]
COMMON += ["--trainer.max_epochs", str(EPOCHS), "--trainer.enable_progress_bar", "false", "--saving.steps", "1"]
COMMON += ["--data.workers", "1"]


@pytest.fixture(scope="module")
def whole(demo_workspace: Path) -> Path:
    """The workspace, where a run has gone through without a stop."""
    here = Path.cwd()
    os.chdir(demo_workspace)
    try:
        assert main(["fit", *COMMON, "--name", "whole"]) == 0
    finally:
        os.chdir(here)
    return demo_workspace


def steps_of(name: str) -> int:
    return int(torch.load(f"mlruns/checkpoints/{name}/last.ckpt", weights_only=True)["global_step"])


def killed(name: str, **how: Any) -> int:
    """Exit code of a run in a process of its own that is killed."""
    callback = json.dumps([{"class_path": "tests.killer.KillAt", "init_args": how}])
    command = [sys.executable, "-m", "mint_lightning", "fit", *COMMON, "--name", name, "--trainer.callbacks", callback]
    paths = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=paths, capture_output=True, timeout=300, check=False).returncode


def logged(name: str) -> dict[str, list[tuple[int, float]]]:
    """Every figure of the only run of that name, by step."""
    client = open_store().client
    experiments = [each.experiment_id for each in client.search_experiments()]
    (run,) = client.search_runs(experiments, f"attributes.run_name = '{name}'")
    assert run.info.status == "FINISHED"
    found = {key: client.get_metric_history(run.info.run_id, key) for key in run.data.metrics}
    return {key: sorted((each.step, each.value) for each in own) for key, own in found.items()}


@pytest.mark.parametrize(
    ("name", "how", "code"),
    [
        pytest.param("killed_at_once", {"step": 1, "before": True}, -9, marks=pytest.mark.slow),
        ("killed_within", {"step": 0.5, "before": True}, -9),
        pytest.param("killed_between", {"step": 1.0, "before": True}, -9, marks=pytest.mark.slow),
        ("terminated", {"step": 0.7, "sent": "SIGTERM"}, 143),
    ],
)
def test_gone_on_with_it_is_as_if_never_stopped(
    name: str, how: dict[str, Any], code: int, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(whole)
    total = steps_of("whole")
    if isinstance(how["step"], float):  # of the second epoch
        how = {**how, "step": total // EPOCHS + int(how["step"] * (total // EPOCHS))}
    assert killed(name, **how) == code
    resume = Path(f"mlruns/checkpoints/{name}/resume.ckpt")
    assert resume.is_file()
    assert main(["fit", *COMMON, "--name", name, "--ckpt_path", str(resume)]) == 0
    assert not resume.exists()
    one, other = (load_file(f"mlruns/auditors/{run}/head.safetensors") for run in ("whole", name))
    assert all(torch.equal(one[key], other[key]) for key in one)
    first, second = (torch.load(f"mlruns/checkpoints/{run}/last.ckpt", weights_only=True) for run in ("whole", name))
    assert first["global_step"] == second["global_step"] == total
    for key, value in first["state_dict"].items():
        assert torch.equal(value, second["state_dict"][key])
    for key, state in first["optimizer_states"][0]["state"].items():
        for part, value in state.items():
            assert torch.equal(value, second["optimizer_states"][0]["state"][key][part])
    assert logged(name) == logged("whole")


def test_another_order_of_photos_is_refused(
    whole: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(whole)
    assert killed("elsewhere", step=2) == -9
    resume = ["--ckpt_path", "mlruns/checkpoints/elsewhere/resume.ckpt"]
    assert main(["fit", *COMMON, "--name", "elsewhere", "--data.seed", "9", *resume]) == 2
    assert "data seed was" in capsys.readouterr().err
    assert main(["fit", *COMMON, "--name", "elsewhere"]) == 0
    assert "--ckpt_path mlruns/checkpoints/elsewhere/resume.ckpt" in capsys.readouterr().out


def test_a_checkpoint_is_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "a.ckpt"
    AtomicCheckpoints().save_checkpoint({"step": 1}, place)

    def full(_: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(UserError, match="No space left"):
        AtomicCheckpoints().save_checkpoint({"step": 2}, place)
    assert torch.load(place, weights_only=True) == {"step": 1}
    assert list(tmp_path.iterdir()) == [place]
    for wrong in ({"minutes": 0.0}, {"steps": 0}):
        with pytest.raises(UserError, match="above 0"):
            Saving(**wrong)  # type: ignore[arg-type]
