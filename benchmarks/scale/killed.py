"""Commands run in a fork of a process that has imported everything, some of them to be killed on the way.

What a start would take ten seconds for takes none, so that fifty kills take minutes.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from benchmarks.common.jobs import ROOT
from benchmarks.scale.callbacks import end
from datamodules import Faces  # noqa: F401
from mint_lightning.audited import Entry
from mint_lightning.cli import main
from mint_lightning.learning import gather
from mint_lightning.learning import table as table_module
from mint_lightning.learning.recogniser import Recognition
from mint_lightning.learning.stack import Single, Stack

for name in ("commands.lightning", "commands.publish", "commands.train_audited", "learning.audit", "tracking.logger"):
    import_module(f"mint_lightning.{name}")  # what the commands import when they need it: here, so that forks need not
for name in ("mlflow.store.tracking.sqlalchemy_store", "alembic.command", "git", "omegaconf"):
    import_module(name)

PATIENCE = 300.0
"""Seconds after which a run that takes a few is taken to hang."""
Kill = dict[str, Any]
"""Batch `step`, seconds of `delay` after it, and the signal `sent`."""


def fork(words: Sequence[str], log: Path, kill: Kill | None = None, count: Path | None = None) -> int:
    """Exit code of a command in a process of its own, minus the signal that ended it.

    Args:
        words: of the command.
        log: file for what it prints.
        kill: where `train-audited` and `table` end themselves (a `fit` has a callback for that).
        count: file for the number of batches of a `table`, or steps of a training.

    Raises:
        TimeoutError: it hangs.
    """
    os.environ["PYTHONPATH"] = str(ROOT)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=run, args=(Path.cwd(), list(words), log, kill, count))
    process.start()
    process.join(PATIENCE)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError(f"{words[0]} did not end: {log.name}")
    return process.exitcode


def run(folder: Path, words: Sequence[str], log: Path, kill: Kill | None, count: Path | None) -> None:
    """The command in this process, which ends with its exit code."""
    os.chdir(folder)
    multiprocessing.set_start_method("fork", force=True)  # as it is in a process that was started
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with log.open("a") as stream:
        for number in (1, 2):
            os.dup2(stream.fileno(), number)
    torch.set_num_threads(1)
    gather.FLUSH_SECONDS = table_module.KEEP_SECONDS = 0.0  # else a table this small would keep nothing on its way
    steps = _counted(kill)
    code = main(words)
    if count is not None and not code:
        count.write_text(str(steps()))
    raise SystemExit(code)


def _counted(kill: Kill | None) -> Callable[[], int]:
    """Count batches of a pass, steps of heads and of a training; at that of `kill` this process gets its signal."""
    done = [0]

    def counting(kept: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **named: Any) -> Any:
            if kill is not None and done[0] == kill["step"]:
                end(kill["sent"], kill["delay"])
            done[0] += 1
            return kept(*args, **named)

        return counted

    for owner, name in ((Entry, "add"), (Stack, "step"), (Single, "step"), (Recognition, "training_step")):
        setattr(owner, name, counting(getattr(owner, name)))
    return lambda: done[0]
