"""Reading one tar again: is it the file that was written, and what does it hold?"""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from mint_lightning.errors import UserError
from mint_lightning.shards.image import BrokenImage, decode
from mint_lightning.shards.manifest import Shard
from mint_lightning.shards.remote import present

_FACTS = {"source": str, "identity": str, "label": int, "partition": str, "origin": str}
_CLASS = "class_name"


@dataclass
class Contents:
    """What a tar holds, sample by sample, and what is wrong with it."""

    shard: Shard
    partition: str
    key: list[str] = field(default_factory=list)
    sha256: list[str] = field(default_factory=list)
    source: list[str] = field(default_factory=list)
    identity: list[str] = field(default_factory=list)
    label: list[int] = field(default_factory=list)
    origin: list[str] = field(default_factory=list)
    class_name: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_tar(shard: Shard, root: str, suffix: str, image_size: int, packed_as: Mapping[str, str]) -> Contents:
    """Hash one tar, read its samples and decode its images (RGB, image_size x image_size, named KEY.suffix).

    packed_as: name of a partition -> what its tars call it, where that is another name.
    """
    contents = Contents(shard, packed_as.get(shard.partition, shard.partition))
    try:
        with present(Path(root), shard).open("rb") as stream:
            hashed = _Hashed(stream)
            try:
                _read_samples(hashed, contents, suffix, image_size)
            except (tarfile.TarError, EOFError) as error:
                read = f"after {len(contents.key)} of {shard.count} samples"
                contents.problems.append(f"{shard.name} is cut short or damaged {read} ({error}).")
            while hashed.read(2**20):
                pass
    except UserError as error:
        contents.problems.append(str(error))
        return contents
    except FileNotFoundError:
        contents.problems.append(f"{shard.name} is missing.")
        return contents
    except OSError as error:
        contents.problems.append(f"{shard.name} cannot be read: {error.strerror}.")
        return contents
    if hashed.size != shard.bytes:
        short = "is cut short: it " if hashed.size < shard.bytes else ""
        contents.problems.append(f"{shard.name} {short}has {hashed.size} bytes, the manifest says {shard.bytes}.")
    elif hashed.digest.hexdigest() != shard.sha256:
        contents.problems.append(f"{shard.name} is not as it was written: its hash differs from the manifest's.")
    if len(contents.key) != shard.count and not contents.problems:
        contents.problems.append(f"{shard.name} holds {len(contents.key)} samples, the manifest says {shard.count}.")
    return contents


def _read_samples(stream: "_Hashed", contents: Contents, suffix: str, image_size: int) -> None:
    key = ""
    parts: dict[str, bytes] = {}
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            body = tar.extractfile(member) if member.isfile() else None
            stem, _, ending = member.name.partition(".")
            if body is None or ending not in (suffix, "json"):
                contents.problems.append(f"{member.name!r} in {contents.shard.name} does not belong there.")
                continue
            if stem != key or ending in parts:
                _add_sample(key, parts, contents, suffix, image_size)
                key, parts = stem, {}
            parts[ending] = body.read()
        _add_sample(key, parts, contents, suffix, image_size)


def _add_sample(key: str, parts: dict[str, bytes], contents: Contents, suffix: str, image_size: int) -> None:
    if not parts:
        return
    for ending in (suffix, "json"):
        if ending not in parts:
            contents.problems.append(f"The sample {key} in {contents.shard.name} lacks its {ending}.")
            return
    _check_image(key, parts[suffix], contents, image_size)
    facts = _facts(key, parts["json"], contents)
    contents.key.append(key)
    contents.sha256.append(hashlib.sha256(parts[suffix]).hexdigest())
    for column in ("source", "identity", "label", "origin"):
        getattr(contents, column).append(facts[column])
    contents.class_name.append(facts.get(_CLASS, ""))


def _check_image(key: str, image: bytes, contents: Contents, image_size: int) -> None:
    try:
        decoded = decode(image)
    except BrokenImage as error:
        contents.problems.append(f"The image {key} in {contents.shard.name} cannot be decoded: {error}.")
        return
    if decoded.size != (image_size, image_size):
        contents.problems.append(
            f"The image {key} in {contents.shard.name} has {decoded.width} x {decoded.height} pixels, "
            f"not {image_size} x {image_size}."
        )


def _facts(key: str, data: bytes, contents: Contents) -> dict[str, Any]:
    nothing: dict[str, Any] = {name: kind() for name, kind in _FACTS.items()}
    try:
        facts = json.loads(data)
    except ValueError:
        facts = None
    found = {name: type(value) for name, value in facts.items()} if isinstance(facts, dict) else {}
    if found.pop(_CLASS, str) is not str or found != _FACTS:
        contents.problems.append(f"The json of {key} in {contents.shard.name} does not have the keys {list(_FACTS)}.")
        return nothing
    if facts["partition"] != contents.partition:
        contents.problems.append(
            f"The image {key} in {contents.shard.name} says partition {facts['partition']!r}, its tar is of "
            f"{contents.partition!r}."
        )
    return facts


class _Hashed(io.RawIOBase):
    """A file that is hashed as it is read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.digest.update(data)
        self.size += len(data)
        return data
