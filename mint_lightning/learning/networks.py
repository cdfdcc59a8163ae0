"""The audited network and its controls by name, and what a table reads of each."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from mint_lightning.audited import AuditedNetwork, NetworkSource, PixelNetwork
from mint_lightning.errors import UserError
from mint_lightning.learning.bank import Request
from mint_lightning.learning.controls import complement_network, missing_taps, reference_networks, untrained_twins
from mint_lightning.learning.relative import Shadows
from mint_lightning.learning.rows import RowSpec

AUDITED, PIXELS, COMPLEMENT = "audited", "pixels", "complement"
PIXEL_ROWS = (
    RowSpec("vanilla", ["pixels"]),
    RowSpec("vanilla", ["statistics"]),
    # A quarter of the published filters, and one seed: on a processor its three would cost as much as the other rows.
    RowSpec("cnn", ["picture:map"], arguments={"filters": (16, 32), "width": 64}, seeds=1, name="CNN pixels"),
)


@dataclass(frozen=True)
class Networks:
    """The audited network and what stands beside it, by name; twins and references by their names."""

    by_name: dict[str, AuditedNetwork]
    twins: tuple[str, ...]
    references: tuple[str, ...]
    unadapted: frozenset[str] = frozenset()
    shadows: Shadows = field(default_factory=lambda: Shadows({}, {}))

    @classmethod
    def make(
        cls,
        data: Any,
        *,
        twins: int,
        pixels: bool,
        references: dict[str, NetworkSource],
        complement: NetworkSource | None,
        shadows: dict[str, NetworkSource] | None = None,
        seed: int,
        device: torch.device,
        kept: Path | None = None,
        adapt: bool = True,
    ) -> "Networks":
        """Build all of them on the device; the twins are adapted on the first fit images of `data`.

        What the twins adapted to is kept in the folder `kept`, where one is given, and taken from there; without
        `adapt` those of which nothing is kept stay as they were drawn.
        """
        data.network.to(device)
        drawn, unadapted = untrained_twins(data.network, data, twins, seed, kept, adapt=adapt)
        named = reference_networks(references, data)
        found: dict[str, AuditedNetwork] = {AUDITED: data.network, **drawn, **named}
        if complement is not None:
            found[COMPLEMENT] = complement_network(complement, data)
        if pixels:
            found[PIXELS] = PixelNetwork((data.manifest.image_size,) * 2)
        beside = Shadows.load(shadows or {}, data)
        if taken := sorted(set(beside.networks) & set(found)):
            raise UserError(f"Two networks are called {taken[0]!r}: give the shadow another name.")
        beside.check(data.groups.used, len(named))
        found |= beside.networks
        for network in found.values():
            network.to(device)
            network.aad_dtype = data.network.aad_dtype  # a control differs from a row in nothing but what is read
        return cls(found, tuple(drawn), tuple(named), unadapted, beside)

    def role(self, name: str) -> str:
        """What a network is here: "audited", "twin", "reference", "shadow", "complement" or "pixels"."""
        if name in (AUDITED, COMPLEMENT, PIXELS):
            return name
        if name in self.shadows.saw:
            return "shadow"
        return "twin" if name in self.twins else "reference"

    def requests(self, specs: Sequence[RowSpec]) -> dict[str, list[Request]]:
        """AAD that the rows need, by network; a reference without a tap is compared only where it can be read."""
        wanted: dict[str, list[Request]] = {}
        for name, network in self.by_name.items():
            if name == PIXELS:
                wanted[name] = [request for spec in PIXEL_ROWS for request in spec.requests("")]
                continue
            own = [spec for spec in specs if spec.relative or name not in self.shadows.saw]
            found = [request for spec in own for request in spec.requests(network.tap_names[-1])]
            if name in self.references:
                lacks = set(missing_taps(network, sorted({tap for _, tap in found})))
                found = [request for request in found if request[1] not in lacks]
            wanted[name] = list(dict.fromkeys(found))
        return wanted


def device_of(accelerator: str) -> torch.device:
    """The first GPU (of several processes each its own) where one is wanted and there, else the CPU.

    Raises:
        UserError: one is asked for in vain.
    """
    if accelerator not in ("auto", "cpu", "gpu", "cuda"):
        raise UserError(f"accelerator is {accelerator!r}; it must be auto, cpu or gpu.")
    if accelerator in ("gpu", "cuda") and not torch.cuda.is_available():
        raise UserError("accelerator is gpu, but torch sees none here: use auto or cpu.")
    if accelerator == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)) % torch.cuda.device_count())
