"""Reading a head's checkpoint, from anybody, without running what is in it."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from mint_lightning.errors import UserError

SCHEMA_VERSION = 1


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint that `fit` wrote, on the CPU.

    Raises:
        UserError: there is none, it is damaged, holds more than weights and plain values, or is not one of ours.
    """
    if not path.is_file():
        raise UserError(f"There is no checkpoint at {path}: fit writes them to mlruns/checkpoints/NAME.")
    if (damaged := _damaged(path)) is not None:
        raise UserError(f"The checkpoint {path} is damaged ({damaged}): take the one before it, or begin anew.")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(f"{path} is no checkpoint of weights and plain values; nothing in it was run.") from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise UserError(f"The checkpoint {path} is damaged or is no checkpoint: take it anew.") from error
    if not isinstance(found, dict) or not isinstance(found.get("mint"), dict) or "state_dict" not in found:
        raise UserError(f"{path} is not a checkpoint that mint-lightning fit wrote.")
    version = found["mint"].get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise UserError(
            f"The checkpoint {path} has schema_version {version!r}; this version of the program reads {SCHEMA_VERSION}."
        )
    return found


def _damaged(path: Path) -> str | None:
    """What of the archive is not as it was written, if anything: torch looks at no checksum."""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError):
        return None  # no archive at all, which torch says
    return None if broken is None else f"{broken} fails its checksum"
