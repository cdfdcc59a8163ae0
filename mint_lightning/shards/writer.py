"""Writing the tars of one (partition, split): samples dealt to lanes in turn, each lane cut into shards."""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mint_lightning.shards.manifest import Shard

_TAR_BLOCK = 512


def sample_bytes(image: int, text: int) -> int:
    """Bytes of a tar that a sample takes whose image and JSON have so many: two headers, and whole blocks."""
    return 2 * _TAR_BLOCK + sum(-(-part // _TAR_BLOCK) * _TAR_BLOCK for part in (image, text))


class GroupWriter:
    """Deals the samples of one (partition, split) to lanes in turn and writes them with webdataset.

    A context manager: leaving it closes the tars; leaving it by an exception leaves them unfinished, for the caller to
    remove with their folder.

    Args:
        folder: an existing folder that receives the tars.
        suffix: ending of the image's name in the tar, without a dot.
        lanes: sample i goes to lane i % lanes, so lanes differ by at most one sample.
        shard_bytes: a lane's next tar is begun where a sample would take this one above that size.
        shard_images: or above so many samples; 0 for any number.
    """

    def __init__(
        self,
        folder: Path,
        partition: str,
        split: str,
        *,
        suffix: str,
        lanes: int,
        shard_bytes: int,
        shard_images: int = 0,
    ) -> None:
        self.folder = folder
        self.partition = partition
        self.split = split
        self.suffix = suffix
        self.shard_bytes = shard_bytes
        self.shard_images = shard_images
        self.samples = 0
        self.shards: list[Shard] = []
        self._lanes: list[_Tar | None] = [None] * lanes
        self._numbers = [0] * lanes

    def write(self, key: str, image: bytes, facts: Mapping[str, Any]) -> tuple[int, int, int]:
        """Write one sample, `KEY.suffix` and `KEY.json`; return (lane, number of its shard in the lane, position)."""
        lane, position = self.samples % len(self._lanes), self.samples // len(self._lanes)
        text = json.dumps(facts, sort_keys=True, ensure_ascii=False).encode()
        size = sample_bytes(len(image), len(text))
        tar = self._lanes[lane]
        if tar is not None and (
            tar.used + size > self.shard_bytes or (self.shard_images and tar.count >= self.shard_images)
        ):
            self._finish(lane)
            tar = None
        if tar is None:
            number = self._numbers[lane]
            tar = _Tar(self.folder / f"{self.partition}-{self.split}-lane{lane:02d}-{number:05d}.tar")
            self._lanes[lane] = tar
        tar.write({"__key__": key, self.suffix: image, "json": text}, size)
        self.samples += 1
        return lane, self._numbers[lane], position

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for lane, tar in enumerate(self._lanes):
            if tar is None:
                continue
            if kind is None:
                self._finish(lane)
            else:
                tar.abandon()
        self.shards.sort(key=lambda shard: (shard.lane, shard.name))

    def _finish(self, lane: int) -> None:
        tar = self._lanes[lane]
        if tar is not None:
            tar.close()
            digest = tar.digest.hexdigest()
            self.shards.append(
                Shard(tar.path.name, self.partition, self.split, lane, tar.count, tar.bytes_written, digest)
            )
            self._lanes[lane] = None
            self._numbers[lane] += 1


class _Tar:
    """A tar under way, hashed while it is written. Time and owner are fixed, so equal samples give equal bytes."""

    def __init__(self, path: Path) -> None:
        from webdataset.writer import TarWriter  # brings torch along: not needed to describe or check a shard set

        self.path = path
        self.digest = hashlib.sha256()
        self.bytes_written = 0
        self.count = 0
        self.used = 0
        self._abandoned = False
        self._file = path.open("wb")
        self._writer = TarWriter(_Hashed(self), user="mint", group="mint", mtime=0, encoder=False)

    def write(self, sample: Mapping[str, Any], size: int) -> None:
        self._writer.write(sample)
        self._writer.tarstream.members = []  # it would keep every header, a kilobyte for each image
        self.count += 1
        self.used += size

    def write_bytes(self, data: bytes) -> int:
        if self._abandoned:
            return len(data)
        self.digest.update(data)
        self.bytes_written += len(data)
        return self._file.write(data)

    def close(self) -> None:
        self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        # Closing writes what is buffered: on a full disk that would fail again, and hide the error to tell.
        self._abandoned = True
        self._writer.close()
        with contextlib.suppress(OSError):
            self._file.close()


class _Hashed:
    def __init__(self, tar: _Tar) -> None:
        self.write = tar.write_bytes
