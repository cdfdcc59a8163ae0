"""AAD of every image in memory, gathered in one pass however many networks and heads there are."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mint_lightning.errors import UserError
from mint_lightning.progress import progress_bar

Request = tuple[str, str]
"""(view, tap specification)."""


class Network(Protocol):
    """What gives AAD: an AuditedNetwork, or pixels that look like one."""

    name: str

    def __call__(
        self, images: Tensor, taps: Sequence[str], views: Sequence[str] = ...
    ) -> dict[str, dict[str, Tensor]]: ...

    def aad_shapes(self, taps: Sequence[str]) -> dict[str, tuple[int, ...]]: ...


@dataclass(frozen=True)
class Bank:
    """AAD by key-list row: `aad[network][(view, tap)]` is (N, C) float32 or (N, C, H, W) float16."""

    rows: NDArray[np.int64]
    aad: dict[str, dict[Request, Tensor]]
    size: int

    def positions(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Places of key-list `rows` in the bank; rows whose image was broken are left out."""
        places = np.searchsorted(self.rows, rows)
        found = (places < len(self.rows)) & (self.rows[np.minimum(places, len(self.rows) - 1)] == rows)
        return places[found]

    def take(self, network: str, requests: Sequence[Request], places: Tensor) -> list[Tensor]:
        """AAD of the requests at `places`, float32."""
        return [self.aad[network][request].index_select(0, places).float() for request in requests]


def bank_bytes(networks: Mapping[str, Network], requests: Mapping[str, Sequence[Request]], images: int) -> int:
    """Bytes that a bank of `images` takes."""
    total = 0
    for name, wanted in requests.items():
        shapes = networks[name].aad_shapes(sorted({tap for _, tap in wanted}))
        for _, tap in wanted:
            total += int(np.prod(shapes[tap])) * (2 if len(shapes[tap]) == 3 else 4)
    return total * images


def fill_bank(
    loader: Iterable[dict[str, Any]],
    networks: Mapping[str, Network],
    requests: Mapping[str, Sequence[Request]],
    images: int,
    *,
    device: torch.device,
    max_gib: float,
    seen: Callable[[dict[str, Any]], None] = lambda batch: None,
) -> Bank:
    """Run every network once over the loader's images and keep what `requests` name; `seen` is told of each batch.

    Raises:
        UserError: the bank would exceed `max_gib`.
    """
    need = bank_bytes(networks, requests, images) / 2**30
    if need > max_gib:
        raise UserError(
            f"The AAD of {images} images would take {need:.1f} GiB of memory, over max_memory_gib = {max_gib:g}: "
            "leave out rows that need maps (conv1 above all), use fewer images, or raise the limit."
        )
    kept: dict[str, dict[Request, Tensor]] = {name: {} for name in requests}
    rows = np.empty(images, np.int64)
    filled = 0
    with progress_bar() as bar:
        task = bar.add_task(f"AAD of {len(networks)} networks", total=images)
        for batch in loader:
            seen(batch)
            pixels, size = batch["images"].to(device), len(batch["row"])
            rows[filled : filled + size] = batch["row"].numpy()
            for name, wanted in requests.items():
                for request, value in _read(networks[name], pixels, wanted).items():
                    if request not in kept[name]:
                        half = value.ndim == 4
                        kept[name][request] = torch.empty(
                            (images, *value.shape[1:]), dtype=torch.float16 if half else torch.float32
                        )
                    kept[name][request][filled : filled + size] = value
            filled += size
            bar.advance(task, size)
    order = np.argsort(rows[:filled], kind="stable")
    places = torch.from_numpy(order)
    for table in kept.values():
        for request in list(table):  # one tap at a time: sorting all at once would hold every map twice
            table[request] = table[request].index_select(0, places)
    return Bank(rows[:filled][order], kept, filled)


def _read(network: Network, images: Tensor, wanted: Sequence[Request]) -> dict[Request, Tensor]:
    found = {}
    for view in dict.fromkeys(view for view, _ in wanted):
        taps = [tap for at, tap in wanted if at == view]
        for tap, value in network(images, taps, [view])[view].items():
            found[view, tap] = value
    return found
