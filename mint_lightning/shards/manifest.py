"""The manifest of a shard set: what is in it, how it was made, and the hash of every file."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from mint_lightning.errors import UserError
from mint_lightning.files import read_json, sha256_json, write_json

MANIFEST_NAME = "manifest.json"
SCHEMA_VERSION = 1

_SHARD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\.tar")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Shard:
    """One tar file: the images of one lane of one (partition, split), or a part of them.

    Attributes:
        name: file name inside the shard set's folder.
        lane: 0 .. lanes - 1.
        count: images in it.
        bytes: size of the file.
        sha256: hexadecimal hash of the file.
    """

    name: str
    partition: str
    split: str
    lane: int
    count: int
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a shard set holds.

    Attributes:
        tool_version: version of mint_lightning that packed it.
        request: the arguments of `pack` that shape the result, with the source's description; never an absolute path.
        request_hash: hash of `request`; equal requests give equal shard sets.
        image_size: side of the square images in pixels.
        alignment: how the photos were aligned before packing, in the source's words.
        border: what fills the area outside the original photo, in the source's words.
        encoder: name of the one encoder of all images.
        partitions: name -> fraction of the identities drawn at random, or a rule such as {"held_out_from": ...} or
            {"database": ...}.
        counts: source -> partition -> split -> {"images": n, "identities": n}.
        photos: {"found": n, "read": n, "broken": n}, read and broken together are found; {} of sets made from others.
        broken: the first thousand photos that could not be used, each {"photo": origin, "reason": sentence}; all are in
            broken.jsonl beside the manifest.
        skipped: files of the source that are no photos: {"count": n, "examples": [names]}.
        duplicates: images that repeat another one of the same partition and split.
        faces: how the five points of faces were known -> images, where faces were aligned in packing: "detected",
            "given points" (by the source), "template points" (crops in which no face was found again).
        role: "members" or "externals" where the set was packed as such, a default that a run may override; "" else.
        mixed: whether it is of sets whose photos were aligned differently, so that nothing may be claimed.
        classes: of objects, the names of the classes in the order of a classifier's outputs; () of faces.
        keys_sha256: hash of the key list beside the manifest.
        partition_hash: hash of which photo is in which partition and split; a network card quotes it.
        shards: every tar, in the order of the key list.
    """

    schema_version: int = SCHEMA_VERSION
    tool_version: str
    request: Mapping[str, Any]
    request_hash: str
    image_size: int
    alignment: str
    border: str
    encoder: str
    seed: int
    lanes: int
    partitions: Mapping[str, Any]
    counts: Mapping[str, Mapping[str, Mapping[str, Mapping[str, int]]]]
    broken: tuple[Mapping[str, str], ...]
    skipped: Mapping[str, Any]
    duplicates: int
    keys_sha256: str
    partition_hash: str
    shards: tuple[Shard, ...]
    faces: Mapping[str, int] = field(default_factory=dict)
    role: str = ""
    mixed: bool = False
    photos: Mapping[str, int] = field(default_factory=dict)
    classes: tuple[str, ...] = ()

    @property
    def images(self) -> int:
        """Number of images in all shards."""
        return sum(shard.count for shard in self.shards)

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical content: equal for equal shard sets, however the file is laid out."""
        # Sets from before there were such things keep their hash.
        content = {name: value for name, value in asdict(self).items() if name not in _LATER or value}
        return sha256_json(content)

    def save(self, root: Path) -> None:
        """Write `root/manifest.json` atomically. Call it last: its presence says that the shard set is whole."""
        write_json(Path(root) / MANIFEST_NAME, asdict(self))

    @classmethod
    def load(cls, root: Path) -> "Manifest":
        """Read and check `root/manifest.json`.

        Raises:
            UserError: there is none, it is no JSON, a key is missing, unknown or of the wrong type, or it was written
                with another schema version.
        """
        path = Path(root) / MANIFEST_NAME
        content = read_json(path, "shard manifest")
        if not isinstance(content, dict):
            raise UserError(f"The shard manifest {path} holds no JSON object: it is damaged or not a shard manifest.")
        content = {**_LATER, **content}
        version = content.get("schema_version")
        if type(version) is not int or version != SCHEMA_VERSION:
            raise UserError(
                f"The shard manifest {path} has schema_version {version!r}, this program reads {SCHEMA_VERSION}: "
                "pack the images again, or use the version of mint_lightning that packed them."
            )
        _check(content, {each.name: _TYPES[each.name] for each in fields(cls)}, f"The shard manifest {path}")
        for number, shard in enumerate(content["shards"]):
            where = f"Shard {number} of the shard manifest {path}"
            _check(shard, {each.name: _TYPES[each.name] for each in fields(Shard)}, where)
            if not _SHARD_NAME.fullmatch(shard["name"]) or not 0 <= shard["lane"] < content["lanes"]:
                raise UserError(f"{where} is named {shard['name']!r} in lane {shard['lane']}: not a shard of ours.")
        shards = tuple(Shard(**shard) for shard in content["shards"])
        if not all(type(name) is str for name in content["classes"]):
            raise UserError(f"The shard manifest {path} has classes that are no texts: it is damaged.")
        lists = {name: tuple(content[name]) for name in ("broken", "classes")}
        return cls(**{**content, **lists, "shards": shards})


_TYPES: dict[str, type] = {
    "schema_version": int, "tool_version": str, "request": dict, "request_hash": str, "image_size": int,
    "alignment": str, "border": str, "encoder": str, "seed": int, "lanes": int, "partitions": dict, "counts": dict,
    "broken": list, "skipped": dict, "duplicates": int, "faces": dict, "role": str, "mixed": bool,
    "photos": dict, "classes": list,
    "keys_sha256": str, "partition_hash": str,
    "shards": list,
    "name": str, "partition": str, "split": str, "lane": int, "count": int, "bytes": int, "sha256": str,
}  # fmt: skip
_LATER: dict[str, Any] = {"faces": {}, "role": "", "mixed": False, "photos": {}, "classes": []}
_HASHES = ("request_hash", "keys_sha256", "partition_hash", "sha256")
_WORDS = {int: "a whole number", str: "a text", bool: "true or false", dict: "an object", list: "a list"}


def _check(content: Any, types: Mapping[str, type], where: str) -> None:
    if not isinstance(content, dict):
        raise UserError(f"{where} is not an object: the file is damaged.")
    for problem, names in (
        ("lacks", sorted(types.keys() - content.keys())),
        ("has the unknown", sorted(content.keys() - types.keys())),
    ):
        if names:
            raise UserError(
                f"{where} {problem} key {', '.join(map(repr, names))}: it is damaged or of another program."
            )
    for name, kind in types.items():
        if type(content[name]) is not kind:
            raise UserError(f"{where} has {name!r} = {content[name]!r}: it must be {_WORDS[kind]}.")
        if name in _HASHES and not _SHA256.fullmatch(content[name]):
            raise UserError(f"{where} has {name!r} = {content[name]!r}: it must be a SHA-256 in hexadecimal.")
        if kind is int and name != "seed" and content[name] < (1 if name in ("lanes", "image_size") else 0):
            raise UserError(f"{where} has {name!r} = {content[name]!r}: too small.")
