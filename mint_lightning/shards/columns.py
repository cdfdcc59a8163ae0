"""Columns of a key list that are read like NumPy arrays and kept small: a fit holds them, and so does each worker.

As NumPy's text, four bytes a character and every row as wide as the widest, the columns of a photo took 350 bytes; so
they take about 100.
"""

import binascii
from abc import ABC, abstractmethod
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
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


def tied(values: NDArray[Any]) -> NDArray[np.int64]:
    """Rows whose value another row has too, rising."""
    by_value = np.sort(values)
    if not (by_value[1:] == by_value[:-1]).any():
        return np.zeros(0, np.int64)
    order = np.argsort(values, kind="stable")
    same = np.concatenate([[False], by_value[1:] == by_value[:-1], [False]])
    return np.sort(order[same[1:] | same[:-1]])


class Repeated(Column[str]):
    """Texts that come again and again, such as people and partitions: each once, and a code of a few bytes a row."""

    def __init__(self, names: NDArray[np.str_], codes: NDArray[np.integer]) -> None:
        self._names = names
        self._codes = codes.astype(np.min_scalar_type(max(0, len(names) - 1)))

    @classmethod
    def of(cls, texts: Iterable[str] | NDArray[np.str_]) -> Self:
        """The column of these texts."""
        numbers: dict[str, int] = {}
        found = np.fromiter((numbers.setdefault(str(text), len(numbers)) for text in texts), np.int32)
        return cls.coded(list(numbers), found)

    @classmethod
    def coded(cls, names: Sequence[str] | NDArray[np.str_], codes: NDArray[np.integer]) -> Self:
        """The column of `names[codes]`; of names that no row has none is kept."""
        distinct, place = np.unique(np.asarray(names, dtype=np.str_), return_inverse=True)
        codes = place[codes]
        there = np.flatnonzero(np.bincount(codes, minlength=len(distinct)))
        return cls(distinct[there], np.searchsorted(there, codes))

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

    def __eq__(self, other: object) -> Any:
        return self.isin([other]) if isinstance(other, str) else super().__eq__(other)

    __hash__ = None

    def take(self, rows: NDArray[np.integer]) -> Self:
        """The column of these rows."""
        return self.coded(self._names, self._codes[rows])

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

    def __init__(self, data: bytes | bytearray, bounds: NDArray[np.integer], kind: type) -> None:
        self._data = data
        self._bounds = bounds.astype(np.min_scalar_type(len(data)))
        self._kind = kind

    @classmethod
    def of(cls, texts: Iterable[str], kind: type = np.str_) -> Self:
        """The column of these texts."""
        found = Texts()
        for text in texts:
            found.append(str(text))
        return cls(*found.parts(), kind)

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

    def take(self, rows: NDArray[np.integer]) -> Self:
        """The column of these rows."""
        return self.of((self[row] for row in rows), self._kind)

    def argsort(self) -> NDArray[np.int64]:
        """Rows by their text, equal ones by their place, without an array of the texts."""
        import pyarrow as pa
        import pyarrow.compute as pc

        buffers = [None, pa.py_buffer(self._bounds.astype(np.int64)), pa.py_buffer(self._data)]
        texts = pa.Array.from_buffers(pa.large_string(), len(self), buffers)
        order: NDArray[np.int64] = pc.array_sort_indices(texts).to_numpy().astype(np.int64)
        return order


class Texts:
    """A column of texts under way."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._bounds = array("Q", [0])

    def append(self, text: str) -> None:
        """One more row."""
        self._data += text.encode()
        self._bounds.append(len(self._data))

    def parts(self) -> tuple[bytearray, NDArray[np.uint64]]:
        """UTF-8 of all texts, and where each begins and ends in it."""
        return self._data, np.frombuffer(self._bounds, np.uint64)

    def column(self) -> Distinct:
        """What there is so far."""
        return Distinct(*self.parts(), np.str_)


class Digests(Column[bytes]):
    """SHA-256 hashes: hexadecimal to read, kept as their 32 bytes."""

    def __init__(self, raw: bytes | bytearray | NDArray[np.uint8]) -> None:
        self._raw: NDArray[np.uint8] = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 32)

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

    def __add__(self, other: "Digests") -> "Digests":
        return Digests(np.concatenate([self._raw, other._raw]))

    def take(self, rows: NDArray[np.integer]) -> "Digests":
        """The column of these rows."""
        return Digests(self._raw[rows])

    def heads(self) -> NDArray[np.uint64]:
        """The first 64 bits of each."""
        return np.ascontiguousarray(self._raw[:, :8]).view(np.uint64)[:, 0]

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
