"""The same table of several audited networks side by side: which rows are the same, and what must be said of them."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from mint_lightning.errors import UserError
from mint_lightning.evidence import RowEvidence, TableEvidence
from mint_lightning.report.context import Context
from mint_lightning.report.layout import HEADS, SCORE, in_order
from mint_lightning.report.measures import MARK
from mint_lightning.report.tidy import Record, as_csv, row_records


@dataclass(frozen=True)
class Audited:
    """A table of one network, and where it was logged."""

    evidence: TableEvidence
    context: Context
    experiment: str = ""
    run: str = ""


@dataclass(frozen=True)
class Line:
    """The same row in several tables: a head at a place, with its numbers of samples, or a score by name."""

    head: str
    place: str
    samples: tuple[int, ...]
    name: str = ""

    @property
    def title(self) -> str:
        """conv1 · Vanilla · 1,000"""
        if self.name:
            return self.name
        sizes = [f"{count:,}" for count in self.samples if count]
        size = sizes[0] if len(sizes) < 2 else f"{sizes[0]} to {sizes[-1]}"
        return " · ".join(part for part in (self.place, HEADS.get(self.head, self.head), size if sizes else "") if part)


@dataclass(frozen=True)
class Across:
    """Tables side by side. labels: a name of its own for each; cells: by line and number of the table."""

    tables: tuple[Audited, ...]
    labels: tuple[str, ...]
    lines: tuple[Line, ...]
    cells: Mapping[tuple[Line, int], RowEvidence]

    def row(self, line: Line, number: int) -> RowEvidence | None:
        """The row of a line in a table; None where that table has none."""
        return self.cells.get((line, number))


def side_by_side(
    tables: Sequence[Audited],
    *,
    networks: Collection[str] = (),
    taps: Collection[str] = (),
    heads: Collection[str] = (),
) -> Across:
    """Tables beside each other, of these networks (name, or start of the fingerprint), places and heads alone.

    A head at a place that each table has once is one line, whatever the number of samples there; else the number
    decides. Scores are one line by name, and so are rows that differ in something else.

    Raises:
        UserError: nothing has one of these names; it lists the known.
    """
    chosen = tuple(table for table in tables if not networks or any(_is_network(table, name) for name in networks))
    for name in networks:
        if not any(_is_network(table, name) for table in tables):
            known = dict.fromkeys(table.context.network_name for table in tables)
            raise UserError(f"No table is of a network {name!r}; there are {', '.join(known)}.")
    kept = [_kept(table.evidence.rows, taps, heads) for table in chosen]
    _known(taps, [row for table in chosen for row in table.evidence.rows], "place", lambda row: [row.tap])
    _known(heads, [row for table in chosen for row in table.evidence.rows], "head", _head_names)
    if not any(kept):
        raise UserError("No row has one of these heads at one of these places: ask for fewer of them at once.")
    cells = {(line, number): row for number, rows in enumerate(kept) for row, line in _lines(rows, kept)}
    return Across(chosen, _labels(chosen), _in_order({line for line, _ in cells}, kept), cells)


def _is_network(table: Audited, name: str) -> bool:
    mark = table.context.fingerprint or ""
    return table.context.network_name == name or (len(name) >= 6 and mark.startswith(name))


def _head_names(row: RowEvidence) -> list[str]:
    return [row.head, *([row.name] if row.head == SCORE else [])]


def _kept(rows: Sequence[RowEvidence], taps: Collection[str], heads: Collection[str]) -> list[RowEvidence]:
    wanted = {head.lower() for head in heads}
    return [
        row
        for row in rows
        if (not taps or row.tap in taps) and (not wanted or wanted & {name.lower() for name in _head_names(row)})
    ]


def _known(
    asked: Collection[str], rows: Sequence[RowEvidence], what: str, names: Callable[[RowEvidence], list[str]]
) -> None:
    known = dict.fromkeys(name for row in rows for name in names(row) if name)
    for name in asked:
        if name.lower() not in {each.lower() for each in known}:
            raise UserError(f"No table has the {what} {name!r}; there are {', '.join(known)}.")


def _lines(rows: Sequence[RowEvidence], tables: Sequence[Sequence[RowEvidence]]) -> list[tuple[RowEvidence, Line]]:
    found = []
    for row in rows:
        same = [[other for other in table if (other.head, other.tap) == (row.head, row.tap)] for table in tables]
        sizes = sorted({other.samples for table in same for other in table})
        crowded = any(max(Counter(other.samples for other in table).values(), default=0) > 1 for table in same)
        if row.head == SCORE or crowded:
            found.append((row, Line(row.head, row.tap, (row.samples,), row.name)))
        elif all(len(table) <= 1 for table in same):
            found.append((row, Line(row.head, row.tap, tuple(sizes))))
        else:
            found.append((row, Line(row.head, row.tap, (row.samples,))))
    return found


def _in_order(lines: Collection[Line], tables: Sequence[Sequence[RowEvidence]]) -> tuple[Line, ...]:
    """By place in depth order, head and samples; scores last, as they come."""
    rows = [row for table in tables for row in table]
    places = in_order(_merged([[row.tap for row in table if row.head != SCORE] for table in tables]))
    heads = list(dict.fromkeys(row.head for row in rows))
    names = list(dict.fromkeys(row.name for row in rows))

    def key(line: Line) -> tuple[bool, int, int, tuple[int, ...], int]:
        score = line.head == SCORE
        named = names.index(line.name) if line.name else 0
        return score, 0 if score else places.index(line.place), heads.index(line.head), line.samples, named

    return tuple(sorted(lines, key=key))


def _merged(orders: Sequence[Sequence[str]]) -> list[str]:
    """Orders of places as one: what an earlier one lacks comes behind the place it follows in its own."""
    found: list[str] = []
    for order in orders:
        before = -1
        for place in order:
            if place not in found:
                found.insert(before + 1, place)
            before = found.index(place)
    return found


def _labels(tables: Sequence[Audited]) -> tuple[str, ...]:
    """The network's name, and as much more as tells two of one name apart: table, date, run."""
    labels = [table.context.network_name for table in tables]
    for more in (lambda t: t.context.title, lambda t: t.context.date, lambda t: t.run[:8]):
        counts = Counter(labels)
        labels = [
            f"{label} · {more(table)}" if counts[label] > 1 and more(table) else label
            for label, table in zip(labels, tables, strict=True)
        ]
    return tuple(labels)


def across_notes(across: Across) -> list[str]:
    """What must be said below: the mark, what intervals hold for, and that other photos make other tables."""
    notes = []
    if any(row.finds for row in across.cells.values()):
        notes.append(f"{MARK} finds membership: the excess is above zero after Holm’s adjustment over its own table.")
    notes.append(
        "Each network’s intervals hold for all rows of its own table together at 95 %. No difference between networks "
        "is tested here."
    )
    shards = {
        label: ", ".join(sorted(t.context.manifests)) for label, t in zip(across.labels, across.tables, strict=True)
    }
    if len({tuple(sorted(table.context.manifests.values())) for table in across.tables}) > 1:
        listed = "; ".join(f"{label} on {names or 'unnamed'}" for label, names in shards.items())
        notes.append(f"These tables are of different shard sets ({listed}): a difference may come from the photos.")
    return notes


def across_csv(across: Across) -> str:
    """One line for each row and table, with every figure and where it was logged."""
    records: list[Record] = []
    for number, table in enumerate(across.tables):
        shown = {id(row) for (_, at), row in across.cells.items() if at == number}
        where = {"experiment": table.experiment, "run": table.run, "date": table.context.date}
        figures = zip(table.evidence.rows, row_records(table.evidence, table.context), strict=True)
        records += [{**where, **record} for row, record in figures if id(row) in shown]
    return as_csv(records)
