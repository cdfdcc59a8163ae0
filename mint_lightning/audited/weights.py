"""Weights from files that cannot run code, into the network they were made for."""

import hashlib
import pickle
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from mint_lightning.errors import UserError

_WRAPPERS: Final = ("state_dict", "net_state_dict", "model_state_dict", "model")
_SHOWN: Final = 3
_INSTEAD: Final = (
    "save the network's state_dict() alone, best as safetensors, or export the graph as ONNX (architecture: onnx)."
)


def load_state(path: Path | str) -> dict[str, Tensor]:
    """Tensors by name from a safetensors file or a torch checkpoint, on the CPU, in the types they were stored in.

    A state dict inside a checkpoint (`state_dict`, `net_state_dict`, ...) is taken out, and `module.`, which
    DataParallel puts before every name, taken off. Nothing but tensors and plain containers is unpickled.

    Raises:
        UserError: the file is missing, damaged, or holds anything else; a pickle that could run code is refused.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"There is no weights file at {path}.")
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    state = _unwrap(content)
    if not isinstance(state, Mapping) or not state:
        raise UserError(f"{path} holds {_kind(state)}; a state dict (names and tensors) is needed.")
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise UserError(f"{path}: {key!r} is {_kind(value)}; a state dict (names and tensors) is needed.")
    prefix = "module."
    if all(key.startswith(prefix) for key in state):
        return {key.removeprefix(prefix): value for key, value in state.items()}
    return dict(state)


def load_into(module: nn.Module, state: Mapping[str, Tensor], path: Path | str) -> None:
    """Copy a state dict into a module, whose number types stay (so fp16 weights are widened).

    Raises:
        UserError: names that are missing or left over, or shapes that differ, the first few and their number. The
            module is then as it was.
    """
    wanted = module.state_dict()
    # Checkpoints older than PyTorch 0.4.1 lack this counter, which an evaluated network does not use.
    missing = [key for key in wanted if key not in state and not key.endswith("num_batches_tracked")]
    unexpected = [key for key in state if key not in wanted]
    shapes = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(wanted[key].shape)}"
        for key in wanted
        if key in state and state[key].shape != wanted[key].shape
    ]
    faults = [
        f"{len(found)} {what} ({_first(found)})"
        for found, what in ((missing, "missing"), (unexpected, "unexpected"), (shapes, "of another shape"))
        if found
    ]
    if faults:
        raise UserError(
            f"The weights {path} do not fit {type(module).__name__} ({len(wanted)} tensors): {'; '.join(faults)}."
        )
    module.load_state_dict(dict(state), strict=False)


def fingerprint(module: nn.Module) -> str:
    """Hexadecimal SHA-256 of all parameters and buffers: name, type, shape and values of each, sorted by name.

    Strides do not count, so channels_last memory gives the same fingerprint.
    """
    tensors = dict(chain(module.named_parameters(), module.named_buffers()))
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)};".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, ValueError) as error:
        raise UserError(f"{path} is not a safetensors file, or is damaged or cut short ({_line(error)}).") from error


def _read_torch(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of TorchScript before it refuses it, which we say ourselves
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "global" in str(error).lower():
            raise UserError(
                f"{path} holds Python objects that could run code when loaded, so it is refused: "
                "save the network's state_dict() alone, best as safetensors."
            ) from error
        raise UserError(f"{path} is neither a torch checkpoint nor safetensors, or is damaged.") from error
    except RuntimeError as error:
        if "TorchScript" in str(error):
            raise UserError(
                f"{path} is a TorchScript archive, which could run code when loaded, so it is refused: {_INSTEAD}"
            ) from error
        if _is_exported(path):
            raise UserError(
                f"{path} is an archive of torch.export, which could run code when loaded, so it is refused: {_INSTEAD}"
            ) from error
        raise UserError(f"{path} is not a torch checkpoint, or is damaged or cut short.") from error
    except Exception as error:  # what the legacy format raises on a file cut short depends on where it was cut
        raise UserError(f"{path} is not a torch checkpoint, or is damaged or cut short.") from error


def _is_exported(path: Path) -> bool:
    """Whether it is a .pt2: a zip archive that says so by the name of one of its entries."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.rpartition("/")[2] == "archive_format" for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def _unwrap(content: Any) -> Any:
    if isinstance(content, Mapping):
        for key in _WRAPPERS:
            if isinstance(content.get(key), Mapping):
                return content[key]
    return content


def _kind(value: Any) -> str:
    return "an empty dict" if isinstance(value, Mapping) and not value else f"an object of type {type(value).__name__}"


def _first(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
