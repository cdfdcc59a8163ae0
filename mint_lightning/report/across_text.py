"""Several networks' tables side by side in the terminal and as markdown."""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from mint_lightning.evidence import RowEvidence
from mint_lightning.report import wording
from mint_lightning.report.across import Across, across_notes
from mint_lightning.report.cells import EMPTY, Cell
from mint_lightning.report.console import WIDE
from mint_lightning.report.layout_console import GAP, RULES
from mint_lightning.report.markdown import escape, line
from mint_lightning.report.measures import entries

STUB = 28
FIGURES = 20  # columns of "+.012 [-.018, +.042]"
LONGEST_LABEL = 40


def print_across(across: Across, console: Console | None = None) -> None:
    """Print the comparison on standard output, or on `console`; a file or pipe has room for more."""
    if console is None:
        console = Console()
        if not console.is_terminal:
            console = Console(width=WIDE)
    console.print(_render(across, width=console.width))


def _render(across: Across, *, width: int) -> RenderableType:
    stub = min(STUB, max(len(line.title) for line in across.lines))
    most = max(1, (width - stub) // (FIGURES + GAP))
    numbers = range(len(across.tables))
    parts: list[RenderableType] = []
    for start in range(0, len(numbers), most):
        parts += [_block(across, numbers[start : start + most], stub), Text()]
    parts += [Text(note, style="dim") for note in across_notes(across)]
    for label, table in zip(across.labels, across.tables, strict=True):
        text = Text(f"\n{label}: ", style="bold")
        outcome, _, reason = wording.claim_sentence(table.evidence).partition(". ")
        style = "bold green" if table.evidence.claim.may_claim else "bold yellow"
        parts.append(text.append(f"{outcome}.", style=style).append(f" {reason}", style="not bold"))
    return Group(*parts)


def _block(across: Across, numbers: Sequence[int], stub: int) -> Table:
    table = Table(box=RULES, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(Text("Row", style="bold"), min_width=stub, max_width=stub, overflow="fold", vertical="top")
    for number in numbers:
        label = across.labels[number]
        label = label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
        heading = Text(label, style="bold").append("\nAUC, excess", style="dim not bold")
        table.add_column(heading, min_width=FIGURES, max_width=FIGURES, overflow="fold", vertical="top")
    for each in across.lines:
        rows = [across.row(each, number) for number in numbers]
        if any(rows):
            table.add_row(Text(each.title), *(_cell(row) for row in rows))
    return table


def _cell(row: RowEvidence | None) -> Text:
    if row is None:
        return Text("–", style="dim")
    auc, excess = figures(row)
    text = Text(wording.short(f"{auc.text} {auc.detail}"), style="bold green" if row.finds else "")
    return text.append(wording.short(f"\n{excess.text} {excess.detail}"), style="" if row.finds else "dim not bold")


def figures(row: RowEvidence) -> tuple[Cell, Cell]:
    """AUC and excess of a cell, each with its interval."""
    found = entries(row)
    return found["auc"], found["excess"]


def render_across_markdown(across: Across) -> str:
    """The comparison as markdown: AUC, excess and finding of each network, notes, every claim, and a newline."""
    heading = ["Row"]
    for label in across.labels:
        heading += [f"{escape(label)}: AUC", "Excess", "Finds"]
    lines = [line(heading), line(["---", *["---:", "---:", "---"] * len(across.labels)])]
    for each in across.lines:
        texts = [escape(each.title)]
        for number in range(len(across.tables)):
            row = across.row(each, number)
            auc, excess = figures(row) if row is not None else (EMPTY, EMPTY)
            found = "" if row is None else "**yes**" if row.finds else "no"
            texts += [escape(f"{cell.text} {cell.detail}".strip()) for cell in (auc, excess)]
            texts.append(found)
        lines.append(line(texts))
    lines += ["", *(f"{escape(note)}  " for note in across_notes(across)), ""]
    for label, table in zip(across.labels, across.tables, strict=True):
        outcome, _, reason = wording.claim_sentence(table.evidence).partition(". ")
        lines.append(f"- **{escape(label)}**: **{escape(outcome)}.** {escape(reason)}")
    return "\n".join(lines) + "\n"
