"""The member list of a network's card: which photos it was trained on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mint_lightning.audited import NetworkCard, NetworkSource
from mint_lightning.errors import UserError
from mint_lightning.files import sha256_file


@dataclass(frozen=True)
class TrainedOn:
    """keys (n,) of the training photos, the partitions they were, and the hash of the shard set's partition."""

    keys: NDArray[np.str_]
    partitions: tuple[str, ...]
    partition_hash: str


def trained_on(card: NetworkCard | None, folder: Path | None) -> TrainedOn | None:
    """The member list that `card` names, from the card's `folder`; None where it names none.

    Raises:
        UserError: the list is missing or is not the one the card names.
    """
    if card is None or not card.members or folder is None:
        return None
    path = folder / str(card.members["photos"])
    if not path.is_file():
        raise UserError(f"The member list {path}, which its card names, is missing: take the folder anew.")
    if sha256_file(path) != card.members["sha256"]:
        raise UserError(f"The member list {path} is not the one that the card {card.name!r} names: it was changed.")
    import pyarrow.parquet as pq

    keys = pq.read_table(path, columns=["key"])["key"].to_pylist()
    return TrainedOn(np.array(keys, np.str_), tuple(card.members["partitions"]), str(card.members["partition_hash"]))


def card_folder(source: NetworkSource) -> Path | None:
    """The folder of a source's card, None without one."""
    if source.card is None:
        return None
    path = Path(source.card)
    return path if path.is_dir() else path.parent
