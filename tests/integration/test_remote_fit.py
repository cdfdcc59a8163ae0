"""A head fitted on a shard set served over HTTP is the head fitted on the same set in a folder."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from mint_lightning.cli import main
from mint_lightning.shards import transfer
from tests.served import served

pytestmark = pytest.mark.integration


def fitted(name: str, shards: str, **more: Any) -> dict[str, Any]:
    """The head's weights after an epoch, by `fit` through the front door."""
    data = {
        "shards": shards, "network": {"architecture": "iresnet_small", "arguments": {"stem_stride": 4}},
        "members": ["members"], "externals": ["externals"], "batch_size": 16, **more,
    }  # fmt: skip
    config = {
        "name": name,
        "model": {"class_path": "mint_lightning.learning.VanillaMINT", "init_args": {"taps": ["conv2"]}},
        "data": {"class_path": "datamodules.Faces", "init_args": data},
        "trainer": {"max_epochs": 1, "accelerator": "cpu"},
    }
    Path(f"{name}.yaml").write_text(json.dumps(config))
    assert main(["fit", "--config", f"{name}.yaml"]) == 0
    checkpoint = torch.load(f"mlruns/checkpoints/{name}/last.ckpt", weights_only=True)
    return dict(checkpoint["state_dict"])


def test_a_served_set_trains_the_same_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(transfer, "WAIT", 0.01)
    words = ["--source", "synthetic:identities=40,photos=3,difficulty=plain", "--lanes", "2", "--workers", "0"]
    partitions = ["--partitions", '{"members": 0.5, "externals": 0.5}', "--shard-size", "8"]
    assert main(["pack", *words, *partitions, "--out", "sets/drawn"]) == 0
    local = fitted("local", "sets/drawn", workers=0)
    largest = max(path.stat().st_size for path in Path("sets/drawn").glob("*.tar"))
    with served(tmp_path / "sets") as server:
        server.fault = lambda path, time: "cut" if path.endswith(".tar") and time == 1 else None
        far = fitted("far", f"{server.address}/drawn", workers=1, cache="cache", cache_bytes=4 * largest)
        assert max(server.tars().values()) > 2, "tars left the small cache and came again"
    assert local.keys() == far.keys()
    for name, value in local.items():
        torch.testing.assert_close(far[name], value, rtol=0, atol=0, msg=name)
    assert sum(path.stat().st_size for path in Path("cache").rglob("*.tar")) <= 4 * largest
