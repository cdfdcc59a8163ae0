"""Two processes learn the same head as one, from photos and from stored activations."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mint_lightning.cli import main
from tests.membership_set import partitioned_set

pytestmark = [pytest.mark.integration, pytest.mark.ddp]

CONFIG = """
model: {class_path: mint_lightning.learning.VanillaMINT, init_args: {taps: [conv4]}}
data:
  class_path: datamodules.Faces
  init_args: {shards: set, network: {card: networks/a}, batch_size: 32, workers: 0}
trainer: {max_epochs: 3, accelerator: cpu}
"""


def test_a_head_does_not_depend_on_the_number_of_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    partitioned_set(Path("set"), identities=240)
    Path("fit.yaml").write_text(CONFIG)
    tiny = '{"image_size": 32, "widths": [4, 4, 8, 8], "embedding": 8}'
    train = ["train-audited", "--shards", "set", "--partitions", "[A]", "--out", "networks/a", "--arguments", tiny]
    assert main([*train, "--epochs", "1", "--batch_size", "32", "--bf16", "false", "--pairs", "none"]) == 0
    Path("stored.yaml").write_text(CONFIG.replace("Faces", "Activations").replace(", workers: 0", ", store: store"))
    card = '{"card": "networks/a"}'
    data = ["--data.class_path", "datamodules.Faces", "--data.shards", "set", "--data.network", card]
    heads = ["--rows", '[{"head": "vanilla", "taps": ["conv4"]}]', "--recipe", '{"epochs": 1}', "--seeds", "1"]
    bare = ["--twins", "0", "--pixels", "false", "--accelerator", "cpu", "--store", "store", "--data.batch_size", "32"]
    assert main(["table", *data, *heads, *bare]) == 0
    ddp = ["--trainer.devices", "2", "--trainer.strategy", "ddp"]
    for name, config, how in (("one", "fit", []), ("two", "fit", ddp), ("stored", "stored", ddp)):
        command = [sys.executable, "-m", "mint_lightning", "fit", "--config", f"{config}.yaml", "--name", name, *how]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
    one, *others = (load_file(f"mlruns/auditors/{name}/head.safetensors") for name in ("one", "two", "stored"))
    for other in others:
        for key, value in one.items():
            torch.testing.assert_close(other[key], value, atol=1e-6, rtol=1e-5)
