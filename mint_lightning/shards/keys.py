"""The key list of a shard set: one row per image, saying what it is and where it lies."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.files import atomic_path, sha256_file
from mint_lightning.shards.columns import Column, Digests, Distinct, Repeated, tied
from mint_lightning.shards.manifest import Manifest
from mint_lightning.shards.splits import split_of

KEYS_NAME = "keys.parquet"

_INTEGERS = ("label", "lane", "shard", "position")
_ROWS_A_GROUP = 2**14


@dataclass(frozen=True, eq=False)
class KeyList:
    """All images of a shard set, sorted by (partition, split, lane, position). A row number names an image.

    Attributes (n rows; texts and hashes are columns of shards/columns.py, read like arrays, and made of arrays given):
        key: name of the sample in the tars, text, unique.
        source, identity: who is shown; an identity is the pair of both.
        label: int64, index of (source, identity) in the sorted list of all pairs of the shard set.
        partition, split: text.
        origin: name of the photo in its source, text (object arrays: one long name must not widen all rows).
        sha256: hexadecimal hash of the encoded image, bytes (dtype S64 as an array).
        lane: int64, 0 .. lanes - 1.
        shard: int64, index into `manifest.shards`; never falls along the rows.
        position: int64, place within the lane of its (partition, split), counted through that lane's shards.
        class_name: text, the class of the object that is shown, "" where nobody says it, as of faces. A column of the
            file only where a photo has one.
    lanes: number of lanes of the shard set.
    """

    key: Distinct
    source: Repeated
    identity: Repeated
    label: NDArray[np.int64]
    partition: Repeated
    split: Repeated
    origin: Column[str]
    sha256: Digests
    lane: NDArray[np.int64]
    shard: NDArray[np.int64]
    position: NDArray[np.int64]
    lanes: int
    class_name: Repeated = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.class_name is None:
            object.__setattr__(self, "class_name", Repeated.coded([""], np.zeros(len(self.label), np.int64)))
        for name, column in _TEXTS.items():
            given = getattr(self, name)
            if not isinstance(given, Column):
                object.__setattr__(self, name, column.of(given, **_KIND.get(name, {})))

    def __len__(self) -> int:
        return len(self.key)

    def where(
        self,
        partitions: Collection[str] | None = None,
        splits: Collection[str] | None = None,
        identities: Collection[str] | None = None,
    ) -> NDArray[np.int64]:
        """Rows (int64, rising) of the images in any of `partitions`, any of `splits` and of any of `identities`.

        None means all. Raises `UserError` for a name that no image has, listing those there are.
        """
        chosen = np.ones(len(self), dtype=bool)
        if partitions is not None:
            chosen &= _among(self.partition, partitions, "partition")
        if splits is not None:
            chosen &= _among(self.split, splits, "split")
        if identities is not None:
            chosen &= _among(self.identity, identities, "identity")
        return np.flatnonzero(chosen).astype(np.int64)

    def rows_of(self, keys: Sequence[str] | NDArray[np.str_]) -> NDArray[np.int64]:
        """Rows of the given keys, in their order. Raises `UserError` naming keys that are not in the list."""
        wanted = np.asarray(keys, dtype=np.str_)
        if not len(self):
            places = np.zeros(len(wanted), dtype=np.int64)
            unknown = wanted
        else:
            found = np.searchsorted(self.key[:], wanted, sorter=self._by_key).clip(max=len(self) - 1)
            places = self._by_key[found]
            unknown = wanted[self.key[places] != wanted]
        if len(unknown):
            shown = ", ".join(repr(str(key)) for key in unknown[:3])
            raise UserError(
                f"{len(unknown)} of {len(wanted)} keys are not in this shard set ({shown}"
                f"{', ...' if len(unknown) > 3 else ''}): they belong to another shard set, or it was packed anew."
            )
        return places.astype(np.int64)

    @property
    def has_classes(self) -> bool:
        """Whether the class of any photo is known."""
        return self.class_name.distinct().tolist() not in ([], [""])

    def class_numbers(self, classes: Sequence[str]) -> NDArray[np.int64]:
        """(n,) int64, of each photo the place of its class in `classes`, -1 where it is not known.

        Raises:
            UserError: no photo has a class, or one has a class that is not among these.
        """
        if not self.has_classes:
            raise UserError(
                "The shard set does not say of what class its photos are: pack it of a source of objects, such as "
                "cifar10:, gtsrb: or classes: (a folder for each class)."
            )
        number = {name: place for place, name in enumerate(classes)} | {"": -1}
        if unknown := [name for name in self.class_name.distinct().tolist() if name not in number]:
            raise UserError(f"The class {unknown[0]!r} is none of the {len(classes)} classes of the manifest.")
        return np.array([number[name] for name in self.class_name.tolist()], np.int64)

    @cached_property
    def _by_key(self) -> NDArray[np.int64]:
        return self.key.argsort()

    @cached_property
    def key_hash(self) -> NDArray[np.uint64]:
        """First 64 bits of the SHA-256 of each key: the order in which images are dealt and subsets are drawn."""
        return key_hashes(self.key)

    def save(self, root: Path) -> str:
        """Write `root/keys.parquet` atomically and return its SHA-256. Equal lists give equal bytes."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = (*_COLUMNS, _CLASS) if self.has_classes else _COLUMNS
        kinds = {name: pa.int64() if name in _INTEGERS else pa.string() for name in names}
        path = Path(root) / KEYS_NAME
        with (
            atomic_path(path) as temporary,
            pq.ParquetWriter(temporary, pa.schema(list(kinds.items())), compression="zstd") as file,
        ):
            for start in range(0, max(1, len(self)), _ROWS_A_GROUP):
                rows = slice(start, start + _ROWS_A_GROUP)
                part = {name: pa.array(getattr(self, name)[rows].tolist(), kind) for name, kind in kinds.items()}
                file.write_table(pa.table(part))
        return sha256_file(path)

    @classmethod
    def load(cls, root: Path, manifest: Manifest) -> "KeyList":
        """Read `root/keys.parquet` and check it against the manifest.

        Raises:
            UserError: the file is missing, is not the one the manifest names, or its columns are not ours.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = Path(root) / KEYS_NAME
        if not path.is_file():
            raise UserError(f"There is no key list at {path}: copy the whole shard set, or pack the images again.")
        if sha256_file(path) != manifest.keys_sha256:
            raise UserError(f"The key list {path} is not the one its manifest names: it is damaged or was replaced.")
        columns: dict[str, Any] = {}
        try:
            with pq.ParquetFile(path) as file:
                names, rows = file.schema_arrow.names, file.metadata.num_rows
                if tuple(names) not in (_COLUMNS, (*_COLUMNS, _CLASS)) or rows != manifest.images:
                    raise UserError(
                        f"The key list {path} has {rows} rows with columns {', '.join(names)}; "
                        f"the manifest asks for {manifest.images} rows with columns {', '.join(_COLUMNS)}."
                    )
                # One after the other: all at once are 70 MB more for 200,000 rows.
                for name in names:
                    columns[name] = _column(name, file.read([name], use_threads=False).column(0))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise UserError(f"The key list {path} is not a readable parquet file: pack the images again.") from error
        # Else pyarrow keeps what it used for its next table, and every forked worker with it.
        pa.default_memory_pool().release_unused()
        return cls(**columns, lanes=manifest.lanes)


def labels(source: Iterable[str], identity: Iterable[str]) -> NDArray[np.int64]:
    """(n,) place of each (source, identity) in the sorted list of these pairs."""
    people = [f"{one}\0{other}" for one, other in zip(source, identity, strict=True)]
    return np.unique(people, return_inverse=True)[1].astype(np.int64) if people else np.zeros(0, np.int64)


def split_by_photo(keys: KeyList, seed: int) -> KeyList:
    """The same images, each photo in a split of its own, whoever is on it: what must not be done, for comparison."""
    split = [split_of(str(source), str(key), seed=seed) for source, key in zip(keys.source, keys.key, strict=True)]
    return replace(keys, split=Repeated.of(split))


_CLASS = "class_name"
_COLUMNS = tuple(field.name for field in fields(KeyList) if field.name not in ("lanes", _CLASS))
_TEXTS: dict[str, Any] = {
    "key": Distinct, "source": Repeated, "identity": Repeated, "partition": Repeated, "split": Repeated,
    "origin": Distinct, "sha256": Digests, "class_name": Repeated,
}  # fmt: skip
_KIND: dict[str, dict[str, Any]] = {"origin": {"kind": object}}


def key_hashes(keys: Iterable[str]) -> NDArray[np.uint64]:
    """First 64 bits of the SHA-256 of each key, as uint64."""
    firsts = (int.from_bytes(hashlib.sha256(str(key).encode()).digest()[:8], "big") for key in keys)
    return np.fromiter(firsts, dtype=np.uint64)


def hash_order(
    keys: Column[str], hashes: NDArray[Any], *outer: NDArray[Any], rows: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Rows by the last of `outer`, ..., by the hash of the key, and by the key itself where these tie.

    They hardly ever do, and 100,000 keys as an array are 12 MB. rows: of these alone, of which `hashes` and `outer`
    are given; the result then says their places among `rows`.
    """
    last = () if not len(tied(hashes)) else (keys[:] if rows is None else keys[rows],)
    return np.lexsort((*last, hashes, *outer)).astype(np.int64)


def _among(column: Repeated, names: Collection[str], what: str) -> NDArray[np.bool_]:
    if isinstance(names, str):
        raise TypeError(f"Give a list of names of {what}, not the text {names!r}.")
    known = column.distinct()
    unknown = sorted(set(names) - set(known.tolist()))
    if unknown:
        listed = ", ".join(map(str, known[:20])) + (f" and {len(known) - 20} more" if len(known) > 20 else "")
        raise UserError(
            f"The shard set has no image with {what} {', '.join(repr(str(name)) for name in unknown[:5])}: "
            f"there are {listed or 'none'}."
        )
    return column.isin(names)


def _column(name: str, values: Any) -> Any:
    """A column of ours from one of Arrow's."""
    import pyarrow as pa

    if name in _INTEGERS:
        return values.to_numpy().astype(np.int64)
    return _TEXTS[name].of_arrow(pa.concat_arrays(values.cast(pa.string()).chunks), **_KIND.get(name, {}))
