"""What two shard sets, or the parts of one, have in common: images, near duplicates, people."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from mint_lightning.audited import AuditedNetwork
from mint_lightning.learning.false_matches import FalseMatches, false_match_threshold
from mint_lightning.progress import progress_bar
from mint_lightning.shards import EvalLoader, KeyList, Manifest
from mint_lightning.shards.duplicates import same_images
from mint_lightning.shards.near import MOST, Pairs, close_pairs, near_duplicates, perceptual_hashes
from mint_lightning.shards.remote import local_set

Kind = Literal["exact", "near", "person"]
MEASURED_ON: Final = 6000  # images, for the false match rate: 18 million pairs
_BATCH = 128


@dataclass(frozen=True, eq=False)
class ShardSet:
    """A shard set that is open: its folder, manifest and key list."""

    root: Path
    manifest: Manifest
    keys: KeyList

    @classmethod
    def open(cls, root: str | Path) -> "ShardSet":
        """Raises `UserError` where there is no whole shard set."""
        folder = local_set(root)
        manifest = Manifest.load(folder)
        return cls(folder, manifest, KeyList.load(folder, manifest))


@dataclass(frozen=True, eq=False)
class Overlap:
    """What was found in `one`, or between `one` and `other`.

    pairs: by kind, rows of `one` and of `other` (of `one` again where there is no other). `value` is 0 of an exact
    copy, the Hamming distance of a near duplicate and the cosine of two photos of, likely, one person.
    compared: pairs of photos whose embeddings were compared.
    """

    one: ShardSet
    other: ShardSet | None
    near: int
    pairs: dict[Kind, Pairs]
    matches: FalseMatches | None = None
    compared: int = 0

    def removed(self) -> NDArray[np.int64]:
        """Rows of `one` to leave out: all photos of a person who is in `other`; within one set all but the first of
        each group of copies."""
        rows = [found.first if self.other else found.second for found in self.pairs.values()]
        rows_ = np.unique(np.concatenate(rows)) if rows else np.zeros(0, np.int64)
        if self.other is None:
            return rows_
        label = self.one.keys.label
        return np.flatnonzero(np.isin(label, label[rows_])).astype(np.int64)

    def table(self) -> Iterator[dict[str, Any]]:
        """One entry for each pair: who and where both photos are."""
        beside = self.other or self.one
        for kind, found in self.pairs.items():
            for first, second, value in zip(
                found.first.tolist(), found.second.tolist(), found.value.tolist(), strict=True
            ):
                entry: dict[str, Any] = {"kind": kind, "value": round(value, 6)}
                for side, keys, row in (("a", self.one.keys, first), ("b", beside.keys, second)):
                    for name in ("key", "source", "identity", "partition", "split", "origin"):
                        entry[f"{name}_{side}"] = str(getattr(keys, name)[row])
                yield entry


def find_overlap(
    one: ShardSet,
    other: ShardSet | None,
    *,
    near: int,
    network: AuditedNetwork | None = None,
    false_match_rate: float = 1e-4,
) -> Overlap:
    """Exact copies, near duplicates and, where a network is given, likely the same people.

    Args:
        near: bits of a 64-bit perceptual hash that may differ.
        network: whose embeddings (its last tap) are compared by their cosine; only between two sets.
        false_match_rate: measured on pairs of different people of `one`, at most 6,000 photos drawn by hash.

    Raises:
        UserError: `near` or the rate cannot be used, or a tar is damaged.
    """
    pairs: dict[Kind, Pairs] = {"exact": _exact(one.keys, other.keys if other else None)}
    rows, hashes = perceptual_hashes(one.root, one.keys)
    beside_rows, beside = perceptual_hashes(other.root, other.keys) if other else (rows, None)
    found = near_duplicates(hashes, beside, near)
    pairs["near"] = _unlike(_at(found, rows, beside_rows), one.keys, (other or one).keys)
    if network is None or other is None:
        return Overlap(one, other, near, pairs)
    own = np.arange(len(one.keys), dtype=np.int64)
    measured = np.sort(own[np.argsort(one.keys.key_hash, kind="stable")][:MEASURED_ON])
    rows, embedding = _embeddings(network, one, own)
    beside_rows, beside = _embeddings(network, other, np.arange(len(other.keys), dtype=np.int64))
    on = np.isin(rows, measured)
    matches = false_match_threshold(embedding[on], one.keys.label[rows[on]], false_match_rate)
    close = close_pairs(embedding, beside, matches.threshold, what="comparing people")
    pairs["person"] = _at(close, rows, beside_rows)
    return Overlap(one, other, near, pairs, matches, len(rows) * len(beside_rows))


def _exact(one: KeyList, other: KeyList | None) -> Pairs:
    groups = same_images(one.sha256 + other.sha256 if other else one.sha256)
    found = 0
    first: list[int] = []
    second: list[int] = []
    for rows in groups:
        if other is None:
            left, right = rows[:1], rows[1:]
        else:
            left, right = rows[rows < len(one)], rows[rows >= len(one)] - len(one)
        found += len(left) * len(right)
        if len(first) < MOST:
            first.extend(np.repeat(left, len(right)).tolist())
            second.extend(np.tile(right, len(left)).tolist())
    zero = np.zeros(len(first), np.float32)
    return Pairs(np.array(first, np.int64), np.array(second, np.int64), zero, found)


def _at(found: Pairs, rows: NDArray[np.int64], beside: NDArray[np.int64]) -> Pairs:
    return Pairs(rows[found.first], beside[found.second], found.value, found.found)


def _unlike(found: Pairs, one: KeyList, other: KeyList) -> Pairs:
    """Without the pairs that are exact copies."""
    differ = one.sha256[:][found.first] != other.sha256[:][found.second]
    left = found.found - int((~differ).sum())
    return Pairs(found.first[differ], found.second[differ], found.value[differ], left)


def _embeddings(
    network: AuditedNetwork, of: ShardSet, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    seen, found = [np.zeros(0, np.int64)], []
    with progress_bar() as bar:
        done = bar.add_task(f"embedding photos of {of.root.name}", total=len(rows))
        for batch in EvalLoader(of.root, of.keys, rows, batch_size=_BATCH):
            with torch.no_grad():
                embedding = F.normalize(network.embed(batch["images"].to(network.device)).float().flatten(1))
            seen.append(batch["row"].numpy())
            found.append(embedding.cpu().numpy())
            bar.advance(done, len(embedding))
    return np.concatenate(seen), np.concatenate(found)
