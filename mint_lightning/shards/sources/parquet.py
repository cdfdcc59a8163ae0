"""Photos in parquet files with the images' bytes in a column, as Hugging Face's datasets are."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Final

from mint_lightning.errors import UserError
from mint_lightning.shards.image import BrokenImage
from mint_lightning.shards.sources.listed import ListedPhotos
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.pieces import Broken

_WHO: Final = (
    "identity",
    "identity_id",
    "subject_id",
    "subject",
    "person_id",
    "person",
    "id",
    "label",
    "labels",
    "class",
)
_MOST: Final = 2**30


class ParquetSource:
    """Each row is a photo; the first of these columns that there is says who is shown: identity, subject, person,
    label, class (with names, where the file's Hugging Face description has them). Without any each row is an identity.

    The image is a column of bytes, or of {bytes, path}. Images that are only paths are not there, and so broken.

    Args:
        path: a .parquet file, or a folder with some.
        name: name of the database; that of the file or folder by default.

    Raises:
        UserError: on listing, if there is none, one is damaged, has no column of images or several, or its groups of
            rows are too large to be read one by one.
    """

    kind: ClassVar[str] = "parquet"

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        self.path = Path(path).expanduser().absolute()
        self.name = name or self.path.name.split(".")[0]

    def describe(self) -> dict[str, Any]:
        """Kind, name, number of photos and a hash of their names, people and the files' sizes."""
        digest = sha256()
        for file in self._files:
            digest.update(f"{file.name} {file.stat().st_size}\n".encode())
        for photo in self.list():
            digest.update(json.dumps([photo.identity, photo.origin]).encode() + b"\n")
        return {"kind": self.kind, "name": self.name, "photos": len(self.list()), "listing": digest.hexdigest()}

    def list(self) -> Sequence[Photo]:
        """All photos; `origin` is the file's and the row's number."""
        return self._photos

    @cached_property
    def _files(self) -> Sequence[Path]:
        found = sorted(self.path.rglob("*.parquet")) if self.path.is_dir() else [self.path]
        if not found or not found[0].is_file():
            raise UserError(f"There is no .parquet file at {self.path}.")
        return found

    def rows(self, file: Path, prefix: str) -> Iterator[Photo]:
        """The photos of one file, whose origins begin with `prefix`. Raises as `file_rows`."""
        return _rows(file, self.name, prefix)

    @cached_property
    def _photos(self) -> Sequence[Photo]:
        import pyarrow as pa

        photos = ListedPhotos()
        for number, file in enumerate(self._files):
            try:
                for photo in self.rows(file, f"{number}/" if len(self._files) > 1 else ""):
                    photos.append(photo)
            except (pa.ArrowException, OSError, ValueError) as error:
                why = str(error).strip().splitlines()[0].rstrip(".")
                raise UserError(f"{file} is not a readable parquet file ({why}).") from error
        return photos


@dataclass(frozen=True, slots=True)
class ReadRow:
    """Reads the image of a row: of a group of rows, the place in it."""

    path: str
    column: str
    group: int
    row: int

    def __call__(self) -> bytes:
        """The image file's bytes. Raises `BrokenImage` where there are none."""
        value = _group(self.path, self.column, self.group)[self.row].as_py()
        if isinstance(value, dict):
            value = value.get("bytes")
        if value is None:
            raise BrokenImage("its row has no image bytes")
        return bytes(value)


@lru_cache(maxsize=2)
def _group(path: str, column: str, group: int) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            return file.read_row_group(group, columns=[column], use_threads=False).column(0).combine_chunks()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BrokenImage("its rows cannot be read: the file is damaged") from error


def _rows(file: Path, name: str, prefix: str) -> Iterator[Photo]:
    schema = schema_of(file)
    who = next((column for column in _WHO if column in schema.names and column != image_column(file, schema)), None)
    names = class_names(schema, who)
    for origin, (person,), reader in file_rows(file, prefix, (who,)):
        if who is None:
            yield Photo(name, origin, origin, reader)
        elif isinstance(person, bool) or not isinstance(person, str | int) or person == "":
            yield Photo(name, "unknown", origin, Broken(f"its {who} is {person!r}"[:200]))
        else:
            known = isinstance(person, int) and 0 <= person < len(names)
            yield Photo(name, str(names[int(person)]) if known else str(person), origin, reader)


def schema_of(file: Path) -> Any:
    """The columns of a file, and what it says of itself."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as parquet:
        return parquet.schema_arrow


def file_rows(file: Path, prefix: str, columns: Sequence[str | None]) -> Iterator[tuple[str, Sequence[Any], ReadRow]]:
    """Of each row its number behind `prefix`, its values in `columns` (None for None), and its image's reader.

    Raises:
        UserError: its groups of rows are too large. ValueError and what pyarrow raises: it is damaged.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as parquet:
        metadata = parquet.metadata
        image = image_column(file, parquet.schema_arrow)
        rows = sum(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))
        if rows != metadata.num_rows:
            raise ValueError(f"it says it has {metadata.num_rows} rows, its groups have {rows}")
        row = 0
        for group in range(metadata.num_row_groups):
            if metadata.row_group(group).total_byte_size > _MOST:
                raise UserError(f"{file} has a group of rows of over 1 GiB: write it anew with smaller row groups.")
            size = metadata.row_group(group).num_rows
            asked = [column for column in columns if column is not None]
            read = parquet.read_row_group(group, columns=asked, use_threads=False) if asked else None
            found = [
                [None] * size if read is None or column is None else read.column(column).to_pylist()
                for column in columns
            ]
            if wrong := [values for values in found if len(values) != size]:
                raise ValueError(f"a group of {size} rows has {len(wrong[0])}")
            for place, values in enumerate(zip(*found, strict=True)):
                yield f"{prefix}{row:0{len(str(metadata.num_rows))}d}", values, ReadRow(str(file), image, group, place)
                row += 1


def image_column(file: Path, schema: Any) -> str:
    """The name of the column of image bytes. Raises `UserError` where there is none, or several."""
    import pyarrow as pa

    def holds(kind: Any) -> bool:
        if pa.types.is_struct(kind):
            return any(field.name == "bytes" and holds(field.type) for field in kind)
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

    found = [field.name for field in schema if holds(field.type)]
    if len(found) > 1 and "image" in found:
        return "image"
    if len(found) != 1:
        raise UserError(
            f"{file} has {len(found) or 'no'} columns of image bytes; one is needed, called image where there are "
            f"several (it has {', '.join(schema.names)})."
        )
    return str(found[0])


def class_names(schema: Any, column: str | None) -> Sequence[str]:
    """The names of classes that Hugging Face keeps in a file's description."""
    try:
        info = json.loads((schema.metadata or {})[b"huggingface"])
        names = info["info"]["features"][column]["names"]
    except (KeyError, ValueError, TypeError, RecursionError):
        return ()
    return names if isinstance(names, list) else ()
