"""A command started as several processes in the ways that people have."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULE = ["-m", "mint_lightning"]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def alone(words: Sequence[str], **more: str) -> list[subprocess.Popen[str]]:
    """Our own launcher, where the words ask for several."""
    return [_started([sys.executable, *MODULE, *words], environment(**more))]


def torchrun(words: Sequence[str], *, nodes: int = 1, each: int = 2) -> list[subprocess.Popen[str]]:
    """torchrun, of as many "nodes" of this machine."""
    port, command = free_port(), [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(each)]
    place = ["--nnodes", str(nodes), "--master-addr", "127.0.0.1", "--master-port", port]
    return [
        _started([*command, *place, "--node-rank", str(node), *MODULE, *words], environment()) for node in range(nodes)
    ]


def slurm(words: Sequence[str], *, tasks: int = 2, **more: str) -> list[subprocess.Popen[str]]:
    """What srun starts: tasks that know of each other by SLURM's variables."""
    given = {"SLURM_NTASKS": str(tasks), "SLURM_NTASKS_PER_NODE": str(tasks), "SLURM_NNODES": "1", **more}
    given |= {"SLURM_JOB_ID": free_port()[-4:], "SLURM_JOB_NAME": "fit", "SLURM_NODELIST": "127.0.0.1"}
    given |= {"SLURM_NODEID": "0", "MASTER_PORT": free_port()}
    return [
        _started([sys.executable, *MODULE, *words], environment(**given, SLURM_PROCID=task, SLURM_LOCALID=task))
        for task in map(str, range(tasks))
    ]


def finished(processes: Sequence[subprocess.Popen[str]], seconds: float = 300) -> str:
    """What they said, once all have done well."""
    said = [process.communicate(timeout=seconds)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), "\n".join(said)
    return "\n".join(said)


def second_process() -> int:
    """Of those that work in this folder, the one of rank 1."""
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if b"RANK=1" in path.read_bytes().split(b"\0") and (path.parent / "cwd").resolve() == Path.cwd():
                return int(path.parent.name)
        except OSError:
            continue
    raise AssertionError("there is none")


def _started(command: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
