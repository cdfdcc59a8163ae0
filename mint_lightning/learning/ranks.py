"""Several processes that make one table: each does its share, and what it did lies in the store for all."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from lightning.fabric.plugins.environments import SLURMEnvironment, TorchElasticEnvironment

from mint_lightning.learning.bank import Rows

T = TypeVar("T")
PATIENCE = timedelta(hours=12)
"""The longest that a process waits for the slowest other; that one has ended is noticed at once."""


@dataclass(frozen=True)
class Ranks:
    """One of `size` processes, the `rank`-th; alone by default, where all of this does nothing.

    Processes agree by short messages and by the store, which they must share: a folder of this machine, or a network
    drive. Of arrays and weights nothing is sent.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def join(cls) -> "Ranks":
        """Of the processes that torchrun, SLURM or our own launcher started together, or this one alone."""
        environment = next((kind() for kind in (TorchElasticEnvironment, SLURMEnvironment) if kind.detect()), None)
        if environment is None and int(os.environ.get("WORLD_SIZE", 1)) > 1:
            environment = TorchElasticEnvironment()  # our launcher sets what torchrun does
        if environment is None or environment.world_size() == 1:
            return cls()
        os.environ.setdefault("MASTER_ADDR", environment.main_address)
        os.environ.setdefault("MASTER_PORT", str(environment.main_port))
        found = cls(environment.global_rank(), environment.world_size())
        dist.init_process_group("gloo", rank=found.rank, world_size=found.size, timeout=PATIENCE)
        return found

    @property
    def first(self) -> bool:
        """Whether this process speaks and writes for all."""
        return self.rank == 0

    def wait(self) -> None:
        """Until all are here."""
        if self.size > 1:
            dist.barrier()

    @contextmanager
    def one_first(self) -> Iterator[None]:
        """The first process alone, then the others, which find what it kept."""
        if not self.first:
            self.wait()
        yield
        if self.first:
            self.wait()

    def agreed(self, value: Any) -> Any:
        """The first process's `value`, of JSON."""
        return self.told(value)[0]

    def told(self, value: Any) -> list[Any]:
        """Each process's `value`, of JSON."""
        if self.size == 1:
            return [value]
        own = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
        sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
        dist.all_gather(sizes, torch.tensor([len(own)]))
        longest = int(max(sizes))
        texts = [torch.zeros(longest, dtype=torch.uint8) for _ in sizes]
        dist.all_gather(texts, torch.nn.functional.pad(own, (0, longest - len(own))))
        return [json.loads(bytes(text[: int(size)].tolist())) for text, size in zip(texts, sizes, strict=True)]

    def part(self, rows: Rows, batch_size: int) -> Rows:
        """This process's share of `rows`, in whole batches: these are then those of one process alone."""
        batches = np.split(rows, np.arange(batch_size, len(rows), batch_size))
        own = batches[self.rank * len(batches) // self.size : (self.rank + 1) * len(batches) // self.size]
        return np.concatenate([rows[:0], *own])

    def share(self, items: Sequence[T]) -> list[T]:
        """This process's share of `items`, every `size`-th."""
        return list(items[self.rank :: self.size])

    def leave(self) -> None:
        """End the conversation."""
        if self.size > 1:
            dist.destroy_process_group()
