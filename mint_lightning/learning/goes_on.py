"""Whether a fit may go on from a checkpoint: only as it began, or its figures would be those of no one run."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from mint_lightning.errors import UserError

DECIDES: Final = "decides"
_TRAINER: Final = ("precision", "accumulate_grad_batches", "gradient_clip_val", "limit_train_batches")
_ELSEWHERE: Final = ("shapes", "taps", "init_from")
"""Arguments of a head that are compared otherwise, or that only say where it starts."""


def deciding(hyperparameters: Mapping[str, Any], trainer: Any) -> dict[str, Any]:
    """What decides a fit's figures beside its data: the head's arguments and some of the trainer's, as plain values."""
    own = {f"model.{name}": value for name, value in hyperparameters.items() if name not in _ELSEWHERE}
    return {name: _plain(value) for name, value in own.items()} | {
        f"trainer.{name}": _plain(getattr(trainer, name, None)) for name in _TRAINER
    }


def refuse_other_fit(checkpoint: Mapping[str, Any], here: Mapping[str, Any], path: str) -> None:
    """Raise `UserError` where a fit that `here` decides cannot go on from the checkpoint at `path`.

    Checkpoints of earlier versions say less, and what they do not say is not compared.
    """
    if not checkpoint.get("optimizer_states") or "loops" not in checkpoint:
        raise UserError(
            f"{path} holds weights alone, and a fit goes on only with its optimizer: start from this head with "
            "--model.init_from."
        )
    losses = checkpoint.get("losses")
    if losses is not None and not _three_numbers(losses):
        raise UserError(f"The checkpoint {path} is damaged: its losses are {losses!r}.")
    there = checkpoint.get("mint", {}).get(DECIDES, {})
    for name, value in here.items():
        if name in there and there[name] != value:
            raise UserError(
                f"The fit that {path} is of had {name} {there[name]!r}, here it is {value!r}: a fit goes on only as it "
                "began; begin anew under another --name."
            )


def newest(resume: Path, last: Path, auditor: Path) -> Path | None:
    """What a fit goes on from: `resume`, the last batch that was kept, or where none was `last`, the end of an epoch.

    `last` stands of a finished fit, too: then its `auditor` is no older, and there is nothing to go on with.
    """
    if resume.is_file():
        return resume
    finished = auditor.is_file() and last.is_file() and auditor.stat().st_mtime_ns >= last.stat().st_mtime_ns
    return last if last.is_file() and not finished else None


def _three_numbers(losses: Any) -> bool:
    if not isinstance(losses, list) or len(losses) != 3:
        return False
    return all(isinstance(each, int | float) and math.isfinite(each) for each in losses)


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, int | float | str | bool | None) else str(value)
