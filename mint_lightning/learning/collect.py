"""Scores of a pass over images, gathered from all processes and given back as evidence takes them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mint_lightning.evidence import ScoreSet


def gather(pieces: Sequence[dict[str, Tensor]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(rows, scores) of all processes, rows rising, each row once whatever the number of processes."""
    rows = torch.cat([piece["row"] for piece in pieces]) if pieces else torch.empty(0, dtype=torch.int64)
    scores = torch.cat([piece["score"].double() for piece in pieces]) if pieces else torch.empty(0, dtype=torch.float64)
    mine = (rows.numpy(), scores.numpy())
    everybody: list[Any] = [mine]
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        everybody = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(everybody, mine)
    rows_, first = np.unique(np.concatenate([r for r, _ in everybody]), return_index=True)
    return rows_, np.concatenate([s for _, s in everybody])[first]


def score_set(data: Any, rows: NDArray[np.int64], scores: NDArray[np.float64], network: str) -> ScoreSet:
    """Scores of key-list rows with what the DataModule knows of each: identity, split, membership."""
    keys = data.keys
    return ScoreSet(
        score=scores,
        member=data.member[rows],
        unseen=data.unseen[rows],
        identity=np.char.add(np.char.add(keys.source[rows], "/"), keys.identity[rows]),
        split=keys.split[rows],
        key=keys.key[rows],
        network=network,
    )
