"""Controls: sources of AAD that cannot carry this membership, read by the same heads from the same images."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mint_lightning.audited import AuditedNetwork, NetworkSource, adapt_batchnorm, untrained_twin
from mint_lightning.errors import UserError
from mint_lightning.learning.bank import Network
from mint_lightning.learning.members import card_folder, trained_on
from mint_lightning.learning.membership import Rows

TWIN_IMAGES = 2048


def untrained_twins(network: AuditedNetwork, data: Any, count: int, seed: int) -> dict[str, AuditedNetwork]:
    """`count` networks of the audited form at random weights, named "twin 1" and on.

    Their BatchNorm statistics are adapted on the first fit images, of which members and externals are equal parts:
    an untrained network without them gives activations of no scale, which would be too easy a control.
    """
    twins = {}
    for number in range(1, count + 1):
        twin = untrained_twin(network, seed * 1000 + number)
        adapt_batchnorm(twin, _fit_images(data))
        twins[f"twin {number}"] = twin
    return twins


def _fit_images(data: Any) -> Iterator[Tensor]:
    steps = max(1, TWIN_IMAGES // data.batch_size)
    return (batch["images"].to(data.network.device) for batch in islice(data.fit_images(), steps))


def reference_networks(sources: dict[str, NetworkSource], data: Any) -> dict[str, Network]:
    """Networks trained on neither members nor externals, by the user's word, under their given names.

    Raises:
        UserError: one is the audited network, or its own card lists a photo of either side.
    """
    found: dict[str, Network] = {}
    for name, source in sources.items():
        network = source.load()
        if network.fingerprint() == data.network.fingerprint():
            raise UserError(f"The reference {name!r} is the audited network itself; name one trained on neither set.")
        if _saw(source, network, data, data.groups.used):
            raise UserError(f"The card of the reference {name!r} lists photos of this audit: it was trained on them.")
        found[name] = network
    return found


def complement_network(source: NetworkSource, data: Any) -> Network:
    """The network of the other side; `UserError` if its own card lists a member."""
    network = source.load()
    if _saw(source, network, data, data.groups.members):
        raise UserError("The card of the complement lists members of this audit: it must have seen externals alone.")
    return network


def _saw(source: NetworkSource, network: AuditedNetwork, data: Any, rows: Rows) -> bool:
    listed = trained_on(network.card, card_folder(source))
    return listed is not None and bool(np.isin(data.keys.key[rows], listed.keys).any())


def missing_taps(network: Network, taps: list[str]) -> list[str]:
    """Taps that a network has not: a reference of another form is compared only where it can be read."""
    missing = []
    for tap in taps:
        try:
            with torch.no_grad():
                network.aad_shapes([tap])
        except UserError:
            missing.append(tap)
    return missing
