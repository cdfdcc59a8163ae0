"""AAD of one network from the store, in batches of any rows, as the network would give it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mint_lightning.audited import AuditedNetwork, Entry, EntryKey, known_entries
from mint_lightning.errors import UserError
from mint_lightning.files import sources_hash
from mint_lightning.heads import beside
from mint_lightning.learning.bank import Request, Rows
from mint_lightning.learning.networks import AUDITED
from mint_lightning.learning.objective import AAD
from mint_lightning.learning.rings import Rings
from mint_lightning.shards import KeyList

_LISTED = 12
_DIFFERS = {
    "network": "other networks",
    "form": "other networks",
    "shards": "other shard sets",
    "preprocessing": "another preprocessing",
    "precision": "another precision",
    "layout": "another layout",
    "code": "another version of this program",
}


@dataclass(frozen=True)
class StoredAAD:
    """Entries of the store by request; images that any of them lacks count as unreadable.

    With `rings` and `photos` above 1, what is taken of a photo is taken too of those that stand beside it.
    """

    entries: Mapping[Request, Entry]
    keys: KeyList
    rows: Rows
    rings: Rings | None = None
    photos: int = 1

    @classmethod
    def open(
        cls, root: Path, network: AuditedNetwork, requests: Sequence[Request], keys: KeyList, shards: str
    ) -> "StoredAAD":
        """The entries of a network's requests on the shard set whose manifest has the hash `shards`.

        A network that chooses its precision itself (`bf16: auto`) may be stored in either.

        Raises:
            UserError: the store has nothing of one of them; the sentence says what it has.
        """
        code, fingerprint = sources_hash("audited", "shards"), network.fingerprint()
        own = {(view, tap): EntryKey.of(network, view, tap, shards, code, fingerprint) for view, tap in requests}
        precisions = ["float32", "bf16"] if network.bf16 == "auto" else [next(iter(own.values())).precision]
        for precision in precisions:
            found = {
                request: Entry(root / "aad", replace(key, precision=precision), network.name)
                for request, key in own.items()
            }
            if all(len(entry.rows) for entry in found.values()):
                rows = next(iter(found.values())).rows
                for entry in found.values():
                    rows = np.intersect1d(rows, entry.rows)
                return cls(found, keys, rows)
        lacking = [_words(*request) for request, entry in found.items() if not len(entry.rows)]
        raise UserError(
            f"The activation store {root} has no AAD of {', '.join(lacking)} of the network {network.name!r} on this "
            f"shard set: {_held(root, next(iter(own.values())), network)}"
        )

    def missing(self, rows: Rows) -> dict[Request, Rows]:
        """Those of `rows` that each entry lacks."""
        return {request: entry.missing(rows) for request, entry in self.entries.items()}

    def take(self, rows: Rows) -> AAD:
        """AAD float32 of `rows`, each of which must be stored, in their order."""
        found: dict[str, dict[str, torch.Tensor]] = {}
        for step in range(self.photos):
            of = self.rings.beside(rows, step) if self.rings is not None and step else rows
            for (view, tap), entry in self.entries.items():
                found.setdefault(beside(view, step), {})[tap] = entry.take(of)
        return {AUDITED: found}

    def read(self, rows: Rows, sizes: Iterator[int]) -> Iterator[dict[str, Any]]:
        """Batches of the next `sizes` of `rows`: `aad`, `row` and the keys of images that could not be decoded."""
        start = 0
        for size in sizes:
            asked = rows[start : start + size]
            start += size
            there = np.isin(asked, self.rows)
            known = asked[there]
            broken = [str(key) for key in self.keys.key[asked[~there]]]
            yield {"aad": self.take(known), "row": torch.from_numpy(known), "broken": broken}


def _held(root: Path, wanted: EntryKey, network: AuditedNetwork) -> str:
    """What the store holds, for people who ask for something else."""
    known = known_entries(root / "aad")
    if not known:
        return "it is empty."
    differing = [[name for name in _DIFFERS if asdict(each)[name] != asdict(wanted)[name]] for each in known]
    names = {path: name for name, path in network.taps.items()}
    same = [
        f"{_words(each.view, names.get(each.module, each.module), each.reduction)} in {each.dtype}"
        for each, differs in zip(known, differing, strict=True)
        if not differs
    ]
    if same:
        more = f" and {len(same) - _LISTED} more" if len(same) > _LISTED else ""
        return f"of these two it holds {', '.join(sorted(same)[:_LISTED])}{more}."
    nearest = min(differing, key=len)
    return f"its {len(known)} entries are of {' and '.join(dict.fromkeys(_DIFFERS[name] for name in nearest))}."


def _words(view: str, tap: str, reduction: str = "max") -> str:
    name = tap if reduction == "max" else f"{tap}:{reduction}"
    return name if view == "original" else f"{name} ({view})"
