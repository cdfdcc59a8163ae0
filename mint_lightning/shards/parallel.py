"""Work spread over processes, results in the order of the work, never more of it in memory than is under way."""

import contextlib
import itertools
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection, wait
from typing import TypeVar

from mint_lightning.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int
) -> Generator[Result, None, None]:
    """Yield `function(item)` for each item, in order.

    Args:
        function: defined at the top of a module, so that other processes find it.
        items: taken one by one, a few for each worker ahead of the results.
        workers: processes; 0 does the work in this one. The results are the same either way.

    Raises:
        UserError: workers is negative, or the system killed a worker.
    """
    if workers < 0:
        raise UserError(f"workers = {workers}: give 0 for none beside this process, or the number of processes.")
    if workers == 0:
        yield from map(function, items)
        return
    stop, stop_now = multiprocessing.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, initializer=_become_worker, initargs=(stop,))
    pending: deque[Future[Result]] = deque()
    source = iter(items)
    try:
        pending.extend(pool.submit(function, item) for item in itertools.islice(source, 4 * workers))
        while pending:
            yield pending.popleft().result()
            pending.extend(pool.submit(function, item) for item in itertools.islice(source, 1))
    except BrokenProcessPool as error:
        raise UserError(
            f"A worker process died, most often because memory ran out: use fewer than {workers} workers."
        ) from error
    except BaseException:
        # The reader of the results stops early, on an error or Ctrl-C: what is under way need not be finished.
        stop_now.send_bytes(b"stop")
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        stop.close()
        stop_now.close()


def _become_worker(stop: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent decides what it means
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        os.environ[name] = "1"
    if "cv2" in sys.modules:
        # A forked copy of cv2 has a thread pool without threads: it would wait for them for ever.
        sys.modules["cv2"].setNumThreads(0)
    threading.Thread(target=_end_when_told, args=(stop,), daemon=True).start()


def _end_when_told(stop: Connection) -> None:
    """End this process when the parent says so (nobody takes the message out, so all workers see it) or is gone."""
    parent = multiprocessing.parent_process()
    with contextlib.suppress(OSError):
        wait([stop] if parent is None else [stop, parent.sentinel])
    os._exit(1)
