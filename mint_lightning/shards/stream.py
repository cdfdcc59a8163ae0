"""What one process or worker reads: the images of its lanes, or its share of the batches to evaluate."""

from collections.abc import Callable, Iterator
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset, get_worker_info

from mint_lightning.errors import UserError
from mint_lightning.shards.batch import Batch, decode_batch
from mint_lightning.shards.image import encoder_named
from mint_lightning.shards.keys import KeyList
from mint_lightning.shards.manifest import Manifest
from mint_lightning.shards.order import EpochOrder
from mint_lightning.shards.reader import read_rows

Read = Callable[[NDArray[np.int64], Iterator[int]], Iterator[Any]]
"""Given rows and sizes, yields for each size what belongs to the next so many rows: what a stream gives of images."""


class _Stream(IterableDataset[Batch | None]):
    def __init__(self, root: Path, keys: KeyList, rank: int, world_size: int, read: Read | None) -> None:
        if not 0 <= rank < world_size:
            raise ValueError(f"rank {rank} of {world_size} processes")
        self.root = Path(root)
        self.keys = keys
        self._given = read
        self.manifest = Manifest.load(self.root)
        self.suffix = encoder_named(self.manifest.encoder).suffix
        if (len(keys), keys.lanes) != (self.manifest.images, self.manifest.lanes):
            raise UserError(f"The key list is not that of the shard set {root}: load it from there.")

    def _read(self, rows: NDArray[np.int64], sizes: Iterator[int]) -> Iterator[Batch]:
        """Batches of the next `sizes` images of `rows`."""
        if self._given is not None:
            yield from self._given(rows, sizes)
            return
        samples = read_rows(self.root, self.manifest, self.keys, rows, self.suffix)
        for size in sizes:
            yield decode_batch(list(islice(samples, size)), self.keys, self.suffix, self.manifest.image_size)


class TrainStream(_Stream):
    """The images of the lanes of one rank, from a place in the training order to the end of that epoch.

    Iterating yields for each step the part of the global batch that the lanes of this rank give, or, in a worker of
    a DataLoader, the lanes of that worker: `workers` x `world_size` parts, in lane order, make the global batch of
    `order.batches(epoch)`. Memory grows with the lanes read: a piece of each open tar, 256 KB; beside it each image of
    the epoch costs some 30 bytes, its place in the order and in its tar. Picklable; ranks are given, never asked for,
    because workers that are spawned cannot see the process group.

    Args:
        root: folder of the shard set.
        order: the training order.
        rank, world_size: of this process.
        read: gives something else of the rows than their images, such as what was computed of them.

    Raises:
        UserError: the lanes cannot be shared equally by the processes, or a shard cannot be read.
    """

    def __init__(
        self, root: Path, order: EpochOrder, *, rank: int = 0, world_size: int = 1, read: Read | None = None
    ) -> None:
        super().__init__(root, order.keys, rank, world_size, read)
        if order.lanes % world_size:
            fits = [n for n in range(1, order.lanes + 1) if order.lanes % n == 0]
            raise UserError(
                f"The {order.lanes} lanes of the shard set cannot be shared equally by {world_size} processes: "
                f"use {', '.join(map(str, fits[:-1]))} or {fits[-1]} processes."
            )
        self.order = order
        share = order.lanes // world_size
        self.lanes = range(rank * share, (rank + 1) * share)
        # Shared memory, so that workers that live on from epoch to epoch see where to begin the next.
        self._place = torch.zeros(2, dtype=torch.int64).share_memory_()

    def start_at(self, epoch: int, batches: int) -> None:
        """Let the next iteration begin after `batches` batches of `epoch`, without decoding these."""
        self._place.copy_(torch.tensor([epoch, batches]))

    def __iter__(self) -> Iterator[Batch]:
        epoch, batches = self._place.tolist()
        lanes = [self.order.lane(lane, epoch)[batches:] for lane in _share(self.lanes)]
        rows = np.stack(lanes, axis=1).reshape(len(lanes[0]), -1)
        return self._read(rows.ravel(), repeat(rows.shape[1], len(rows)))


class EvalStream(_Stream):
    """Every given image exactly once, over all ranks and workers together.

    The rows are sorted as they lie in the tars and cut to batches; ranks, and within a rank workers, take runs of
    neighbouring batches, so that what is in a batch does not depend on their numbers (but for fewer than one batch a
    rank, when batches are made smaller). A worker with a batch fewer than the others yields a None at the end, which
    keeps the turn of the workers, and so the order of batches, the same at each run.

    Args:
        root, keys: the shard set and its key list.
        rows: int64, each once, in any order.
        batch_size: images of a batch.
        rank, world_size: of this process.
        read: as for `TrainStream`.

    Raises:
        UserError: no rows, or a shard cannot be read.
    """

    def __init__(
        self,
        root: Path,
        keys: KeyList,
        rows: NDArray[np.int64],
        batch_size: int,
        *,
        rank: int = 0,
        world_size: int = 1,
        read: Read | None = None,
    ) -> None:
        super().__init__(root, keys, rank, world_size, read)
        if len(rows) == 0:
            raise UserError(f"There are no images to evaluate in {root}: check the partitions and splits asked for.")
        if len(np.unique(rows)) != len(rows):
            raise ValueError("a row is given twice")
        if batch_size < 1:
            raise UserError(f"A batch_size of {batch_size} is not possible: use 1 or more.")
        rows = np.sort(np.asarray(rows, dtype=np.int64))
        batches = np.split(rows, np.arange(0, len(rows), min(batch_size, max(1, len(rows) // world_size)))[1:])
        self.batches = [batches[number] for number in _part(range(len(batches)), rank, world_size)]

    def __iter__(self) -> Iterator[Batch | None]:
        info = get_worker_info()
        own = _share(range(len(self.batches)))
        if own:
            rows = np.concatenate([self.batches[number] for number in own])
            yield from self._read(rows, (len(self.batches[number]) for number in own))
        longest = -(-len(self.batches) // (info.num_workers if info else 1))
        yield from [None] * (longest - len(own))


def _share(items: range) -> range:
    """The items of this worker of a DataLoader, neighbours all; in no worker, all items."""
    info = get_worker_info()
    return items if info is None else _part(items, info.id, info.num_workers)


def _part(items: range, number: int, parts: int) -> range:
    return items[number * len(items) // parts : (number + 1) * len(items) // parts]
