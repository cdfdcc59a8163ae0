"""Heads on disk: finished ones are never trained again, those under way go on with the next epoch.

A head is named by the hash of all that decides it: the keys of its AAD, its form, seed and recipe, its order, the
images that it is validated on, and the sources that train it. So a table that was killed, or that gained a tap, a size,
a seed or a control, computes only what is missing; and another table with the same head takes it from here.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mint_lightning.audited import EntryKey
from mint_lightning.files import atomic_path, sha256_json, sources_hash
from mint_lightning.heads import of_one
from mint_lightning.learning.bank import Request
from mint_lightning.learning.cell import Cell
from mint_lightning.learning.labels import CLASS_REQUEST

_BEST, _NOW, _MOMENT, _SCORES = "best.", "now.", "moment.", "scores"
_STATE = {"best_auc", "best_epoch", "history"}


def cell_hash(
    cell: Cell,
    keys: Mapping[Request, EntryKey],
    readable: NDArray[np.int64],
    member: NDArray[np.bool_],
    arguments: Mapping[str, Any],
    classes: str = "",
    beside: str = "",
) -> str:
    """The name of a head; `readable` are the rows whose image could be read, `member` (N,) is by row, `classes` the
    hash of the photos' classes, `beside` that of which photos stand beside one."""
    order = cell.order
    return sha256_json(
        {
            "aad": [
                [*request, classes if request == CLASS_REQUEST else keys[of_one([request])[0]].hash]
                for request in cell.requests
            ],
            "beside": beside,
            "head": [type(cell.head).__name__, dict(arguments), cell.head.shapes, cell.seed],
            "number": str(next(cell.head.parameters()).dtype),
            "recipe": asdict(cell.recipe),
            "order": [order.fingerprint, order.batch_size, order.seed, order.lanes],
            "validate": [_rows_hash(cell.validate), _rows_hash(cell.validate[member[cell.validate]])],
            "readable": _rows_hash(readable),
            "code": sources_hash("audited", "heads", "learning", "shards"),
        }
    )


class Shelf:
    """Heads kept in a folder, one file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def _file(self, cell: Cell, ending: str) -> Path:
        return self.folder / cell.key[:2] / f"{cell.key}.{ending}.safetensors"

    def restore(self, cell: Cell) -> None:
        """Bring a cell to where it was left, if it was: done, or after some of its epochs.

        A file that cannot be read, or holds something else, is as good as none: the head is trained again.
        """
        for ending in ("done", "part"):
            content = _read(self._file(cell, ending))
            if content is not None and _restored(cell, *content, done=ending == "done"):
                return

    def keep(self, cell: Cell) -> None:
        """Write a cell as it stands after an epoch."""
        _write(self._file(cell, "done" if cell.done else "part"), _tensors(cell), _state(cell), durable=cell.done)
        if cell.done:
            self._file(cell, "part").unlink(missing_ok=True)

    def keep_together(self, group: Sequence[Cell], cells: Sequence[Cell]) -> None:
        """Write those `cells` of a group that learn as one computation, as they all stand after an epoch, in one file.

        Which heads are stacked decides how sums are rounded: from this file they go on to the same bits. It is to be
        written before any of the cells is kept alone.
        """
        tensors = {f"{cell.key}.{name}": value for cell in cells for name, value in _tensors(cell).items()}
        _write(self._group(group), tensors, {cell.key: {**_state(cell), "done": cell.done} for cell in cells})

    def forget_together(self, group: Sequence[Cell]) -> None:
        """Remove that file: all of the group are done and kept."""
        self._group(group).unlink(missing_ok=True)

    def restore_together(self, group: Sequence[Cell]) -> None:
        """Bring a group to where it was left: together as far as it was kept so, each cell alone otherwise."""
        content = _read(self._group(group)) if len(group) > 1 else None
        tensors, states = ({}, {}) if content is None or not isinstance(content[1], dict) else content
        for cell in group:
            state = states.get(cell.key)
            if not isinstance(state, dict) or not _restored(
                cell, _named(tensors, f"{cell.key}."), state, done=bool(state.get("done"))
            ):
                self.restore(cell)

    def _group(self, group: Sequence[Cell]) -> Path:
        return self.folder / "stacks" / f"{sha256_json([cell.key for cell in group])}.safetensors"

    def scores(self, cell: Cell, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Logits of `rows` by a finished cell, if they were taken before."""
        content = _read(self._file(cell, f"scores-{_rows_hash(rows)[:12]}"))
        return None if content is None else content[0][_SCORES].double().numpy()

    def keep_scores(self, cell: Cell, rows: NDArray[np.int64], scores: NDArray[np.float64]) -> None:
        """Write them."""
        _write(self._file(cell, f"scores-{_rows_hash(rows)[:12]}"), {_SCORES: torch.from_numpy(scores)}, {})


def _tensors(cell: Cell) -> dict[str, Tensor]:
    tensors = {f"{_BEST}{name}": value for name, value in cell.best_state.items()}
    if not cell.done:
        tensors |= {f"{_NOW}{name}": value for name, value in cell.head.state_dict().items()}
        tensors |= {f"{_MOMENT}{name}": value for name, value in cell.moments.items()}
    return tensors


def _state(cell: Cell) -> dict[str, Any]:
    return {"best_auc": cell.best_auc, "best_epoch": cell.best_epoch, "history": cell.history}


def _restored(cell: Cell, tensors: Mapping[str, Tensor], state: Any, *, done: bool) -> bool:
    """Bring a cell to where `_tensors` and `_state` say; whether they are of such a cell."""
    shapes = {name: value.shape for name, value in cell.head.state_dict().items()}
    best, now = _named(tensors, _BEST), _named(tensors, _BEST if done else _NOW)
    whole = all({name: value.shape for name, value in own.items()} == shapes for own in (best, now))
    if not whole or not isinstance(state, dict) or not state.keys() >= _STATE:
        return False
    cell.head.load_state_dict(now)
    cell.best_state, cell.moments = best, _named(tensors, _MOMENT)
    cell.best_auc, cell.best_epoch, cell.history = state["best_auc"], state["best_epoch"], list(state["history"])
    cell.done = done
    if done:
        cell.head.eval()
    return True


def _write(path: Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any], *, durable: bool = False) -> None:
    with atomic_path(path, durable=durable) as temporary:
        kept = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
        save_file(kept, str(temporary), metadata={"state": json.dumps(dict(state))})


def _read(path: Path) -> tuple[dict[str, Tensor], Any] | None:
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            return {name: file.get_tensor(name).clone() for name in names}, json.loads(file.metadata()["state"])
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        return None


def _named(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _rows_hash(rows: NDArray[np.int64]) -> str:
    return hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest()
