"""A trained network's folder: weights, the list of its members, and the card that names both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import nn

from mint_lightning.audited.architectures import Built
from mint_lightning.audited.card import SCHEMA_VERSION, NetworkCard
from mint_lightning.errors import UserError
from mint_lightning.files import atomic_path, read_json, sha256_file, write_json
from mint_lightning.shards import KeyList, Manifest

CARD_NAME = "card.json"
WEIGHTS_NAME = "network.safetensors"
MEMBERS_NAME = "members.parquet"


@dataclass(frozen=True)
class MemberList:
    """The photos a network was trained on: `rows` (int64) of the key list of a shard set."""

    keys: KeyList
    manifest: Manifest
    partitions: Sequence[str]
    rows: NDArray[np.int64]

    def save(self, path: Path) -> dict[str, Any]:
        """Write the list (columns key, source, identity; sorted by key) and return the card's entry on it."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = self.rows[np.argsort(self.keys.key[self.rows])]
        columns = {name: getattr(self.keys, name)[rows].astype(object) for name in ("key", "source", "identity")}
        pq.write_table(pa.table({name: pa.array(column, pa.string()) for name, column in columns.items()}), path)
        return {
            "shards": self.manifest.hash,
            "partition_hash": self.manifest.partition_hash,
            "partitions": list(self.partitions),
            "photos": path.name,
            "sha256": sha256_file(path),
            "images": len(rows),
            "identities": len(np.unique(self.keys.label[rows])),
        }


def write_network(
    out: Path,
    module: nn.Module,
    built: Built,
    *,
    name: str,
    architecture: str,
    arguments: Mapping[str, Any],
    members: MemberList,
    accuracy: Mapping[str, Any],
    config: Mapping[str, Any],
) -> Path:
    """Write `network.safetensors`, `members.parquet` and `card.json` to the folder `out`, all or nothing.

    `built` gives preprocessing and taps, `config` says how the network was trained. A folder that stands is replaced.

    Returns:
        Path of the card.
    """
    with atomic_path(out) as folder:
        folder.mkdir()
        save_file(
            {key: value.detach().cpu().contiguous() for key, value in module.state_dict().items()},
            folder / WEIGHTS_NAME,
        )
        card = {
            "schema_version": SCHEMA_VERSION,
            "name": name,
            "architecture": architecture,
            "arguments": dict(arguments),
            "preprocessing": built.preprocessing.to_dict(),
            "taps": built.taps,
            "weights": {"file": WEIGHTS_NAME, "sha256": sha256_file(folder / WEIGHTS_NAME)},
            "members": members.save(folder / MEMBERS_NAME),
            "accuracy": dict(accuracy),
            "config": dict(config),
        }
        write_json(folder / CARD_NAME, card)
        NetworkCard.load(folder / CARD_NAME)  # a card that the audit could not read would be found too late
    return out / CARD_NAME


def finished(out: Path, request_hash: str, *, overwrite: bool = False) -> bool:
    """Whether the folder `out` holds, whole, the network that this request would train.

    Raises:
        UserError: something else is there, which training would replace; with `overwrite` only if it is no network.
    """
    if not out.exists():
        return False
    path = out / CARD_NAME
    if not path.is_file():
        raise UserError(f"{out} exists and holds no network: give another folder for the network, or remove it.")
    card = NetworkCard.load(path)
    if card.config.get("request") != request_hash:
        if overwrite:
            return False
        raise UserError(
            f"{out} holds the network {card.name!r}, trained in another way or on other members: give another folder, "
            "or overwrite=true to replace it."
        )
    content = read_json(path, "network card")
    named = ((content["weights"]["file"], content["weights"]["sha256"]), (MEMBERS_NAME, content["members"]["sha256"]))
    return all((out / file).is_file() and sha256_file(out / file) == sha256 for file, sha256 in named)
