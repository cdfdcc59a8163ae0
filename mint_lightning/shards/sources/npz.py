"""Photos in one .npz archive: encoded images end to end in one array, or pixels."""

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.files import sha256_file
from mint_lightning.shards.sources.listed import ListedPhotos
from mint_lightning.shards.sources.names import plain
from mint_lightning.shards.sources.npzarray import ReadPixels, ReadSlice, mapped
from mint_lightning.shards.sources.photo import Photo

# What damaged archives make NumPy raise.
_FAULTS: Final = (
    OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError, TypeError, SyntaxError, tokenize.TokenError,
    zlib.error, struct.error, MemoryError, NotImplementedError, KeyError, OverflowError,
)  # fmt: skip
_FILES: Final = "blob"
_PIXELS: Final = "x"
_MOST_CLASSES: Final = 100_000
_LABELS: Final = ("label", "y")
_KINDS: Final = {
    "offset": "i",
    "label": "i",
    "y": "i",
    "track": "i",
    "identity": "U",
    "filename": "U",
    "source": "U",
    "classes": "U",
}


class NpzSource:
    """Image i is the file `blob[offset[i]:offset[i + 1]]`, or the pixels `x[i]`, of the person `label[i]`.

    Keys: blob (uint8, all files end to end) and offset (integers, n + 1), or x (uint8, n x H x W or n x H x W x 3,
    RGB); label, or y (integers, n); and where present identity (text, the person's name by label), filename (text, n)
    and source (text, n: the database of each photo, where one archive holds several). Without names a person is the
    label and a photo its number. Pickled arrays are refused.

    Archives in parts, blob_train and blob_test or x_train and x_test with their label_train and so on, are databases
    NAME_train and NAME_test. In these, and where there is a key classes (text, the name by label), a label is the
    class of an object: an attribute, each image an identity of its own, or each track where there is a key track
    (integers, n), tracks of two classes being two, since they may be counted anew in each.

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
        """Kind, name, number of photos and hash of the file; the classes, where labels are such."""
        known = {"kind": "npz", "name": self.name, "photos": len(self.list()), "sha256": sha256_file(self.path)}
        return {**known, "classes": list(self.classes)} if self.classes else known

    def list(self) -> Sequence[Photo]:
        """All photos; `origin` is the filename, or the number."""
        return self._photos

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes by label: those of the key classes, else all numbers up to the last; () of people."""
        return self._found[1]

    @property
    def _photos(self) -> Sequence[Photo]:
        return self._found[0]

    @cached_property
    def _found(self) -> tuple[Sequence[Photo], Sequence[str]]:
        try:
            with np.load(self.path, allow_pickle=False) as archive:
                keys = archive.files
                heads = [key for key in keys if key.partition("_")[0] in (_FILES, _PIXELS)]
                parts = sorted({key.partition("_")[2] for key in heads}) if heads else [""]
                read = [(part, self._read(archive, part)) for part in parts]
            classes = self._classes(read)
            return ListedPhotos.of(each for part, arrays in read for each in self._part(part, arrays, classes)), classes
        except FileNotFoundError as error:
            raise UserError(f"There is no archive at {self.path}.") from error
        except _FAULTS as error:
            why = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            if "allow_pickle" in why or "pickled" in why:  # NumPy's advice is to trust the file
                why = "it holds pickled objects, or is no .npz"
            raise UserError(f"{self.path} is not a readable .npz archive of plain arrays ({why}).") from error

    def _classes(self, read: Sequence[tuple[str, Mapping[str, NDArray[Any]]]]) -> Sequence[str]:
        """Of all parts together, so that a class has one name in each."""
        if not any(part or "classes" in arrays for part, arrays in read):
            return ()
        if "classes" in read[0][1]:
            names = [plain(each) for each in read[0][1]["classes"].tolist()]
            self._check(len(set(names)) == len(names), "'classes' must name each class once")
            return names
        most = max(int(arrays["label"].max(initial=0)) for _, arrays in read)
        self._check(most < _MOST_CLASSES, f"'label' must be below {_MOST_CLASSES:,} where it is a class without a name")
        return _padded(np.arange(most + 1))

    def _part(self, part: str, arrays: Mapping[str, NDArray[Any]], classes: Sequence[str]) -> Iterator[Photo]:
        label = arrays["label"]
        count = len(label)
        readers = self._readers(part, arrays)
        name = f"{self.name}_{part}" if part else self.name
        known: Sequence[str] | None = None
        if part or "classes" in arrays:
            known = self._named(label, np.array(classes), "classes")
            track = arrays.get("track", np.arange(count))
            self._check(len(track) == count, f"'track' has {len(track)} entries, 'label' {count}")
            people: Sequence[str] = _padded(track)
            if "track" in arrays:
                width = len(str(max(0, len(classes) - 1)))
                people = [f"class {kind:0{width}d} track {text}" for kind, text in zip(label, people, strict=True)]
        else:
            people = self._named(label, arrays.get("identity"), "identities")
        names = [plain(each) for each in arrays["source"].tolist()] if "source" in arrays else [name] * count
        self._check(len(names) == count, f"'source' has {len(names)} entries, 'label' {count}")
        self._check(all(names), "'source' must name a database for each photo")
        origins = (
            [plain(each) for each in arrays["filename"].tolist()] if "filename" in arrays else _padded(np.arange(count))
        )
        self._check(len(origins) == count, f"'filename' has {len(origins)} entries, 'label' {count}")
        for row, facts in enumerate(zip(names, people, origins, readers, strict=True)):
            yield Photo(*facts, attributes=None if known is None else {"class": known[row]})

    def _named(self, label: NDArray[Any], names: NDArray[Any] | None, what: str) -> Sequence[str]:
        self._check(not len(label) or label.min() >= 0, "'label' must not be negative")
        if names is None:
            return _padded(label)
        listed = [plain(each) for each in names.tolist()]
        self._check(not len(label) or label.max() < len(listed), f"'label' must be below {len(listed)}, the {what}")
        return [listed[each] for each in label]

    def _readers(self, part: str, arrays: Mapping[str, NDArray[Any]]) -> Sequence[ReadSlice | ReadPixels]:
        path, count = str(self.path), len(arrays["label"])
        if "offset" not in arrays:
            key = _key(_PIXELS, part)
            pixels = mapped(path, key)
            fits = pixels.dtype == np.uint8 and pixels.ndim in (3, 4) and pixels.shape[3:] in ((), (1,), (3,))
            self._check(fits, f"{key!r} must be pixels, uint8 (n, height, width) or (n, height, width, 3)")
            self._check(len(pixels) == count, f"{key!r} has {len(pixels)} entries, 'label' {count}")
            return [ReadPixels(path, key, row) for row in range(count)]
        key, offset = _key(_FILES, part), arrays["offset"]
        blob = mapped(path, key)
        self._check(blob.dtype == np.uint8 and blob.ndim == 1, f"{key!r} must be one row of uint8")
        rises = len(offset) == count + 1 and offset[0] >= 0 and bool((np.diff(offset) >= 0).all())
        self._check(
            rises and offset[-1] <= len(blob),
            f"'offset' must rise from 0 to at most {len(blob)} in {count + 1} steps, one more than 'label' has",
        )
        return [ReadSlice(path, key, int(offset[row]), int(offset[row + 1])) for row in range(count)]

    def _read(self, archive: Any, part: str) -> dict[str, NDArray[Any]]:
        """The small arrays of a part, by their keys without it, labels as "label"."""
        label = next((key for key in _LABELS if _key(key, part) in archive.files), _LABELS[0])
        files = _key(_PIXELS, part) not in archive.files
        needed = [_key(key, part) for key in ((_FILES, "offset", label) if files else (_PIXELS, label))]
        if missing := [key for key in needed if key not in archive.files]:
            raise UserError(
                f"The archive {self.path} lacks the key {', '.join(map(repr, missing))} (it has "
                f"{', '.join(archive.files)}): photos are read from blob, offset and label, or from x and label."
            )
        names = [key for key in _KINDS if key not in (*_LABELS, *(() if files else ("offset",)))]
        arrays = {key: archive[_key(key, part)] for key in names if _key(key, part) in archive.files}
        arrays["label"] = archive[_key(label, part)]
        if part and "classes" in archive.files:
            arrays["classes"] = archive["classes"]
        for key, array in arrays.items():
            if _KINDS[key] == "i" and array.dtype.kind == "u":
                arrays[key] = array = array.astype(np.int64)  # differences of unsigned numbers would wrap round
            what = "integers" if _KINDS[key] == "i" else "texts"
            self._check(array.dtype.kind == _KINDS[key] and array.ndim == 1, f"{key!r} must be one row of {what}")
        mapped(str(self.path), needed[0])
        return arrays

    def _check(self, fits: bool, rule: str) -> None:
        if not fits:
            raise UserError(f"The archive {self.path} does not fit together: {rule}.")


def _key(name: str, part: str) -> str:
    return f"{name}_{part}" if part else name


def _padded(numbers: NDArray[np.int64]) -> list[str]:
    """Numbers as texts of one width, so that they sort as numbers do."""
    width = len(str(numbers.max(initial=0)))
    names = {number: f"{number:0{width}d}" for number in np.unique(numbers).tolist()}
    return [names[number] for number in numbers.tolist()]
