"""Networks and their AAD of every image a table needs: read in one pass, kept where `placement` says."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mint_lightning.audited import AuditedNetwork, Entry, EntryKey
from mint_lightning.audited.store import form_hash
from mint_lightning.files import sources_hash
from mint_lightning.learning import placement
from mint_lightning.learning.bank import Bank, Request, Rows, aad_bytes, read_network
from mint_lightning.learning.gather import MemorySink, Sink, StoreSink, gather
from mint_lightning.learning.networks import AUDITED, Networks
from mint_lightning.learning.ranks import Ranks
from mint_lightning.learning.rows import RowSpec

Keys = Mapping[str, Mapping[Request, EntryKey]]
PROBE = 16
ALONE = Ranks()


@dataclass(frozen=True)
class Keeping:
    """Where AAD is kept.

    folder: of the store; None keeps all in memory. automatic: choose for each tap, see `placement.choose`; else all is
    stored. max_gib: of memory, for what is kept there and for what is read into it from the store. reads: how often an
    image is read in the whole table, to weigh storing against computing.
    """

    folder: Path | None = None
    automatic: bool = True
    max_gib: float = 8.0
    reads: int = 40

    @property
    def memory(self) -> int:
        """Bytes."""
        return int(self.max_gib * placement.GIB)


@dataclass(frozen=True)
class Activations:
    """What a table, or several tables over the same images, learn from.

    recomputed: requests that are in neither memory nor store. keys: what decides each request's AAD.
    """

    networks: Networks
    requests: dict[str, list[Request]]
    bank: Bank
    keys: Keys
    recomputed: frozenset[tuple[str, Request]] = frozenset()

    @classmethod
    def read(
        cls,
        data: Any,
        specs: Sequence[RowSpec],
        rows: Rows,
        networks: Networks,
        keeping: Keeping,
        *,
        device: torch.device,
        tell: Callable[[str], None] = lambda line: None,
        ranks: Ranks = ALONE,
    ) -> "Activations":
        """Run every network once over those images of `rows` whose AAD is not stored yet; `tell` is told the choices.

        Of several processes each reads its part of the images, and all find everything in the store.

        Raises:
            UserError: memory or disk has no room for what must be kept.
        """
        requests = networks.requests(specs)
        keys = entry_keys(networks, requests, data.manifest.hash)
        entries = entries_of(networks, keys, keeping.folder)
        if ranks.size > 1:  # what one had in its memory no other would find
            keeping = replace(keeping, max_gib=0.0)
        choices = _agreed(place(networks, requests, rows, entries, keeping, Probe(data, rows, device)), ranks)
        for line in [*_damaged(entries), *placement.words(choices, keeping.folder)]:
            tell(line)
        sinks: dict[str, dict[Request, Sink]] = {}
        for (name, request), choice in choices.items():
            if choice.place == "store":
                sinks.setdefault(name, {})[request] = StoreSink(entries[name][request])
            elif choice.place == "memory":
                shape = networks.by_name[name].aad_shapes([request[1]])[request[1]]
                sinks.setdefault(name, {})[request] = MemorySink(rows, shape, networks.by_name[name])
        own = ranks.part(rows, data.batch_size)
        gather(data.eval_loader, networks.by_name, sinks, own, device=device, seen=data.count)
        if ranks.size > 1:
            data.broken = [key for part in ranks.told(data.broken) for key in part]
        recomputed = frozenset(at for at, choice in choices.items() if choice.place == "recompute")
        if recomputed and not sinks:  # which images can be read is known of a pass over them alone
            sinks = {"": {("", ""): MemorySink(rows, (), networks.by_name[AUDITED])}}
            for batch in data.eval_loader(rows):
                data.count(batch)
                sinks[""]["", ""].add(batch["row"].numpy(), torch.zeros(len(batch["row"])))
        return cls(networks, requests, _bank(sinks, rows, keeping.memory), keys, recomputed)


def _agreed(
    choices: dict[tuple[str, Request], placement.Choice], ranks: Ranks
) -> dict[tuple[str, Request], placement.Choice]:
    """What the first process chose: the others may have measured otherwise."""
    if ranks.size == 1:
        return choices
    told = ranks.agreed([[name, *request, asdict(choice)] for (name, request), choice in choices.items()])
    return {(name, (view, tap)): placement.Choice(**choice) for name, view, tap, choice in told}


def entry_keys(networks: Networks, requests: Mapping[str, Sequence[Request]], shards: str) -> Keys:
    """The key of every request."""
    code, found = sources_hash("audited", "shards"), {}
    for name, wanted in requests.items():
        network = networks.by_name[name]
        fingerprint = network.fingerprint()
        found[name] = {(view, tap): EntryKey.of(network, view, tap, shards, code, fingerprint) for view, tap in wanted}
    return found


def entries_of(networks: Networks, keys: Keys, folder: Path | None) -> dict[str, dict[Request, Entry]]:
    """The stored entry of every request; none without a folder."""
    if folder is None:
        return {}
    return {
        name: {request: Entry(folder / "aad", key, networks.by_name[name].name) for request, key in own.items()}
        for name, own in keys.items()
    }


def _damaged(entries: Mapping[str, Mapping[Request, Entry]]) -> list[str]:
    parts = [path for own in entries.values() for entry in own.values() for path in entry.damaged]
    return [f"The stored part {path} is damaged: its images are computed anew." for path in parts]


@dataclass(frozen=True)
class Probe:
    """Measures what AAD takes to compute; networks of one form, as the twins are, take the same."""

    data: Any
    rows: Rows
    device: torch.device
    _known: dict[tuple[str, tuple[Request, ...]], float] = field(default_factory=dict)

    def seconds(self, network: AuditedNetwork, requests: Sequence[Request]) -> float:
        """Of reading, decoding and the forward up to the last tap, for one image; the second of two batches counts.

        Read in this process: starting workers would take longer than all else.
        """
        at = form_hash(network), tuple(requests)
        if at not in self._known:
            parts = [self.rows[:PROBE], self.rows[PROBE : 2 * PROBE]]
            for part in parts if len(parts[1]) else [self.rows, self.rows]:
                start = time.perf_counter()
                for batch in self.data.eval_loader(part).stream:
                    for aad in read_network(network, batch["images"].to(self.device), requests).values():
                        aad.cpu()  # a GPU has done by then
                self._known[at] = (time.perf_counter() - start) / len(part)
        return self._known[at]


def place(
    networks: Networks,
    requests: Mapping[str, Sequence[Request]],
    rows: Rows,
    entries: Mapping[str, Mapping[Request, Entry]],
    keeping: Keeping,
    probe: Probe,
) -> dict[tuple[str, Request], placement.Choice]:
    """Where the AAD of each request is kept."""
    needs = []
    for name, wanted in requests.items():
        sizes = aad_bytes(networks.by_name[name], wanted)
        for request, size in sizes.items():
            missing = len(entries[name][request].missing(rows)) if entries else len(rows)
            weigh = keeping.folder is not None and keeping.automatic and size > placement.SMALL and missing > 0
            seconds = probe.seconds(networks.by_name[name], [request]) if weigh else None
            needs.append(placement.Need(name, request, len(rows), missing, size, keeping.reads, seconds))
    if keeping.folder is None:
        return placement.all_in_memory(needs, keeping.memory)
    if not keeping.automatic:
        return placement.store_all(needs, keeping.folder)
    weighed = any(need.seconds is not None for need in needs)
    disk = placement.measure_disk(keeping.folder) if weighed else placement.free_disk(keeping.folder)
    return placement.choose(needs, disk, keeping.memory)


def _bank(sinks: Mapping[str, Mapping[Request, Sink]], rows: Rows, memory: int) -> Bank:
    """What the sinks have; stored entries are read into memory as far as it goes, the smallest first."""
    good = rows
    stored: list[tuple[Entry, str, Request]] = []
    in_memory: list[tuple[MemorySink, str, Request]] = []
    for name, own in sinks.items():
        for request, sink in own.items():
            if isinstance(sink, StoreSink):
                sink.entry.refresh()
                good = np.intersect1d(good, sink.entry.rows)
                stored.append((sink.entry, name, request))
            elif isinstance(sink, MemorySink):
                good = np.intersect1d(good, rows[sink.filled])
                in_memory.append((sink, name, request))
                memory -= sink.aad.nbytes
    aad: dict[str, dict[Request, Tensor | Entry]] = {name: {} for name in sinks}
    for memory_sink, name, request in in_memory:
        places = torch.from_numpy(np.searchsorted(rows, good))
        aad[name][request] = memory_sink.aad if len(good) == len(rows) else memory_sink.aad[places]
    for entry, name, request in sorted(stored, key=lambda each: int(np.prod(each[0].shape))):
        size = len(good) * int(np.prod(entry.shape)) * entry.dtype.itemsize
        memory -= size
        aad[name][request] = entry.read(good) if memory >= 0 else entry
    return Bank(good, aad)
