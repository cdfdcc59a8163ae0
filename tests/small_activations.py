"""DataModules of photos and of stored activations, side by side on the same small shard set."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import torch

from datamodules import Activations, Faces
from datamodules.audit import AuditData
from mint_lightning.audited import NetworkSource
from mint_lightning.learning import CNNMINT, MINT, RowSpec, VanillaMINT
from mint_lightning.learning import activations as table_activations
from mint_lightning.learning.audit import wanted_rows
from mint_lightning.learning.folds import make_folds
from tests.small_table import NETWORK, faces, settings

TAPS = ["conv4", "outcome", "conv4:map"]


def network(**changes: Any) -> NetworkSource:
    return replace(NETWORK, **changes)


def stored(shards: Path, store: Path, taps: list[str], **changes: Any) -> Activations:
    """As `faces` gives photos."""
    arguments = {"network": NETWORK, "members": ["A"], "externals": ["B"], "batch_size": 32, "taps": taps} | changes
    return Activations(str(shards), store=str(store), **arguments)


def both(shards: Path, store: Path, taps: list[str], **changes: Any) -> Iterator[AuditData]:
    yield faces(shards, taps=taps, **changes)
    yield stored(shards, store, taps, **changes)


def write_store(shards: Path, store: Path, data: Faces | None = None) -> Path:
    """Activations of all that a table reads, as the table writes them."""
    data, made = data or faces(shards), settings(store, twins=0, pixels=False)
    specs = [RowSpec("cnn" if tap.endswith("map") else "vanilla", [tap]) for tap in TAPS] + [RowSpec("agreement")]
    table_activations.Activations.read(
        data, specs, wanted_rows(make_folds(data, 0, 0)), made.networks(data), made.keeping, device=torch.device("cpu")
    )
    return store


def trainer_of(folder: Path, epochs: int = 3, **changes: Any) -> L.Trainer:
    arguments: dict[str, Any] = {
        "max_epochs": epochs, "accelerator": "cpu", "logger": False, "enable_progress_bar": False,
        "enable_checkpointing": False, "enable_model_summary": False, "num_sanity_val_steps": 0,
        "use_distributed_sampler": False, "default_root_dir": folder,
    }  # fmt: skip
    return L.Trainer(**(arguments | changes))


def head_of(data: AuditData) -> MINT:
    if data.taps == ["conv4:map"]:
        return CNNMINT(data.shapes, data.taps, filters=(4, 6), width=8)
    return VanillaMINT(data.shapes, data.taps)


def assert_same_weights(one: torch.nn.Module, other: torch.nn.Module) -> None:
    for name, value in one.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], value, atol=1e-6, rtol=0)
