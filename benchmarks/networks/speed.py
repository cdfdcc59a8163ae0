"""How fast a network is read at each tap, beside its bare forward."""

import time
from typing import Any

import torch

from benchmarks.common.forward import bare, prepared
from mint_lightning.audited import AuditedNetwork, NetworkSource
from mint_lightning.audited.twin import adapt_batchnorm

SECONDS = 2.0
"""Of one bare pass: enough images are taken, from one batch to 32, for a network as slow as this machine makes it."""


def source_of(name: str) -> NetworkSource:
    """Random weights do for speed."""
    size = {"timm:vit_tiny_patch16_224": {"img_size": 112}}.get(name)
    return NetworkSource(architecture=name, arguments=size)


def tap_speed(name: str, batch: int, turns: int) -> dict[str, Any]:
    """Seconds of the same images through the bare module, and through `AuditedNetwork` at each tap and at all."""
    network = source_of(name).load()
    height, width = network.preprocessing.size
    images = torch.randint(0, 256, (batch, 3, height, width), dtype=torch.uint8)
    adapt_batchnorm(network, [images])  # random weights without it grow with depth beyond every number
    taps = list(network.tap_names)
    run = bare(network.module, [prepared(network, images)])
    run()
    once = run()
    count = int(min(max(SECONDS / once, 1), 32))
    batches = [images] * count
    run = bare(network.module, [prepared(network, each) for each in batches])
    asked = {**{tap: [tap] for tap in taps}, "all taps": taps}
    seconds: dict[str, list[float]] = {"bare": [], **{tap: [] for tap in asked}}
    for wanted in asked.values():
        network(images, wanted)  # its first forward looks for modules that run twice
    for _ in range(turns):
        for tap, wanted in asked.items():
            seconds["bare"].append(run())
            seconds[tap].append(_clocked(network, batches, wanted))
    shares = {tap.name: tap.share for tap in network.describe()}
    return {"images": batch * count, "seconds": seconds, "shares": shares, "order": list(asked)}


def _clocked(network: AuditedNetwork, batches: list[torch.Tensor], taps: list[str]) -> float:
    start = time.perf_counter()
    for batch in batches:
        network(batch, taps)
    return time.perf_counter() - start
