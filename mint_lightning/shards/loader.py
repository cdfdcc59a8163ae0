"""Batches for training and evaluation: counted, resumable, with or without worker processes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.shards.batch import Batch
from mint_lightning.shards.keys import KeyList
from mint_lightning.shards.order import EpochOrder
from mint_lightning.shards.stream import EvalStream, Read, TrainStream
from mint_lightning.shards.workers import StreamLoader

STATE_SCHEMA = 1


class TrainLoader(StreamLoader[TrainStream]):
    """The training batches of one process: one endless sequence, epoch after epoch, with a place that can be kept.

    Iterating yields `len(loader)` batches and leaves the place at the start of the next epoch; the first iteration
    after `load_state_dict` yields the rest of its epoch. An iteration that is left early (`limit_train_batches`) is
    gone on with by the next one, which then crosses into the next epoch: nothing is skipped or repeated.

    The place moves as a batch is handed out, so a checkpoint written once the batch is trained on (Lightning's
    `on_train_batch_end` or later) goes on with the next. It does not depend on rank, world size or workers.

    Args:
        root: folder of the shard set.
        order: the training order; its batch size is that of all processes together.
        rank, world_size: of this process; the world size must divide the lanes.
        workers: worker processes, at most the lanes of a rank. 0 loads in this process.
        multiprocessing_context: "fork", "spawn" or "forkserver"; None is Python's own choice.
        prefetch: batches that each worker prepares ahead.
        pin_memory: put images into page-locked memory, from which a GPU copies faster.
        read: gives something else of the rows than their images; then without workers and pinned memory.

    Raises:
        UserError: lanes do not divide so, or, while iterating, a shard cannot be read or a worker died.
    """

    def __init__(
        self,
        root: Path,
        order: EpochOrder,
        *,
        rank: int = 0,
        world_size: int = 1,
        workers: int = 0,
        multiprocessing_context: str | None = None,
        prefetch: int = 2,
        pin_memory: bool = False,
        read: Read | None = None,
    ) -> None:
        super().__init__(
            TrainStream(root, order, rank=rank, world_size=world_size, read=read),
            workers=workers,
            multiprocessing_context=multiprocessing_context,
            prefetch=prefetch,
            pin_memory=pin_memory,
        )
        if workers > len(self.stream.lanes):
            raise UserError(
                f"{workers} workers cannot share the {len(self.stream.lanes)} lanes of a process: "
                f"use at most {len(self.stream.lanes)} workers."
            )
        self.order = order
        self.epoch = 0
        self.batches = 0
        self._resumed = False

    def __len__(self) -> int:
        """Batches of an epoch, also after `load_state_dict`: Lightning adds what it has done before to its count."""
        return self.order.steps

    def __iter__(self) -> Iterator[Batch]:
        left = len(self) - (self.batches if self._resumed else 0)
        self._resumed = False
        while left:
            self.stream.start_at(self.epoch, self.batches)
            parts = self._parts()
            for _ in range(min(left, len(self) - self.batches)):
                batch = self._batch([next(parts) for _ in range(max(1, self.workers))])
                left -= 1
                self.batches += 1
                if self.batches == len(self):
                    self.epoch, self.batches = self.epoch + 1, 0
                yield batch

    def at_epoch(self, epoch: int) -> None:
        """Begin with this epoch, unless a place within one is gone on with."""
        if not self._resumed and self.batches == 0:
            self.epoch = epoch

    def state_dict(self) -> dict[str, Any]:
        """The place in the order, and what it is a place in."""
        return {"schema": STATE_SCHEMA, "epoch": self.epoch, "batches": self.batches, **self._order_facts()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on at a place kept by `state_dict`, on any number of processes and workers that divide the lanes.

        Raises:
            UserError: the state is of another shard set, images, batch size, lanes, seed or schema, or no such state.
        """
        facts = {"schema": STATE_SCHEMA, **self._order_facts()}
        for name, here in facts.items():
            if state.get(name) != here:
                raise UserError(
                    f"The checkpoint cannot be resumed exactly: its {_WORDS[name]} {state.get(name)!r}, here it is "
                    f"{here!r}; use the same data settings and shard set, or start a new run."
                )
        epoch, batches = state.get("epoch"), state.get("batches")
        if type(epoch) is not int or type(batches) is not int or epoch < 0 or not 0 <= batches < len(self):
            raise UserError(
                f"The checkpoint's place in the data (epoch {epoch!r}, batch {batches!r}) is not possible with "
                f"{len(self)} batches an epoch: the checkpoint is damaged."
            )
        self.epoch, self.batches, self._resumed = epoch, batches, True
        self._turn += 1  # an iteration under way would count on from the new place

    def _order_facts(self) -> dict[str, Any]:
        return {
            "lanes": self.order.lanes,
            "batch_size": self.order.batch_size,
            "seed": self.order.seed,
            "shards": self.stream.manifest.hash,
            "images": self.order.fingerprint,
        }


class EvalLoader(StreamLoader[EvalStream]):
    """Every given image once, over all processes together, in batches of at most `batch_size`.

    Args:
        root, keys: the shard set and its key list.
        rows: int64, each once, in any order.
        batch_size: images of a batch of one process.
        rank, world_size, workers, multiprocessing_context, prefetch, pin_memory, read: as for `TrainLoader`; any
            numbers.

    Raises:
        UserError: no rows, or, while iterating, a shard cannot be read or a worker died.
    """

    def __init__(
        self,
        root: Path,
        keys: KeyList,
        rows: NDArray[np.int64],
        *,
        batch_size: int,
        rank: int = 0,
        world_size: int = 1,
        workers: int = 0,
        multiprocessing_context: str | None = None,
        prefetch: int = 2,
        pin_memory: bool = False,
        read: Read | None = None,
    ) -> None:
        super().__init__(
            EvalStream(root, keys, rows, batch_size, rank=rank, world_size=world_size, read=read),
            workers=workers,
            multiprocessing_context=multiprocessing_context,
            prefetch=prefetch,
            pin_memory=pin_memory,
        )

    def __len__(self) -> int:
        """Batches of this process."""
        return len(self.stream.batches)

    def __iter__(self) -> Iterator[Batch]:
        for batch in self._parts():
            if batch is not None:
                yield self._batch([batch])


_WORDS = {
    "schema": "data state has schema",
    "lanes": "number of lanes was",
    "batch_size": "batch_size was",
    "seed": "data seed was",
    "shards": "shard set had the hash",
    "images": "images (members, externals) had the hash",
}
