"""Columns of a key list that are read like NumPy arrays and kept small: a fit holds them, and so does each worker.

As NumPy's text, four bytes a character and every row as wide as the widest, the columns of a photo took 350 bytes; so
they take about 100.
"""

import binascii
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Generic, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value", str, bytes)

_PIECE = 4096


class Column(ABC, Generic[Value]):
    """n values. `column[row]` is one of them, `column[rows]` an array of those rows: numbers, a mask or a slice.

    Comparison, iteration and NumPy's functions do what they do on an array; those make the array, all n rows of it.
    """

    @abstractmethod
    def __len__(self) -> int: ...

    @overload
    def __getitem__(self, rows: int | np.integer) -> Value: ...
    @overload
    def __getitem__(self, rows: Any) -> NDArray[Any]: ...
    @abstractmethod
    def __getitem__(self, rows: Any) -> Any: ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the arrays given; of text only the kind, its width is that of the widest row given."""
        return self[:0].dtype

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a column of a key list has no array to give without a copy")
        return self[:] if dtype is None else self[:].astype(dtype)

    def __iter__(self) -> Iterator[Value]:
        for start in range(0, len(self), _PIECE):
            yield from self[start : start + _PIECE].tolist()

    def __eq__(self, other: object) -> Any:
        return self[:] == other

    def __ne__(self, other: object) -> Any:
        return self[:] != other

    __hash__ = None  # type: ignore[assignment]

    def tolist(self) -> list[Value]:
        """All values."""
        return list(self)

    def copy(self) -> NDArray[Any]:
        """All values, as an array to write to."""
        return np.array(self[:])


class Repeated(Column[str]):
    """Texts that come again and again, such as people and partitions: each once, and a code of a few bytes a row."""

    def __init__(self, names: NDArray[np.str_], codes: NDArray[np.integer]) -> None:
        self._names = names
        self._codes = codes.astype(np.min_scalar_type(max(0, len(names) - 1)))

    @classmethod
    def of(cls, texts: Iterable[str] | NDArray[np.str_]) -> Self:
        """The column of these texts."""
        names, codes = np.unique(np.asarray(texts, dtype=np.str_), return_inverse=True)
        return cls(names, codes)

    @classmethod
    def of_arrow(cls, texts: Any) -> Self:
        """The column of an Arrow string array."""
        encoded = texts.dictionary_encode()
        names = np.asarray(encoded.dictionary.to_pylist(), dtype=np.str_)
        return cls(names, encoded.indices.to_numpy(zero_copy_only=False))

    def __len__(self) -> int:
        return len(self._codes)

    def __getitem__(self, rows: Any) -> Any:
        found = self._names[self._codes[rows]]
        return str(found) if isinstance(found, np.str_) else found

    def distinct(self) -> NDArray[np.str_]:
        """Each text there is, sorted."""
        return np.sort(self._names)

    def isin(self, texts: Collection[str]) -> NDArray[np.bool_]:
        """For each row whether it is one of `texts`."""
        return np.isin(self._names, np.asarray(sorted(set(texts)), dtype=np.str_))[self._codes]


class Distinct(Column[str]):
    """Texts of which nearly every row has its own: their UTF-8 one after the other, so a long one widens no other.

    `kind` is the dtype of the arrays given: np.str_, or object where single rows may be very long.
    """

    def __init__(self, data: bytes, bounds: NDArray[np.integer], kind: type) -> None:
        self._data = data
        self._bounds = bounds.astype(np.min_scalar_type(len(data)))
        self._kind = kind

    @classmethod
    def of(cls, texts: Iterable[str], kind: type = np.str_) -> Self:
        """The column of these texts."""
        encoded = [str(text).encode() for text in texts]
        return cls(b"".join(encoded), np.cumsum([0, *map(len, encoded)]), kind)

    @classmethod
    def of_arrow(cls, texts: Any, kind: type = np.str_) -> Self:
        """The column of an Arrow string array."""
        bounds, data = _parts(texts)
        return cls(data, bounds, kind)

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def __getitem__(self, rows: Any) -> Any:
        starts, ends = self._bounds[:-1][rows], self._bounds[1:][rows]
        if np.ndim(starts) == 0:
            return self._data[starts:ends].decode()
        pairs = zip(starts.ravel().tolist(), ends.ravel().tolist(), strict=True)
        found: NDArray[Any] = np.array([self._data[start:end].decode() for start, end in pairs], dtype=self._kind)
        return found.reshape(starts.shape)


class Digests(Column[bytes]):
    """SHA-256 hashes: hexadecimal to read, kept as their 32 bytes."""

    def __init__(self, raw: bytes) -> None:
        self._raw = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 32)

    @classmethod
    def of(cls, digests: Iterable[bytes | str]) -> Self:
        """The column of these hexadecimal hashes."""
        return cls(binascii.unhexlify(np.asarray(digests, dtype="S64").tobytes()))

    @classmethod
    def of_arrow(cls, digests: Any) -> Self:
        """The column of an Arrow string array. Raises `ValueError` where one is no hash."""
        bounds, data = _parts(digests)
        if (np.diff(bounds) != 64).any():
            raise ValueError("not 64 characters each")
        return cls(binascii.unhexlify(data))

    def __len__(self) -> int:
        return len(self._raw)

    def __getitem__(self, rows: Any) -> Any:
        found = self._raw[rows]
        text = found.tobytes().hex().encode()
        return text if found.ndim == 1 else np.frombuffer(text, dtype="S64").reshape(found.shape[:-1])


def _parts(texts: Any) -> tuple[NDArray[np.integer], bytes]:
    """Of an Arrow string array: where each begins and ends in its data, and the data."""
    _, offsets, data = texts.buffers()
    if not len(texts) or data is None:
        return np.zeros(len(texts) + 1, dtype=np.int64), b""
    bounds = np.frombuffer(offsets, dtype=np.int32)[texts.offset :][: len(texts) + 1]
    return bounds - bounds[0], memoryview(data)[bounds[0] : bounds[-1]].tobytes()
