"""The card of a network: everything needed to build it, and what is known about its training."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from mint_lightning.audited.preprocessing import Preprocessing
from mint_lightning.errors import UserError
from mint_lightning.files import read_json, write_json

SCHEMA_VERSION: Final = 1
_KEYS: Final = (
    "schema_version",
    "name",
    "architecture",
    "arguments",
    "preprocessing",
    "taps",
    "weights",
    "members",
    "accuracy",
    "config",
)


@dataclass(frozen=True)
class NetworkCard:
    """One network, as `card.json` beside its weights says it.

    Args:
        name: What people call it.
        architecture: As `NetworkSource.architecture`.
        taps: Name of each tap to its module's path, in order of depth, the outcome last.
        preprocessing: What the network expects of its input.
        arguments: Arguments of the architecture.
        weights_file: The weights: in `card.json` relative to its folder, an absolute path once loaded. None for random
            weights.
        weights_sha256: Hexadecimal SHA-256 of that file.
        members: What is known of the training set (shard set, photos, identities, hashes).
        accuracy: What the network was measured to reach.
        config: How it was trained.
    """

    name: str
    architecture: str
    taps: dict[str, str]
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    arguments: dict[str, Any] = field(default_factory=dict)
    weights_file: str | None = None
    weights_sha256: str | None = None
    members: dict[str, Any] = field(default_factory=dict)
    accuracy: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of `card.json`."""
        weights = None
        if self.weights_file is not None:
            weights = {"file": self.weights_file, "sha256": self.weights_sha256}
        return {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "architecture": self.architecture,
            "arguments": self.arguments,
            "preprocessing": self.preprocessing.to_dict(),
            "taps": self.taps,
            "weights": weights,
            "members": self.members,
            "accuracy": self.accuracy,
            "config": self.config,
        }

    @classmethod
    def from_dict(cls, values: Any, where: str) -> "NetworkCard":
        """The reverse of `to_dict`; `where` names the file in errors about unknown, missing or wrong keys."""
        _check(values, where)
        weights = values["weights"] or {}
        return cls(
            name=values["name"],
            architecture=values["architecture"],
            taps=dict(values["taps"]),
            preprocessing=Preprocessing.from_dict(values["preprocessing"], where),
            arguments=values["arguments"],
            weights_file=weights.get("file"),
            weights_sha256=weights.get("sha256"),
            members=values["members"],
            accuracy=values["accuracy"],
            config=values["config"],
        )

    def save(self, path: Path) -> None:
        """Write `card.json`; an absolute `weights_file` is written relative to its folder, so that both can move."""
        file = self.weights_file
        if file is not None and Path(file).is_absolute():
            file = os.path.relpath(file, path.absolute().parent)
        write_json(path, replace(self, weights_file=file).to_dict())

    @classmethod
    def load(cls, path: Path) -> "NetworkCard":
        """Read a `card.json`, or the one in a folder; `weights_file` becomes an absolute path.

        Raises:
            UserError: no such card, or not one of this version.
        """
        if path.is_dir():
            path = path / "card.json"
        card = cls.from_dict(read_json(path, "network card"), f"Network card {path}")
        if card.weights_file is None:
            return card
        return replace(card, weights_file=str((path.parent / card.weights_file).absolute()))


def _check(values: Any, where: str) -> None:
    if not isinstance(values, Mapping):
        raise UserError(f"{where} is not a JSON object.")
    if values.get("schema_version") != SCHEMA_VERSION:
        found = values.get("schema_version")
        raise UserError(f"{where} has schema_version {found!r}; this version of the program reads {SCHEMA_VERSION}.")
    if unknown := sorted(set(values) - set(_KEYS)):
        raise UserError(f"{where} has the unknown key {unknown[0]!r}; known are {', '.join(_KEYS)}.")
    if missing := [key for key in _KEYS if key not in values]:
        raise UserError(f"{where} lacks the key {missing[0]!r}.")
    for key in ("name", "architecture"):
        if not isinstance(values[key], str):
            raise UserError(f"{where}: {key} must be text, not {values[key]!r}.")
    for key in ("arguments", "preprocessing", "taps", "members", "accuracy", "config"):
        if not isinstance(values[key], Mapping):
            raise UserError(f"{where}: {key} must be an object, not {values[key]!r}.")
    if not values["taps"] or not all(isinstance(module, str) for module in values["taps"].values()):
        raise UserError(f"{where}: taps must name at least one tap and the path of its module.")
    weights = values["weights"]
    if weights is not None and (not isinstance(weights, Mapping) or set(weights) != {"file", "sha256"}):
        raise UserError(f"{where}: weights must be null or an object of file and sha256.")
