"""The papers' layout in the terminal: as many columns side by side as fit, the others in blocks below."""

from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from mint_lightning.evidence import RowEvidence
from mint_lightning.report import wording
from mint_lightning.report.cells import Cell
from mint_lightning.report.layout import Layout, LayoutColumn, blocks
from mint_lightning.report.measures import STRONG, Measure, entries, measures
from mint_lightning.report.published import Published

RULES = box.Box("    \n    \n ── \n    \n    \n    \n    \n    \n")  # one line below the heading and nothing else
GAP = 2  # between columns: one of padding, one of the box
LONGEST_NAME = 12
LONGEST_PLACE = 24


def layout_tables(layout: Layout, published: Published | None, *, width: int) -> list[Table]:
    """The layout as tables of at most `width` columns of the terminal (one column of figures at least)."""
    shown = measures(layout.cells.values(), published)
    stub = max(cell_len(text) for text in (*layout.places, *(f"  {measure.title}" for measure in shown)))
    stub = min(stub, LONGEST_PLACE)
    texts = [c.size_title for c in layout.columns]
    for row in layout.cells.values():
        found = entries(row, published)
        texts += [_plain(found[measure.key]) for measure in shown]
    most = max(1, (width - stub) // (max(cell_len(text) for text in texts) + GAP))
    return [_block(layout, block, shown, published, stub) for block in blocks(layout.columns, most)]


def _block(
    layout: Layout, columns: Sequence[LayoutColumn], shown: Sequence[Measure], published: Published | None, stub: int
) -> Table:
    table = Table(box=RULES, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(Text("Place\nimages", style="bold"), min_width=stub, max_width=stub, overflow="fold")
    for number, column in enumerate(columns):
        first = number == 0 or columns[number - 1].head != column.head
        heading = Text(column.head_title if first else "", style="bold")
        table.add_column(heading.append(f"\n{column.size_title}", style="bold"), no_wrap=True)
    for place in layout.places:
        rows = [layout.row(place, column) for column in columns]
        if not any(rows):
            continue
        table.add_row(Text(place, style="bold"))
        found = [entries(row, published) for row in rows]
        for measure in shown:
            cells = [_text(measure, cell[measure.key], row) for cell, row in zip(found, rows, strict=True)]
            table.add_row(Text(f"  {measure.title}", style="dim"), *cells)
    return table


def _text(measure: Measure, cell: Cell, row: RowEvidence | None) -> Text:
    finds = row is not None and row.finds and measure.key in STRONG
    return Text(_plain(cell), style="bold green" if finds else "" if measure.key in STRONG else "dim")


def _plain(cell: Cell) -> str:
    detail = cell.detail
    if detail and not detail.startswith(("[", "(")):
        detail = detail if len(detail) <= LONGEST_NAME else f"{detail[: LONGEST_NAME - 1]}…"
    return wording.short(f"{cell.text} {detail}".rstrip())
