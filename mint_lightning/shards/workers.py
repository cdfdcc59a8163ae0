"""Reading a stream by worker processes, or by none."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import cv2
import torch
from torch.utils.data import DataLoader, IterableDataset

from mint_lightning.errors import UserError
from mint_lightning.shards.batch import Batch, join

S = TypeVar("S", bound=IterableDataset)


class StreamLoader(Generic[S]):
    """A stream of batches, read in this process or by workers that live from the first iteration until `close`.

    Args:
        stream: yields batches, or parts of them; in a worker, that worker's share.
        workers: worker processes; 0 reads in this process.
        multiprocessing_context: "fork", "spawn" or "forkserver"; None is Python's own choice.
        prefetch: parts that each worker prepares ahead.
        pin_memory: put images into page-locked memory, where there is a GPU.
    """

    def __init__(
        self, stream: S, *, workers: int, multiprocessing_context: str | None, prefetch: int, pin_memory: bool
    ) -> None:
        if workers < 0 or prefetch < 1:
            raise UserError(f"{workers} workers that prepare {prefetch} batches ahead: use at least 0 and at least 1.")
        self.stream = stream
        self.workers = workers
        self.pin_memory = pin_memory and torch.cuda.is_available()
        self._context = multiprocessing_context
        self._prefetch = prefetch
        self._loader: DataLoader[Any] | None = None
        self._turn = 0

    def close(self) -> None:
        """End the worker processes. Iterating again starts new ones."""
        self._iterator = None

    @property
    def _iterator(self) -> Any:
        # Lightning ends the workers of a loader through this name, as it stands in torch's DataLoader.
        return None if self._loader is None else self._loader._iterator

    @_iterator.setter
    def _iterator(self, value: None) -> None:
        self._turn += 1
        if self._iterator is not None:
            self._iterator._shutdown_workers()
        self._loader = None

    def _parts(self) -> Iterator[Any]:
        """What the stream yields: all of it here, or one part from each worker in turn."""
        self._turn += 1
        turn = self._turn
        source = self._start()
        while turn == self._turn:
            try:
                part = next(source)
            except StopIteration:
                return
            except RuntimeError as error:
                if "DataLoader worker" not in str(error):
                    raise
                self.close()
                raise UserError(
                    "A worker process that loads images died, killed from outside or for want of memory: use fewer "
                    "workers, then resume from the last checkpoint."
                ) from error
            if isinstance(part, _Failure):
                raise UserError(part.sentence)
            yield part
        raise RuntimeError("this iteration of the loader ended when it was closed or a newer iteration began")

    def _start(self) -> Iterator[Any]:
        if self.workers == 0:
            return iter(self.stream)
        if self._loader is None:
            self._loader = DataLoader(
                _Guarded(self.stream),
                batch_size=None,
                num_workers=self.workers,
                prefetch_factor=self._prefetch,
                persistent_workers=True,
                multiprocessing_context=self._context,
                worker_init_fn=_one_thread,
                collate_fn=_as_it_is,
                # Else each iteration would draw from torch's global generator, so that how images are loaded would
                # change a model's weights and dropout masks.
                generator=torch.Generator(),
            )
        handler = signal.getsignal(signal.SIGCHLD)
        with _without_threads_of_opencv():
            parts = iter(self._loader)
        if handler is not None and threading.current_thread() is threading.main_thread():
            # torch lets a signal handler raise when a worker dies, wherever the main thread is at that moment, in the
            # middle of a step or of a checkpoint. Without it the death is noticed when the next part is due.
            signal.signal(signal.SIGCHLD, handler)
        return parts

    def _batch(self, parts: Sequence[Batch]) -> Batch:
        """One batch of the parts, out of the memory shared with the workers: each part there holds two open files."""
        return join(parts, self.pin_memory) if self.workers or self.pin_memory else parts[0]


class _Failure:
    """A user's error on its way out of a worker, where torch would make a page of traceback of it."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence


class _Guarded(IterableDataset):
    def __init__(self, stream: IterableDataset) -> None:
        self.stream = stream

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self.stream
        except UserError as error:
            yield _Failure(str(error))


@contextmanager
def _without_threads_of_opencv() -> Iterator[None]:
    """A process that is forked while OpenCV holds threads inherits the wait for them, but not the threads: it hangs."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _one_thread(worker: int) -> None:
    torch.set_num_threads(1)
    if cv2.getNumThreads() != 1:  # where the worker was not forked
        cv2.setNumThreads(1)


def _as_it_is(item: Any) -> Any:
    return item
