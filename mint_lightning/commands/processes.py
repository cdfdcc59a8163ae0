"""A command in several processes of this machine: one sentence where one fails, and none is left behind."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import IO, Any

from mint_lightning.errors import UserError

GRACE = 20.0
STARTED = "MINT_STARTED_TOGETHER"
"""Seconds that the others have to end by themselves once one has failed."""


def started_here() -> bool:
    """Whether this process is one of several that ours started, which speaks for all."""
    return os.environ.get(STARTED) == "1"


def started_together() -> bool:
    """Whether something (torchrun, SLURM, or we) has started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", 1)) > 1 or int(os.environ.get("SLURM_NTASKS", 1)) > 1


def processes_of(trainer: Any) -> int:
    """How many processes of this machine a Lightning trainer with these settings would have."""
    if trainer.strategy not in ("auto", "ddp") or trainer.num_nodes != 1 or started_together():
        return 1
    import torch

    gpus = torch.cuda.device_count() if trainer.accelerator in ("auto", "gpu", "cuda") else 0
    devices = trainer.devices
    if isinstance(devices, str) and "," in devices:
        devices = [each for each in devices.split(",") if each.strip()]
    if isinstance(devices, list):
        return len(devices)
    if str(devices) in ("auto", "-1"):
        return max(1, gpus)
    return int(devices) if str(devices).isdecimal() else 1


def run_in_processes(words: Sequence[str], count: int, *, goes_on: str = "run the same again") -> None:
    """Run `mint-lightning WORDS` in `count` processes that know of each other as those of torchrun do.

    The first one's output is shown. Where one fails the others are ended, its last words are told, and how the work
    `goes_on`. SIGUSR1, by which SLURM warns, is handed on to them; they end where this process is killed.

    Raises:
        UserError: a process failed, or was killed.
        SystemExit: with 130 after Ctrl-C, 143 after SIGTERM.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(count)}
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, (os.cpu_count() or 1) // count))
    command = [sys.executable, "-m", "mint_lightning", *words]
    with ExitStack() as stack:
        spoken = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(count)]
        processes = [
            subprocess.Popen(
                command,
                env={
                    **os.environ,
                    **place,
                    STARTED: "1",
                    "RANK": str(rank),
                    "LOCAL_RANK": str(rank),
                    "OMP_NUM_THREADS": threads,
                },
                stdout=None if rank == 0 else subprocess.DEVNULL,
                stderr=None if rank == 0 else spoken[rank],
                preexec_fn=_end_with_parent,
            )
            for rank in range(count)
        ]
        stack.callback(_end, processes)
        stack.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, _stop))

        def hand_on(number: int, frame: object) -> None:
            for process in processes:
                process.send_signal(number)

        stack.callback(signal.signal, signal.SIGUSR1, signal.signal(signal.SIGUSR1, hand_on))
        failed = _first_failure(processes)
        if failed is None:
            return
        code = processes[failed].returncode
        why = _last_words(spoken[failed]) or (f"killed by signal {-code}" if code < 0 else f"it ended with {code}")
    if (failed == 0 and code > 0) or code == 128 + signal.SIGTERM:
        raise SystemExit(code)  # the first has said why
    raise UserError(f"Process {failed} of {count} failed ({why}); what is done is kept: {goes_on}.")


def _end_with_parent() -> None:
    """Ask Linux for SIGTERM when the launcher dies: killed, it could not end anybody. Elsewhere nothing is asked."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, int(signal.SIGTERM))  # PR_SET_PDEATHSIG


def _stop(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def _first_failure(processes: Sequence["subprocess.Popen[bytes]"]) -> int | None:
    """The process that failed first; None once all have done their work."""
    while True:
        codes = [process.poll() for process in processes]
        for rank, code in enumerate(codes):
            if code not in (None, 0):
                return rank
        if all(code == 0 for code in codes):
            return None
        time.sleep(0.05)


def _end(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Ctrl-C has reached them as it has us; whatever runs is asked to end, then made to."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    end = time.monotonic() + GRACE
    for process in processes:
        try:
            process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _last_words(spoken: IO[bytes]) -> str:
    spoken.seek(0)
    lines = spoken.read().decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("Error: ").rstrip(".") if lines else ""
