"""A stopwatch over named functions, wherever they run in this process."""

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Parts = Sequence[tuple[str, Any, tuple[str, ...]]]
"""(what people call it, class or module, names of its functions)."""


class Stopwatch:
    """Seconds of nested parts, each without those inside it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._open: list[list[float]] = []

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time what runs inside."""
        inner = [0.0]
        self._open.append(inner)
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self._open.pop()
            self.seconds[name] += spent - inner[0]
            if self._open:
                self._open[-1][0] += spent

    def of(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed as `name`; what a generator does between its values is not its own time."""

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                result = function(*args, **kwargs)
            return self._each(name, result) if isinstance(result, Iterator) else result

        return timed

    def _each(self, name: str, values: Iterator[Any]) -> Iterator[Any]:
        while True:
            with self.part(name):
                try:
                    value = next(values)
                except StopIteration:
                    return
            yield value


@contextmanager
def watched(stopwatch: Stopwatch, parts: Parts) -> Iterator[None]:
    """While this is open the stopwatch times `parts`."""
    kept = []
    for name, owner, functions in parts:
        for function in functions:
            kept.append((owner, function, vars(owner).get(function)))
            setattr(owner, function, stopwatch.of(name, getattr(owner, function)))
    try:
        yield
    finally:
        for owner, function, before in reversed(kept):
            if before is None:
                delattr(owner, function)
            else:
                setattr(owner, function, before)
