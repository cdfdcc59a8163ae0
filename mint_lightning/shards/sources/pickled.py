"""What an evaluation set of insightface holds, read from its pickle without unpickling: nothing in it is executed."""

import mmap
from pathlib import Path
from typing import Any

from mint_lightning.errors import UserError
from mint_lightning.shards.sources.instructions import Reader
from mint_lightning.shards.sources.pickledvalues import FAULTS, Made, Piece, Refused, kind_of


def read_pickled(path: Path) -> tuple[Any, mmap.mmap]:
    """The value that the file's pickle makes, of lists, tuples, `Piece`, int, str, bool and None, and the file mapped.

    Raises:
        UserError: it is no pickle, is cut short, or has an instruction that an evaluation set does not need.
    """
    try:
        with path.open("rb") as stream:
            data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError as error:
        raise UserError(f"There is no evaluation set at {path}.") from error
    except (OSError, ValueError) as error:  # an empty file cannot be mapped
        raise UserError(f"{path} cannot be read as an evaluation set: {error}.") from error
    reader = Reader(data)
    try:
        return _plain(reader.run(), data), data
    except FAULTS as error:
        why = str(error) if isinstance(error, Refused) else "damaged"
        raise UserError(
            f"{path} is not an evaluation set of images and pairs (byte {reader.at:,}: {why}): a .bin is a pickle, "
            "which is read without executing anything in it, and so only where it holds bytes and truth values."
        ) from error


def _plain(value: Any, data: mmap.mmap) -> Any:
    """(list, list) of the two lists of a set, NumPy's arrays of bytes as pieces and its truth values as such."""
    if not (type(value) in (tuple, list) and len(value) == 2 and all(type(part) is list for part in value)):
        raise Refused("it is no pair of lists")
    return tuple([_unmade(each, data) if type(each) is Made else each for each in part] for part in value)


def _unmade(made: Made, data: mmap.mmap) -> Any:
    if made.name == "scalar":
        kind, piece = made.arguments
        if kind_of(kind, data) == "b1" and piece.size == 1:
            return data[piece.start] != 0
        if kind_of(kind, data)[:1] == "S":
            return piece
    elif made.name == "_reconstruct":
        _, shape, kind, _, piece = made.state
        if kind_of(kind, data) == "u1" and _row(shape, piece):
            return piece
    elif made.name == "_frombuffer":
        piece, kind, shape, _ = made.arguments
        if kind_of(kind, data) == "u1" and _row(shape, piece):
            return piece
    raise Refused("an array that is no row of bytes")


def _row(shape: Any, piece: Any) -> bool:
    return (
        type(piece) is Piece
        and all(type(side) is int for side in shape)
        and piece.size in shape
        and set(shape) <= {1, piece.size}
    )
