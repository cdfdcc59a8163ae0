"""The result in the terminal: the table, what its intervals are, and the claim."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from mint_lightning.evidence import RowEvidence, TableEvidence
from mint_lightning.report import wording
from mint_lightning.report.cells import Cell, Column, cells, columns
from mint_lightning.report.context import Context
from mint_lightning.report.layout import layout_of
from mint_lightning.report.layout_console import RULES, layout_tables
from mint_lightning.report.measures import grid_notes
from mint_lightning.report.published import published_figures

CONTROLS = ("pixels", "twins", "references")
# Given up in this order where the terminal is narrow; what is left names the excess and the finding at 80 columns.
GIVE_WAY = ("n", "accuracy", "references", "tpr")
HEADINGS = {"accuracy": "Accuracy\n(balanced)", "tpr": "TPR at\n1 % FPR", "twins": "Untrained\ntwins"}
LEADING_ROWS = 12
LONGEST_NAME = 16
WIDE = 140


def print_table(evidence: TableEvidence, context: Context, console: Console | None = None) -> None:
    """Print the result on standard output, or on `console`; a file or pipe has room for every column."""
    if console is None:
        console = Console()
        if not console.is_terminal:
            console = Console(width=WIDE)
    console.print(render(evidence, context, width=console.width))


def render(evidence: TableEvidence, context: Context, *, width: int = 100) -> RenderableType:
    """The papers' layout where it says more, the rows, notes and the claim, for `width` columns.

    Columns that do not fit are named below. Rows that stand in the layout are not listed again.
    """
    layout, published = layout_of(evidence), published_figures(context.published)
    grids = layout_tables(layout, published, width=width) if layout.shown(published) else []
    listed = layout.others if grids else evidence.rows
    table, hidden = _fitting(evidence, listed, width)
    parts: list[RenderableType] = [part for grid in grids for part in (grid, Text())]
    if listed:
        parts.append(table)
    title = Text(f"{context.title} · {context.network_name}\n", style="bold")
    of_grid = grid_notes(layout.cells.values(), published) if grids else []
    if len(listed) < len(evidence.rows):
        of_grid.append(f"All {len(evidence.rows)} rows one by one: report.html, table.md and table.csv.")
    notes = _notes(evidence, hidden, of_grid)
    return Group(title, *parts, *notes, Text(), _claim(evidence))


def _fitting(evidence: TableEvidence, rows: Sequence[RowEvidence], width: int) -> tuple[Table, list[Column]]:
    """The rows as a table, and the columns it gave up to fit."""
    shown = [column for column in columns(evidence) if column.key != "p"]  # p stands under the finding
    hidden: list[Column] = []
    table = _table(evidence, rows, shown)
    for key in GIVE_WAY:
        if _least_width(table) <= width:
            break
        hidden += [column for column in shown if column.key == key]
        shown = [column for column in shown if column.key != key]
        table = _table(evidence, rows, shown)
    return table, hidden


def _table(evidence: TableEvidence, rows: Sequence[RowEvidence], shown: Sequence[Column]) -> Table:
    table = Table(
        box=RULES,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        leading=1 if len(rows) <= LEADING_ROWS else 0,
    )
    for column in shown:
        table.add_column(
            _heading(column),
            justify="left" if column.key == "row" else "right",
            vertical="top",
            no_wrap=column.key != "row",
            min_width=_longest_word(rows) if column.key == "row" else None,
            overflow="fold",
            header_style="bold cyan" if column.key in CONTROLS else "bold",
        )
    for row in rows:
        found = cells(row, evidence)
        found["finds"] = Cell(found["finds"].text, f"p {found['p'].text}" if row.excess else "")
        table.add_row(*(_cell(column, found[column.key], row) for column in shown))
    return table


def _least_width(table: Table) -> int:
    """Columns of the terminal needed to show every cell whole."""
    widths = []
    for column in table.columns:
        texts = [column.header, *column.cells]
        lines = [cell_len(line) for text in texts if isinstance(text, Text) for line in text.plain.split("\n")]
        widths.append(max(lines) if column.no_wrap else column.min_width or 0)
    return sum(widths) + 2 * (len(widths) - 1)


def _longest_word(rows: Sequence[RowEvidence]) -> int:
    """Width below which a row's name would break inside a word; every row has two lines, so names may take both.

    A row of several seeds says what they gave alone, which needs all the width there may be.
    """
    if any(row.seed_aucs for row in rows):
        return LONGEST_NAME
    return min(LONGEST_NAME, max((len(word) for row in rows for word in row.name.split()), default=4))


def _heading(column: Column) -> Text:
    heading = Text(HEADINGS.get(column.key, column.title))
    detail = "Holm’s p" if column.key == "finds" else column.detail
    return heading.append(f"\n{detail}", style="dim not bold") if detail else heading


def _cell(column: Column, cell: Cell, row: RowEvidence) -> Text:
    style = ""
    if column.key == "finds":
        style = "bold green" if row.finds else "dim"
    elif column.key in ("row", "auc", "excess"):
        style = "bold" if row.finds else ""
    text = Text(wording.short(cell.text), style=style)
    return text.append(f"\n{wording.short(cell.detail)}", style="dim not bold") if cell.detail else text


def _notes(evidence: TableEvidence, hidden: Sequence[Column], of_grid: Sequence[str]) -> list[Text]:
    notes = ["", *of_grid, wording.level_note(evidence), f"n: {wording.sizes(evidence)}."]
    if missing := sorted({kind for row in evidence.rows if row.excess for kind in row.excess.not_run}):
        notes.append(f"Controls not run: {', '.join(missing)}.")
    if hidden:
        notes.append(f"Not shown at this width: {', '.join(column.title for column in hidden)}.")
    return [Text(note, style="dim") for note in notes]


def _claim(evidence: TableEvidence) -> Text:
    head, _, reason = wording.claim_sentence(evidence).partition(". ")
    text = Text(f"{head}.", style="bold green" if evidence.claim.may_claim else "bold yellow")
    text.append(f" {reason}", style="not bold default")
    lead = wording.lead_sentence(evidence)
    return Text(f"{lead}\n").append_text(text) if lead else text
