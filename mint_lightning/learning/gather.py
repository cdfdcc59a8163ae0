"""The one pass: every network runs once over the images whose AAD is not there yet, and what it gives is kept."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from mint_lightning.audited import kept_dtype
from mint_lightning.audited.store import Entry
from mint_lightning.learning.bank import Batches, Network, Request, Rows, read_network
from mint_lightning.progress import progress_bar

FLUSH_SECONDS = 15.0
FLUSH_BYTES = 256 * 2**20


class Sink(Protocol):
    """Where the AAD of one request goes."""

    held: int

    def missing(self, rows: Rows) -> Rows: ...

    def add(self, rows: Rows, aad: Tensor) -> None: ...

    def flush(self) -> None: ...


class MemorySink:
    """A place in memory for the AAD of `rows`, whose AAD of one image has `shape`."""

    def __init__(self, rows: Rows, shape: Sequence[int], network: Network) -> None:
        self.rows = rows
        self.aad = torch.empty((len(rows), *shape), dtype=kept_dtype(shape, network.aad_dtype))
        self.filled = np.zeros(len(rows), bool)
        self.held = 0  # nothing waits for a flush

    def missing(self, rows: Rows) -> Rows:
        """All: memory holds nothing from before."""
        return rows

    def add(self, rows: Rows, aad: Tensor) -> None:
        """Keep AAD of `rows` (n,)."""
        places = np.searchsorted(self.rows, rows)
        self.aad[torch.from_numpy(places)] = aad.to("cpu", self.aad.dtype)
        self.filled[places] = True

    def flush(self) -> None:
        """Nothing to do."""


class StoreSink:
    """A stored entry that grows by a part at each flush."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.held = 0
        self._clear()

    def _clear(self) -> None:
        self._rows: list[Rows] = []
        self._aad: list[Tensor] = []
        self.held = 0

    def missing(self, rows: Rows) -> Rows:
        """What the store lacks."""
        return self.entry.missing(rows)

    def add(self, rows: Rows, aad: Tensor) -> None:
        """Take AAD of `rows` (n,) into the part under way."""
        kept = aad.to("cpu", self.entry.dtype)
        self._rows.append(rows)
        self._aad.append(kept)
        self.held += kept.nbytes

    def flush(self) -> None:
        """Write the part."""
        if sum(map(len, self._rows)):
            self.entry.add(np.concatenate(self._rows), torch.cat(self._aad))
        self._clear()


Sinks = Mapping[str, Mapping[Request, Sink]]


def gather(
    loader_of: Callable[[Rows], Batches],
    networks: Mapping[str, Network],
    sinks: Sinks,
    rows: Rows,
    *,
    device: torch.device,
    seen: Callable[[dict[str, Any]], None] = lambda batch: None,
) -> None:
    """Bring every sink's AAD of `rows`, each image read once and `seen` told of each batch.

    What the store has gathered is written every 15 seconds or 256 MiB, so that a killed run loses no more.
    """
    for missing, wanted in _passes(sinks, rows):
        names = ", ".join(wanted)
        flushed = time.monotonic()
        with progress_bar() as bar:
            task = bar.add_task(f"AAD of {names if len(wanted) < 4 else f'{len(wanted)} networks'}", total=len(missing))
            for batch in loader_of(missing):
                seen(batch)
                pixels, own = batch["images"].to(device), batch["row"].cpu().numpy()
                for name, requests in wanted.items():
                    for request, aad in read_network(networks[name], pixels, requests).items():
                        sinks[name][request].add(own, aad)
                held = sum(sinks[name][request].held for name in wanted for request in wanted[name])
                if held > FLUSH_BYTES or time.monotonic() - flushed > FLUSH_SECONDS:
                    _flush(sinks)
                    flushed = time.monotonic()
                bar.advance(task, len(own) + len(batch["broken"]))
        _flush(sinks)


def _passes(sinks: Sinks, rows: Rows) -> list[tuple[Rows, dict[str, list[Request]]]]:
    """(images, requests by network) of each pass: images that the same requests lack go together.

    So no image is in two passes. Requests that lack the same images would not do: after a kill between the parts of two
    taps their network would run twice over all that is left.
    """
    asked = [(name, request) for name, own in sinks.items() for request in own]
    if not asked:
        return []
    lacks = np.stack([np.isin(rows, sinks[name][request].missing(rows)) for name, request in asked], axis=1)
    patterns, which = np.unique(lacks, axis=0, return_inverse=True)
    found = []
    for number, pattern in enumerate(patterns):
        wanted: dict[str, list[Request]] = {}
        for place in np.flatnonzero(pattern):
            name, request = asked[place]
            wanted.setdefault(name, []).append(request)
        if wanted:
            found.append((rows[which.reshape(-1) == number], wanted))
    return found


def _flush(sinks: Sinks) -> None:
    for own in sinks.values():
        for sink in own.values():
            sink.flush()
