"""Photos in one .npz archive: encoded images end to end in one array."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.files import sha256_file
from mint_lightning.shards.sources.photo import Photo

_NEEDED = ("blob", "offset", "label")


class NpzSource:
    """Image i is the file `blob[offset[i]:offset[i + 1]]`, of the person `label[i]`.

    Keys: blob (uint8, all files end to end), offset (integers, n + 1), label (integers, n), and where present identity
    (text, the person's name by label), filename (text, n) and source (text, n: the database of each photo, where one
    archive holds several). Without names a person is the label and a photo its number. Pickled arrays are refused.

    Args:
        path: the archive.
        name: name of the database; the file's name up to the first "_" or "." by default. Where the archive has the key
            source, that names the database of each photo, and this only the archive.

    Raises:
        UserError: on listing, if the file is missing, is no such archive, or its arrays do not fit together.
    """

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        self.path = Path(path).expanduser().absolute()
        self.name = name or self.path.name.replace(".", "_").split("_")[0]

    def describe(self) -> dict[str, Any]:
        """Kind, name, number of photos and hash of the file."""
        return {"kind": "npz", "name": self.name, "photos": len(self.list()), "sha256": sha256_file(self.path)}

    def list(self) -> Sequence[Photo]:
        """All photos; `origin` is the filename, or the number."""
        return self._photos

    @cached_property
    def _photos(self) -> Sequence[Photo]:
        arrays = self._read()
        offset, label = arrays["offset"], arrays["label"]
        count = len(label)
        size = len(_blob(str(self.path)))
        self._check(
            len(offset) == count + 1 and offset[0] >= 0 and bool((np.diff(offset) >= 0).all()) and offset[-1] <= size,
            f"'offset' must rise from 0 to at most {size} in {count + 1} steps, one more than 'label' has",
        )
        self._check(count == 0 or label.min() >= 0, "'label' must not be negative")
        if "identity" in arrays:
            listed = arrays["identity"].tolist()
            self._check(count == 0 or label.max() < len(listed), f"'label' must be below {len(listed)}, the identities")
            people = [listed[person] for person in label]
        else:
            people = _padded(label)
        names = arrays["source"].tolist() if "source" in arrays else [self.name] * count
        self._check(len(names) == count, f"'source' has {len(names)} entries, 'label' {count}")
        self._check(all(names), "'source' must name a database for each photo")
        origins = arrays["filename"].tolist() if "filename" in arrays else _padded(np.arange(count))
        self._check(len(origins) == count, f"'filename' has {len(origins)} entries, 'label' {count}")
        path = str(self.path)
        return [
            Photo(names[i], people[i], origins[i], ReadSlice(path, int(offset[i]), int(offset[i + 1])))
            for i in range(count)
        ]

    def _read(self) -> dict[str, NDArray[Any]]:
        try:
            with np.load(self.path, allow_pickle=False) as archive:
                missing = [key for key in _NEEDED if key not in archive.files]
                if missing:
                    raise UserError(
                        f"The archive {self.path} lacks the key {', '.join(map(repr, missing))} "
                        f"(it has {', '.join(archive.files)}): photos are read from blob, offset and label."
                    )
                names = [key for key in ("offset", "label", "identity", "filename", "source") if key in archive.files]
                arrays = {key: archive[key] for key in names}
            blob = _blob(str(self.path))
        except FileNotFoundError as error:
            raise UserError(f"There is no archive at {self.path}.") from error
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
            raise UserError(f"{self.path} is not a readable .npz archive of plain arrays ({error}).") from error
        for key in ("offset", "label"):
            if arrays[key].dtype.kind == "u":
                arrays[key] = arrays[key].astype(np.int64)  # differences of unsigned numbers would wrap round
        self._check(blob.dtype == np.uint8 and blob.ndim == 1, "'blob' must be one row of uint8")
        for key, kinds in (("offset", "i"), ("label", "i"), ("identity", "U"), ("filename", "U"), ("source", "U")):
            if key in arrays:
                fits = arrays[key].dtype.kind in kinds and arrays[key].ndim == 1
                self._check(fits, f"{key!r} must be one row of {'integers' if kinds == 'i' else 'texts'}")
        return arrays

    def _check(self, fits: bool, rule: str) -> None:
        if not fits:
            raise UserError(f"The archive {self.path} does not fit together: {rule}.")


@dataclass(frozen=True, slots=True)
class ReadSlice:
    """Reads one image of an archive."""

    path: str
    start: int
    stop: int

    def __call__(self) -> bytes:
        """The image file's bytes."""
        return _blob(self.path)[self.start : self.stop].tobytes()


@lru_cache(maxsize=4)
def _blob(path: str) -> NDArray[np.uint8]:
    """All files end to end, mapped from disk where the archive is not compressed, so that processes share it."""
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("blob.npy")
        stored = entry.compress_type == zipfile.ZIP_STORED
    if not stored:
        with np.load(path, allow_pickle=False) as arrays:
            return np.asarray(arrays["blob"])
    with open(path, "rb") as stream:
        stream.seek(entry.header_offset + 26)
        # The lengths of name and extra field in the local header differ from those in the directory.
        lengths = stream.read(4)
        stream.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), 1)
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(stream)
        return np.memmap(stream, dtype=dtype, mode="r", offset=stream.tell(), shape=shape)


def _padded(numbers: NDArray[np.int64]) -> list[str]:
    """Numbers as texts of one width, so that they sort as numbers do."""
    width = len(str(numbers.max(initial=0)))
    names = {number: f"{number:0{width}d}" for number in np.unique(numbers).tolist()}
    return [names[number] for number in numbers.tolist()]
