"""A small table on a small shard set, and what it took to make it."""

import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from pydoc import locate
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from datamodules import Faces
from mint_lightning.audited import NetworkSource
from mint_lightning.cli import main
from mint_lightning.learning import feed, gather, table
from mint_lightning.learning.audit import TableRun, run_table
from mint_lightning.learning.recipe import Recipe
from mint_lightning.learning.rows import RowSpec
from mint_lightning.learning.settings import TableSettings
from mint_lightning.learning.stack import Single, Stack
from mint_lightning.shards import KeyList
from tests.network_card import ARGUMENTS

ROWS = [
    RowSpec("vanilla", ["conv4"]),
    RowSpec("vanilla", ["conv4"], 64),
    RowSpec("vanilla", ["conv3", "conv4"]),
    RowSpec("cnn", ["conv3:map"], arguments={"filters": [2, 3], "width": 4}),
    RowSpec("norm"),
    RowSpec("agreement"),
]
NETWORK = NetworkSource(architecture="iresnet_small", arguments=ARGUMENTS, seed=1)
RECIPE = Recipe(4, patience=2)


def settings(store: Path | str, **changes: Any) -> TableSettings:
    return replace(TableSettings(RECIPE, twins=1, seeds=2, store=str(store), accelerator="cpu"), **changes)


def faces(shards: Path, **changes: Any) -> Faces:
    arguments = {"network": NETWORK, "members": ["A"], "externals": ["B"], "batch_size": 32, "workers": 0} | changes
    return Faces(str(shards), **arguments)


def with_broken(keys: KeyList, rows: NDArray[np.int64]) -> KeyList:
    """The key list, in which the hashes of `rows` are those of no image."""
    digests = keys.sha256.copy()
    digests[rows] = b"0" * 64
    return replace(keys, sha256=digests)


class Work:
    """Images that each network saw in the pass and in the stream, and epochs of heads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.images: Counter[str] = Counter()
        self.forwards: Counter[str] = Counter()  # an image in two views counts twice
        self.streamed: Counter[str] = Counter()
        self.epochs: Counter[tuple[str, str, int]] = Counter()
        for module, count in ((gather, self.images), (feed, self.streamed)):
            monkeypatch.setattr(module, "read_network", self._reading(module.read_network, count))
        for learner in (Single, Stack):
            monkeypatch.setattr(learner, "begin", self._beginning(learner.begin))

    def _reading(self, read: Callable[..., Any], count: Counter[str]) -> Callable[..., Any]:
        def counted(network: Any, images: Any, wanted: Any) -> Any:
            count[network.name] += len(images)
            self.forwards[network.name] += len(images) * len({view for view, _ in wanted})
            return read(network, images, wanted)

        return counted

    def _beginning(self, begin: Callable[..., Any]) -> Callable[..., Any]:
        def counted(learner: Any) -> None:
            self.epochs.update((cell.name, cell.network, cell.seed) for cell in learner.cells)
            begin(learner)

        return counted

    def clear(self) -> None:
        for count in (self.images, self.streamed, self.epochs, self.forwards):
            count.clear()


def assert_same(one: TableRun, other: TableRun, atol: float = 0.0) -> None:
    for a, b in zip([*one.rows, *one.pixel_rows()], [*other.rows, *other.pixel_rows()], strict=True):
        assert (a.name, a.samples) == (b.name, b.samples)
        for x, y in zip([a.audited, *a.twins, *a.references], [b.audited, *b.twins, *b.references], strict=True):
            assert x.key.tolist() == y.key.tolist()
            np.testing.assert_allclose(x.score, y.score, atol=atol, rtol=0)
    if atol == 0:
        assert one.evidence.to_json() == other.evidence.to_json()


def config(shards: Path, store: Path) -> dict[str, Any]:
    """The table as a config says it."""
    network = {"architecture": NETWORK.architecture, "arguments": ARGUMENTS, "seed": NETWORK.seed}
    arguments = {"shards": str(shards), "network": network, "members": ["A"], "externals": ["B"], "batch_size": 32}
    rows = [{"head": row.head, "taps": row.taps, "samples": row.samples, "arguments": row.arguments} for row in ROWS]
    return {
        "data": {"class_path": "datamodules.Faces", "init_args": {**arguments, "workers": 0}},
        "rows": rows,
        "recipe": {"epochs": RECIPE.epochs, "patience": RECIPE.patience},
        "twins": 1,
        "seeds": 2,
        "store": str(store),
        "accelerator": "cpu",
        "name": "killed",
    }


def make_killed(where: str, call: int, shards: Path, store: Path, door: Path | None) -> None:
    """Make the table, through the `door` (a config) or not, until the `call`-th call of `where`, if any: then die."""
    torch.set_num_threads(1)
    gather.FLUSH_SECONDS = table.KEEP_SECONDS = 0.0
    if where:
        path, name = where.rsplit(".", 1)
        owner, calls = locate(path), [0]
        kept = getattr(owner, name)

        def counted(*args: Any, **named: Any) -> Any:
            calls[0] += 1
            if calls[0] == call:
                os.kill(os.getpid(), signal.SIGKILL)
            return kept(*args, **named)

        setattr(owner, name, counted)
    if door:
        os.chdir(door.parent)
        main(["table", "--config", str(door)])
    else:
        run_table(faces(shards), ROWS, settings(store))
