"""The list beside a RecordIO file: the names that its photos had before they were packed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.shards.columns import Distinct
from mint_lightning.shards.sources.names import inside


def read_list(path: Path, numbers: NDArray[np.int64], labels: NDArray[np.int64]) -> Distinct | None:
    """(n,) names of the photos with these numbers and labels; None where there is no list.

    A line is "number, label, name" as mxnet's im2rec writes it, or "1, name, label" as insightface does, which numbers
    lines from 1; tabs between. A name is the last two parts of the path, and the number where paths do not differ
    in these.

    Raises:
        UserError: a line cannot be read, or the list says something else than the records.
    """
    if not path.is_file():
        return None
    order = np.argsort(numbers, kind="stable")
    place = {int(numbers[row]): int(row) for row in order}
    names = [""] * len(numbers)
    for line, (number, label, name) in enumerate(_lines(path), start=1):
        row = place.get(number)
        if row is None:
            continue  # a record that is broken, or that was left out
        if label != labels[row]:
            raise UserError(
                f"Line {line} of {path} says that photo {number} has label {label:g}; its record says {labels[row]}: "
                "the two are not of one packing. Put the right list there, or take it away."
            )
        names[row] = name
    if "" in names:
        raise UserError(
            f"{path} does not list the photo {numbers[names.index('')]}: it is not of one packing with the records. "
            "Put the right list there, or take it away."
        )
    if len(set(names)) < len(names):
        return None
    return Distinct.of(names, object)


def _lines(path: Path) -> Iterator[tuple[int, float, str]]:
    with path.open(encoding="utf-8", errors="backslashreplace") as stream:
        for line, text in enumerate(stream, start=1):
            parts = text.rstrip("\r\n").split("\t")
            try:
                if _is_number(parts[1]):
                    number, label, name = int(parts[0]), float(parts[1]), parts[-1]
                else:
                    number, name, label = line, parts[1], float(parts[2])
            except (IndexError, ValueError) as error:
                raise UserError(f"Line {line} of {path} must be number, label and path with tabs between.") from error
            yield number, label, "/".join(inside(name)[0].split("/")[-2:])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
