"""Drawing weights from a seed of their own."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's CPU generator inside the block; afterwards it goes on as if the block had drawn nothing.

    `torch.manual_seed` would also reseed every CUDA device, which `fork_rng` restores only for devices in use.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
