"""Ctrl-C as Python means it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interruptible() -> Iterator[None]:
    """Give Ctrl-C back as `KeyboardInterrupt`: Lightning's trainer makes a plain exit of it and deafens the signal."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except (SystemExit, Exception) as error:
        # Whatever fails while Lightning cleans up after Ctrl-C (a store that is locked, say) is Ctrl-C still.
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, KeyboardInterrupt):
            cause = cause.__context__
        if cause is None:
            raise
        raise KeyboardInterrupt from error
    finally:
        signal.signal(signal.SIGINT, handler)
