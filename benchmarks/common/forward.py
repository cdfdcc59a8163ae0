"""What everything is compared with: the bare forward of the audited network."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from mint_lightning.audited import AuditedNetwork


def prepared(network: AuditedNetwork, images: Tensor) -> Tensor:
    """uint8 images as the network's module gets them in the product: float32, channels_last."""
    return network.preprocessing(images).contiguous(memory_format=torch.channels_last)


def bare(module: nn.Module, batches: Sequence[Tensor]) -> Callable[[], float]:
    """A clocked forward of the module on batches in memory, without hooks or gradients: gives its seconds."""

    @torch.no_grad()
    def run() -> float:
        module.eval()
        start = time.perf_counter()
        for batch in batches:
            module(batch)
        return time.perf_counter() - start

    return run


def drawn_set(root: Path, identities: int, photos: int) -> Path:
    """Drawn faces in partitions "members" and "externals", packed once, with the door's own command."""
    from mint_lightning.cli import main

    source = f"synthetic:identities={identities},photos={photos},difficulty=plain"
    partitions = '{"members": 0.5, "externals": 0.5}'
    request = ["--source", source, "--out", str(root), "--partitions", partitions, "--reuse", "true"]
    if main(["pack", *request, "--overwrite", "true"]):
        raise SystemExit(f"{root} could not be packed.")
    return root
