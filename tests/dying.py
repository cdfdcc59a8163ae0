"""A command that is killed in the middle of writing a checkpoint: `python -m tests.dying WHICH COMMAND ...`."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from mint_lightning.cli import main


def dying(which: int) -> None:
    """Let the `which`-th checkpoint be half written, and this process be killed."""
    save, written = torch.save, [0]

    def half(content: Any, place: Any, *rest: Any, **more: Any) -> None:
        written[0] += 1
        if written[0] == which:
            Path(place).write_bytes(b"PK half")
            os.kill(os.getpid(), signal.SIGKILL)
        save(content, place, *rest, **more)

    torch.save = half  # type: ignore[assignment]


if __name__ == "__main__":
    dying(int(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
