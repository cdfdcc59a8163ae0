"""Images that are in a shard set more than once."""

import numpy as np
from numpy.typing import NDArray

from mint_lightning.shards.columns import Column, Digests, tied


def same_images(sha256: Digests) -> list[NDArray[np.int64]]:
    """Rows that bear the same image bytes: one rising array of at least two rows for each such image."""
    rows = tied(sha256.heads())
    whole = sha256[rows]
    order = np.argsort(whole, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], whole[order][1:] != whole[order][:-1]]))
    sizes = np.diff(np.append(starts, len(order)))
    order = rows[order]
    return [order[start : start + size] for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True)]


def crosses(rows: NDArray[np.int64], partition: Column[str], split: Column[str]) -> bool:
    """Whether these rows lie in different partitions or splits, where the same image would be on both sides."""
    return len(np.unique(partition[rows])) > 1 or len(np.unique(split[rows])) > 1
