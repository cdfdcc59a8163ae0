"""AAD for the heads of a table, batch by batch: taken from the bank, or computed anew from the images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from mint_lightning.heads import view_and_step
from mint_lightning.learning.bank import Bank, Request, Rows, read_network
from mint_lightning.learning.labels import CLASS_REQUEST
from mint_lightning.learning.networks import Networks
from mint_lightning.learning.rings import Rings
from mint_lightning.shards import EpochOrder

PIECE = 512
FreshAAD = dict[str, dict[Request, Tensor]]


class Reads(Protocol):
    """What AAD is read for: a cell, or a score that needs no fitting."""

    @property
    def network(self) -> str: ...

    @property
    def requests(self) -> Sequence[Request]: ...


@dataclass(frozen=True)
class Reading:
    """Requests of one network."""

    network: str
    requests: Sequence[Request]


@dataclass
class Piece:
    """Images `rows` (n,) and their AAD; what several cells read is taken once. `classes` gives the tap "class",
    `rings` says whose photos stand beside one."""

    rows: Rows
    bank: Bank
    device: torch.device
    fresh: FreshAAD = field(default_factory=dict)
    classes: Callable[[Rows], Tensor] | None = None
    rings: Rings | None = None
    _taken: dict[tuple[str, Request], Tensor] = field(default_factory=dict)

    def take(self, reads: Reads) -> list[Tensor]:
        """AAD of the requests, float32 (n, ...), on the device."""
        return [self._one(reads.network, request) for request in reads.requests]

    def _one(self, network: str, request: Request) -> Tensor:
        if request in self.fresh.get(network, {}):
            return self.fresh[network][request]
        at = network, request
        if at not in self._taken:
            if request == CLASS_REQUEST and self.classes is not None:
                value = self.classes(self.rows).to(self.device)
            else:
                value = self._of_bank(network, request).to(self.device)
            if value.ndim > 2:  # maps are large, and cells of one network come together: those of others are let go
                self._taken = {
                    known: kept for known, kept in self._taken.items() if kept.ndim == 2 or known[0] == network
                }
            self._taken[at] = value
        return self._taken[at]

    def _of_bank(self, network: str, request: Request) -> Tensor:
        (view, step), tap = view_and_step(request[0]), request[1]
        assert self.rings is not None or not step
        rows = self.rings.beside(self.rows, step) if self.rings is not None and step else self.rows
        return self.bank.take(network, (view, tap), self.bank.positions(rows))


@dataclass(frozen=True)
class Feed:
    """Batches of a table's cells. `data` and `networks` are needed where something is computed anew.

    Whatever the source, only images that the bank knows to be readable are handed out.
    """

    bank: Bank
    data: Any = None
    networks: Networks | None = None
    recomputed: frozenset[tuple[str, Request]] = frozenset()
    rings: Rings | None = None

    def computes(self, reads: Reads) -> bool:
        """Whether any of the AAD is computed anew."""
        return any((reads.network, request) in self.recomputed for request in reads.requests)

    def epoch(self, order: EpochOrder, epoch: int, cells: Sequence[Reads], device: torch.device) -> Iterator[Piece]:
        """The batches of an epoch of `order`, as far as the bank goes; with images where a cell needs them."""
        wanted = self._wanted(cells)
        if wanted:
            loader = self.data.train_loader(order)
            loader.epoch = epoch
            yield from self._computed(loader, wanted, device)
            return
        for rows in order.batches(epoch):
            yield self._piece(self.bank.rows[self.bank.positions(rows)], device)

    def sweep(self, rows: Rows, cells: Sequence[Reads], device: torch.device) -> Iterator[Piece]:
        """Every one of `rows` that could be read once, in that order (rising where computed anew)."""
        wanted = self._wanted(cells)
        if wanted:
            yield from self._computed(self.data.eval_loader(rows), wanted, device)
            return
        known = self.bank.rows[self.bank.positions(rows)]
        for part in np.array_split(known, len(known) // PIECE + 1):
            yield self._piece(part, device)

    def first(self, order: EpochOrder, cells: Sequence[Reads], images: int, device: torch.device) -> Piece:
        """The first `images` of epoch 0 that could be read, in one piece, or all where there are fewer."""
        if not self._wanted(cells):
            rows = order.batches(0).reshape(-1)
            return self._piece(self.bank.rows[self.bank.positions(rows)][:images], device)
        pieces, left = [], images
        for piece in self.epoch(order, 0, cells, device):
            pieces.append(piece)
            left -= len(piece.rows)
            if left <= 0:
                break
        rows = np.concatenate([piece.rows for piece in pieces])[:images]
        fresh: FreshAAD = {
            name: {r: torch.cat([piece.fresh[name][r] for piece in pieces])[:images] for r in own}
            for name, own in pieces[0].fresh.items()
        }
        return self._piece(rows, device, fresh)

    def read(self, reads: Reads, rows: Rows) -> list[Tensor]:
        """AAD (n, ...) of each request, on the CPU, of those of `rows` that could be read, rising."""
        pieces = [(piece.rows, piece.take(reads)) for piece in self.sweep(rows, [reads], torch.device("cpu"))]
        order = torch.from_numpy(np.argsort(np.concatenate([known for known, _ in pieces])))
        return [torch.cat(tap)[order] for tap in zip(*(taken for _, taken in pieces), strict=True)]

    def _piece(self, rows: Rows, device: torch.device, fresh: FreshAAD | None = None) -> Piece:
        classes = getattr(self.data, "class_aad", None)
        return Piece(rows, self.bank, device, fresh or {}, classes, self.rings)

    def _wanted(self, cells: Sequence[Reads]) -> dict[str, list[Request]]:
        """What is computed anew for these cells, by network."""
        found: dict[str, list[Request]] = {}
        for cell in cells:
            for request in cell.requests:
                if (cell.network, request) in self.recomputed and request not in found.get(cell.network, []):
                    found.setdefault(cell.network, []).append(request)
        return found

    def _computed(self, loader: Any, wanted: dict[str, list[Request]], device: torch.device) -> Iterator[Piece]:
        assert self.networks is not None
        try:
            for batch in loader:
                self.data.count(batch)
                rows = batch["row"].cpu().numpy()
                known = np.isin(rows, self.bank.rows)
                images = batch["images"] if known.all() else batch["images"][torch.from_numpy(known)]
                fresh: FreshAAD = {}
                for name, own in wanted.items():
                    network = self.networks.by_name[name]
                    aad = read_network(network, images.to(network.device), own)
                    fresh[name] = {request: value.to(device) for request, value in aad.items()}
                yield self._piece(rows[known], device, fresh)
        finally:
            loader.close()
