"""AAD on disk: computed once, read by every later epoch, table and `datamodules.Activations`.

An entry is a folder for one tap of one network on one shard set; its name ends in the hash of everything that decides
the numbers. It grows by parts, each a safetensors file written to a temporary name and renamed, so a run that is killed
leaves whole parts, and the next computes only the images that none of them holds.
"""

import os
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mint_lightning.audited.aad import kept_dtype, parse_tap
from mint_lightning.audited.network import AuditedNetwork
from mint_lightning.errors import UserError
from mint_lightning.files import atomic_path, read_json, sha256_json, write_json

SCHEMA_VERSION: Final = 1
ENTRY: Final = "entry.json"
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class EntryKey:
    """All that decides the AAD of an entry.

    Args:
        network: Fingerprint of the network.
        form: Hash of its modules as they print themselves: pooling and activation functions are in no weights.
        preprocessing: As its card says it.
        precision: "float32", or "bf16" where it ran under autocast.
        layout: Where channels stand in its maps.
        view: Name of the view.
        module: Path of the tapped module.
        reduction: Of the activation.
        dtype: The type that values are rounded to and stored in.
        shards: Hash of the shard set's manifest; rows are those of its key list.
        code: Hash of the sources that compute AAD.
    """

    network: str
    form: str
    preprocessing: str
    precision: str
    layout: str
    view: str
    module: str
    reduction: str
    dtype: str
    shards: str
    code: str

    @classmethod
    def of(cls, network: AuditedNetwork, view: str, tap: str, shards: str, code: str, fingerprint: str) -> "EntryKey":
        """The key of a tap request ("conv4", "conv4:map") of a network whose fingerprint is known."""
        name, reduction = parse_tap(tap)
        return cls(
            network=fingerprint,
            form=form_hash(network),
            preprocessing=sha256_json(network.preprocessing.to_dict()),
            precision="bf16" if network.uses_bf16 else "float32",
            layout=network.layout,
            view=view,
            module=network.taps.get(name, name),
            reduction=reduction,
            dtype=str(kept_dtype(network.aad_shapes([tap])[tap], network.aad_dtype)).removeprefix("torch."),
            shards=shards,
            code=code,
        )

    @property
    def hash(self) -> str:
        """Of all fields."""
        return sha256_json(asdict(self))


def form_hash(network: AuditedNetwork) -> str:
    """Hash of a network's modules as they print themselves, addresses in memory apart."""
    return sha256_json(re.sub(r"0x[0-9a-fA-F]+", "0x", repr(network.module)))


class Entry:
    """The stored AAD of one tap: (n, C) or (n, C, H, W), by row of the key list.

    A part that is damaged counts as none (`damaged` names it): its images are computed anew, and it then goes.

    Raises:
        UserError: the folder, or a part in it, is of another key.
    """

    def __init__(self, root: Path, key: EntryKey, about: str = "") -> None:
        words = re.sub(r"[^A-Za-z0-9]+", "-", f"{about}-{key.view}-{key.module or 'output'}-{key.reduction}").strip("-")
        self.folder = Path(root) / f"{words[:80]}-{key.hash[:16]}"
        self.key = key
        self.dtype: torch.dtype = getattr(torch, key.dtype)
        self._check()
        self.refresh()

    def _check(self) -> None:
        path = self.folder / ENTRY
        if not path.is_file():
            if next(self.folder.glob("*.safetensors"), None) and os.access(self.folder, os.W_OK):
                self._write_entry()  # somebody removed it; the parts name their key themselves
            return
        found = read_json(path, "entry of the activation store")
        wanted = {"schema_version": SCHEMA_VERSION, **asdict(self.key)}
        if not isinstance(found, dict):
            raise UserError(f"{path} is no entry of an activation store: remove the folder, and it is made anew.")
        for name, value in wanted.items():
            if found.get(name) != value:
                raise UserError(
                    f"{path} is not of this network, tap and shard set (its {name} is {found.get(name)!r}, not "
                    f"{value!r}): remove the folder, and it is made anew."
                )

    def refresh(self) -> None:
        """Look at what is there."""
        self._parts: list[Tensor] = []
        self.damaged: list[Path] = []
        rows, places = [], []
        for path in sorted(self.folder.glob("*.safetensors")) if self.folder.is_dir() else []:
            found = self._open(path)
            if found is None:
                self.damaged.append(path)
                continue
            own, aad = found
            places.append(np.stack([np.full(len(own), len(self._parts)), np.arange(len(own))], axis=1))
            rows.append(own)
            self._parts.append(aad)
        joined = np.concatenate(rows) if rows else np.empty(0, np.int64)
        self.rows, first = np.unique(joined, return_index=True)  # two runs at once may have stored the same image
        self._places = (np.concatenate(places) if places else np.empty((0, 2), np.int64))[first]

    def _open(self, path: Path) -> tuple[Rows, Tensor] | None:
        """(rows, AAD) of a part; None where it is damaged."""
        try:
            with safe_open(path, framework="pt") as file:  # tensors stay in the file until they are read
                meta, rows, aad = file.metadata() or {}, file.get_tensor("rows").numpy(), file.get_tensor("aad")
        except SafetensorError:
            return None
        except OSError as error:
            raise UserError(f"The stored part {path} cannot be read: {error}.") from error
        if meta.get("key") != self.key.hash or len(rows) != len(aad) or aad.dtype != self.dtype:
            raise UserError(f"The stored part {path} belongs to another entry: remove it, and it is made anew.")
        return rows, aad

    def missing(self, rows: Rows) -> Rows:
        """Those of `rows` that are not stored, rising; an image that could not be decoded is asked for again."""
        return np.setdiff1d(rows, self.rows)

    def add(self, rows: Rows, aad: Tensor) -> None:
        """Write a part: AAD (n, ...) of `rows` (n,)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / ENTRY).is_file():
            self._write_entry()
        while self.damaged:
            self.damaged.pop().unlink(missing_ok=True)
        order = np.argsort(rows, kind="stable")
        kept = aad[torch.from_numpy(order)].to("cpu", self.dtype).contiguous()
        tensors = {"rows": torch.from_numpy(rows[order].astype(np.int64)), "aad": kept}
        name = sha256_json(rows[order].tolist())[:12]
        with atomic_path(self.folder / f"{rows.min():010d}-{len(rows)}-{name}.safetensors") as temporary:
            save_file(tensors, str(temporary), metadata={"key": self.key.hash})

    def _write_entry(self) -> None:
        write_json(self.folder / ENTRY, {"schema_version": SCHEMA_VERSION, **asdict(self.key)})

    def take(self, rows: Rows) -> Tensor:
        """AAD (n, ...) float32 of `rows`, each of which must be stored, in their order."""
        return self.read(rows).float()

    def read(self, rows: Rows) -> Tensor:
        """The same in the type it is stored in."""
        at = np.searchsorted(self.rows, rows)
        if len(rows) and (at.max() >= len(self.rows) or (self.rows[at] != rows).any()):
            raise UserError(f"The activation store {self.folder} lacks images that are asked of it: complete it first.")
        places = self._places[at]
        found = torch.empty((len(rows), *self.shape), dtype=self.dtype)
        for part in np.unique(places[:, 0]):
            where = np.flatnonzero(places[:, 0] == part)
            found[torch.from_numpy(where)] = self._parts[part][torch.from_numpy(places[where, 1])]
        return found

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image's AAD; of an entry without images (0,)."""
        return tuple(self._parts[0].shape[1:]) if self._parts else (0,)


def known_entries(root: Path) -> list[EntryKey]:
    """Keys of all entries under `root`, for people who ask for one that is not there."""
    names = {field.name for field in fields(EntryKey)}
    found: list[Any] = [read_json(path, "entry") for path in sorted(Path(root).glob(f"*/{ENTRY}"))]
    return [
        EntryKey(**{name: str(each[name]) for name in names})
        for each in found
        if isinstance(each, dict) and names <= set(each)
    ]
