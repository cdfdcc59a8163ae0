"""Controls: sources of AAD that cannot carry this membership, read by the same heads from the same images."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from mint_lightning.audited import AuditedNetwork, NetworkSource, adapt_batchnorm, untrained_twin
from mint_lightning.audited.store import form_hash
from mint_lightning.audited.weights import load_state
from mint_lightning.errors import UserError
from mint_lightning.files import atomic_path, sha256_json, sources_hash
from mint_lightning.learning.members import card_folder, trained_on
from mint_lightning.learning.membership import Rows

TWIN_IMAGES = 2048


def untrained_twins(
    network: AuditedNetwork, data: Any, count: int, seed: int, kept: Path | None = None, *, adapt: bool = True
) -> tuple[dict[str, AuditedNetwork], frozenset[str]]:
    """`count` networks of the audited form at random weights, named "twin 1" and on.

    Their BatchNorm statistics are adapted on the first fit images, of which members and externals are equal parts:
    an untrained network without them gives activations of no scale, which would be too easy a control. It takes as long
    as a quarter of a table may, so what they adapted to is kept in the folder `kept`, where there is one. Without
    `adapt` those of which nothing is kept stay as they were drawn; their names come second.
    """
    twins, unadapted = {}, set()
    for number in range(1, count + 1):
        twin = untrained_twin(network, seed * 1000 + number)
        path = kept / f"{_adaptation(twin, data)}.safetensors" if kept else None
        twins[f"twin {number}"] = twin
        if not _statistics(twin) or (path is not None and _restore_statistics(twin, path)):
            continue
        if not adapt:
            unadapted.add(f"twin {number}")
            continue
        adapt_batchnorm(twin, _fit_images(data))
        if path is not None:
            _keep_statistics(twin, path)
    return twins, frozenset(unadapted)


def _adaptation(twin: AuditedNetwork, data: Any) -> str:
    """The name of what a twin adapts to: the same for the same weights, images and sources."""
    order = data.order()
    images = [data.manifest.hash, order.fingerprint, order.seed, order.batch_size, TWIN_IMAGES]
    facts = [twin.preprocessing.to_dict(), twin.uses_bf16, sources_hash("audited", "shards")]
    return sha256_json([twin.fingerprint(), form_hash(twin), images, facts])


def _statistics(twin: AuditedNetwork) -> dict[str, Tensor]:
    layers = {name: layer for name, layer in twin.module.named_modules() if isinstance(layer, _BatchNorm)}
    return {f"{name}.{key}": value for name, layer in layers.items() for key, value in layer.named_buffers()}


def _keep_statistics(twin: AuditedNetwork, path: Path) -> None:
    with atomic_path(path) as temporary:
        save_file({name: value.cpu().contiguous() for name, value in _statistics(twin).items()}, str(temporary))


def _restore_statistics(twin: AuditedNetwork, path: Path) -> bool:
    """Whether the twin has got what was kept; a file that cannot be read is as good as none."""
    own = _statistics(twin)
    try:
        kept = load_state(path) if path.is_file() else {}
    except UserError:
        return False
    if kept.keys() != own.keys():
        return False
    for name, value in own.items():
        value.copy_(kept[name])
    return True


def _fit_images(data: Any) -> Iterator[Tensor]:
    steps = max(1, TWIN_IMAGES // data.batch_size)
    return (batch["images"].to(data.network.device) for batch in islice(data.fit_images(), steps))


def reference_networks(sources: dict[str, NetworkSource], data: Any) -> dict[str, AuditedNetwork]:
    """Networks trained on neither members nor externals, by the user's word, under their given names.

    Raises:
        UserError: one is the audited network, or its own card lists a photo of either side.
    """
    found: dict[str, AuditedNetwork] = {}
    for name, source in sources.items():
        network = source.load()
        if network.fingerprint() == data.network.fingerprint():
            raise UserError(f"The reference {name!r} is the audited network itself; name one trained on neither set.")
        if _saw(source, network, data, data.groups.used):
            raise UserError(f"The card of the reference {name!r} lists photos of this audit: it was trained on them.")
        found[name] = network
    return found


def complement_network(source: NetworkSource, data: Any) -> AuditedNetwork:
    """The network of the other side; `UserError` if its own card lists a member."""
    network = source.load()
    if _saw(source, network, data, data.groups.members):
        raise UserError("The card of the complement lists members of this audit: it must have seen externals alone.")
    return network


def _saw(source: NetworkSource, network: AuditedNetwork, data: Any, rows: Rows) -> bool:
    listed = trained_on(network.card, card_folder(source))
    return listed is not None and bool(np.isin(data.keys.key[rows], listed.keys).any())


def missing_taps(network: AuditedNetwork, taps: list[str]) -> list[str]:
    """Taps that a network has not: a reference of another form is compared only where it can be read."""
    missing = []
    for tap in taps:
        try:
            with torch.no_grad():
                network.aad_shapes([tap])
        except UserError:
            missing.append(tap)
    return missing
