"""Encoded images from the tars, in a given order."""

import tarfile
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from webdataset.tariterators import tar_file_iterator

from mint_lightning.errors import UserError
from mint_lightning.shards.keys import KeyList
from mint_lightning.shards.manifest import Manifest

OPEN_SHARDS = 64


def read_rows(
    root: Path, manifest: Manifest, keys: KeyList, rows: NDArray[np.int64], suffix: str
) -> Iterator[tuple[int, bytes]]:
    """Yield (row, encoded image) in the order of `rows`, reading each tar once, from its start as far as needed.

    Images that lie in a tar before the one asked for are held until their turn, the others of the tar are skipped
    unread, and tars of which nothing is asked are not opened. Memory depends on the order alone: with `lane_order` it
    is about its window. At most 64 tars are open; where an order jumps between more, the one opened first is read out.

    Args:
        root: folder of the shard set. Only files named in the manifest are opened, as plain files: no url, no pipe.
        manifest, keys: of that shard set.
        rows: int64, each at most once.
        suffix: file name ending of the images in the tars.

    Raises:
        UserError: a tar is missing, cut short, damaged, or does not hold an image that the key list names.
    """
    if len(np.unique(rows)) != len(rows):
        raise ValueError("a row is asked for twice in one reading")
    by_shard = np.argsort(keys.shard[rows], kind="stable")
    shards, starts = np.unique(keys.shard[rows][by_shard], return_index=True)
    wanted = dict(zip(shards.tolist(), np.split(rows[by_shard], starts[1:]), strict=False))
    held: dict[int, bytes] = {}
    opened: dict[int, _Shard] = {}
    try:
        for row in _numbers(rows):
            if row not in held:
                number = int(keys.shard[row])
                if number not in opened:
                    if len(opened) == OPEN_SHARDS:
                        held.update(opened.pop(next(iter(opened))))
                    path = Path(root) / manifest.shards[number].name
                    opened[number] = _Shard(path, keys, wanted.pop(number), suffix)
                shard = opened[number]
                for found, data in shard:
                    held[found] = data
                    if found == row:
                        break
                if not shard.left:
                    del opened[number]
            yield row, held.pop(row)
    finally:
        for shard in opened.values():
            shard.close()


def _numbers(rows: NDArray[np.int64]) -> Iterator[int]:
    for start in range(0, len(rows), 4096):  # as a list of Python's own, an epoch of 10 million takes 400 MB
        yield from rows[start : start + 4096].tolist()


class _Shard:
    """The wanted images of one tar, in the order of the tar. The file is closed with the last of them."""

    def __init__(self, path: Path, keys: KeyList, rows: NDArray[np.int64], suffix: str) -> None:
        self.left = {f"{key}.{suffix}": row for key, row in zip(keys.key[rows].tolist(), rows.tolist(), strict=True)}
        self._samples = self._read(path)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        return self._samples

    def close(self) -> None:
        self._samples.close()

    def _read(self, path: Path) -> Generator[tuple[int, bytes], None, None]:
        try:
            with path.open("rb", buffering=1 << 18) as stream:
                files = tar_file_iterator(stream, select_files=self.left.__contains__)
                with closing(files):
                    for file in files:
                        row, data = self.left.pop(file["fname"]), file["data"]
                        if not self.left:
                            break
                        yield row, data
        except FileNotFoundError as error:
            raise UserError(f"The shard {path} is missing: copy the whole shard set, or pack it again.") from error
        except (tarfile.TarError, EOFError, ValueError, OSError) as error:
            reason = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
            raise UserError(
                f"The shard {path} cannot be read to its end{reason}: it is cut short or damaged, copy it again."
            ) from error
        if self.left:
            # tarfile takes a cut or a damaged header between two images for the end of the file, without an error.
            raise UserError(
                f"The shard {path} does not hold {next(iter(self.left))} and {len(self.left) - 1} more images of the "
                "key list: it is cut short, damaged or of another shard set, copy it again."
            )
        yield row, data
