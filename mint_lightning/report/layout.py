"""The layout of the MINT papers: places in the network as lines, heads and numbers of samples as columns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mint_lightning.evidence import RowEvidence, TableEvidence
from mint_lightning.report.published import Published

SCORE = "score"
HEADS = {"vanilla": "Vanilla", "cnn": "CNN", "by_class": "By class", "invariant": "Invariants"}


@dataclass(frozen=True)
class LayoutColumn:
    """A head at a number of samples (0: not known)."""

    head: str
    samples: int

    @property
    def head_title(self) -> str:
        """Vanilla, CNN"""
        return HEADS.get(self.head, self.head)

    @property
    def size_title(self) -> str:
        """50,000"""
        return f"{self.samples:,}" if self.samples else "all"

    @property
    def title(self) -> str:
        """Vanilla, 50,000 images"""
        return f"{self.head_title}, {self.size_title} images"


@dataclass(frozen=True)
class Layout:
    """The rows of a table in a grid. others: scores that need no fitting, and rows whose cell another has taken."""

    places: tuple[str, ...]
    columns: tuple[LayoutColumn, ...]
    cells: Mapping[tuple[str, LayoutColumn], RowEvidence]
    others: tuple[RowEvidence, ...]

    def row(self, place: str, column: LayoutColumn) -> RowEvidence | None:
        """The row of a cell; None where the table has none."""
        return self.cells.get((place, column))

    @property
    def adds(self) -> bool:
        """Whether the grid says more than the list of rows: two places, or the only one, fill several columns."""
        filled = Counter(place for place, _ in self.cells)
        return sum(count > 1 for count in filled.values()) >= min(2, len(self.places)) > 0

    def shown(self, published: Published | None) -> bool:
        """Whether a report should have it: where it adds something, or where a paper's figures stand beside ours."""
        return self.adds or (published is not None and any(published.of(row) for row in self.cells.values()))


def layout_of(evidence: TableEvidence) -> Layout:
    """The rows of `evidence` as a grid: single taps as they come (in depth order), then those that join several."""
    cells: dict[tuple[str, LayoutColumn], RowEvidence] = {}
    others = []
    for row in evidence.rows:
        key = (row.tap, LayoutColumn(row.head, row.samples))
        if row.head == SCORE or key in cells:
            others.append(row)
        else:
            cells[key] = row
    heads = list(dict.fromkeys(column.head for _, column in cells))
    return Layout(
        places=in_order([place for place, _ in cells]),
        columns=tuple(sorted({column for _, column in cells}, key=lambda c: (heads.index(c.head), c.samples))),
        cells=cells,
        others=tuple(others),
    )


def in_order(places: Sequence[str]) -> tuple[str, ...]:
    """Each place once, single taps before those that join several."""
    return tuple(sorted(dict.fromkeys(places), key=lambda place: place == "all conv" or " + " in place))


def blocks(columns: Sequence[LayoutColumn], most: int) -> list[tuple[LayoutColumn, ...]]:
    """The columns in blocks of at most `most`; a head is split over blocks only where it alone is too wide."""
    found: list[list[LayoutColumn]] = [[]]
    for head in dict.fromkeys(column.head for column in columns):
        mine = [column for column in columns if column.head == head]
        if len(found[-1]) + len(mine) <= most:
            found[-1] += mine
            continue
        parts = -(-len(mine) // most)
        size = -(-len(mine) // parts)
        found += [mine[start : start + size] for start in range(0, len(mine), size)]
    return [tuple(block) for block in found if block]
