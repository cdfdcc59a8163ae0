"""AAD by key-list row: what heads learn from, in memory or in a store, whatever the order they ask in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mint_lightning.audited import Rounding, kept_dtype
from mint_lightning.audited.store import Entry
from mint_lightning.heads import Request

Rows = NDArray[np.int64]


class Network(Protocol):
    """What gives AAD: an AuditedNetwork, or pixels that look like one."""

    name: str
    aad_dtype: Rounding

    def __call__(
        self, images: Tensor, taps: Sequence[str], views: Sequence[str] = ...
    ) -> dict[str, dict[str, Tensor]]: ...

    def aad_shapes(self, taps: Sequence[str]) -> dict[str, tuple[int, ...]]: ...


@dataclass(frozen=True)
class Bank:
    """AAD of the images `rows` (N,), rising: `aad[network][(view, tap)]` is (N, ...) in memory, or an entry of a store.

    What is neither, because it is computed anew in every epoch, is not in it.
    """

    rows: Rows
    aad: Mapping[str, Mapping[Request, Tensor | Entry]]

    def positions(self, rows: Rows) -> Rows:
        """Places of key-list `rows` in the bank; rows whose image was broken are left out."""
        places = np.searchsorted(self.rows, rows)
        found = (places < len(self.rows)) & (self.rows[np.minimum(places, len(self.rows) - 1)] == rows)
        return places[found]

    def has(self, network: str, request: Request) -> bool:
        """Whether it can be taken from here."""
        return request in self.aad.get(network, {})

    def take(self, network: str, request: Request, places: Rows) -> Tensor:
        """AAD (n, ...) float32 of a request at `places`."""
        kept = self.aad[network][request]
        if isinstance(kept, Tensor):
            return kept.index_select(0, torch.from_numpy(places)).float()
        return kept.take(self.rows[places])


def aad_bytes(network: Network, requests: Iterable[Request]) -> dict[Request, int]:
    """Bytes that one image's AAD takes at each request, in the type it is kept in."""
    requests = list(requests)
    shapes = network.aad_shapes(sorted({tap for _, tap in requests})) if requests else {}
    return {
        request: int(np.prod(shapes[request[1]])) * kept_dtype(shapes[request[1]], network.aad_dtype).itemsize
        for request in requests
    }


def read_network(network: Network, images: Tensor, wanted: Sequence[Request]) -> dict[Request, Tensor]:
    """AAD of the requests for uint8 images (B, 3, H, W), one forward for each view."""
    found = {}
    for view in dict.fromkeys(view for view, _ in wanted):
        taps = [tap for at, tap in wanted if at == view]
        for tap, value in network(images, taps, [view])[view].items():
            found[view, tap] = value
    return found


Batches = Iterable[dict[str, Any]]
