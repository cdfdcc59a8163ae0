"""The table for a paper: the layout of the MINT papers in LaTeX, with the package booktabs alone."""

import re
from collections.abc import Iterable, Sequence

from mint_lightning.evidence import RowEvidence, TableEvidence
from mint_lightning.report import wording
from mint_lightning.report.cells import Cell
from mint_lightning.report.context import Context
from mint_lightning.report.layout import Layout, LayoutColumn, blocks, layout_of
from mint_lightning.report.measures import STRONG, entries, grid_notes, measures
from mint_lightning.report.published import Published, published_figures

WIDEST = 3  # columns of figures beside each other on a page
SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\char34}",  # a command of its own in some languages of babel
    "’": "'",
    "–": "--",
    "…": r"\dots{}",
    "±": r"$\pm$",
    **{sign: f"\\{sign}" for sign in "&%$#_"},
}


def render_latex(evidence: TableEvidence, context: Context) -> str:
    """The layout as a `table` environment for each block of columns, then the scores that need no fitting, with notes.

    It needs `\\usepackage{booktabs}` and, for names beyond ASCII, an engine that reads UTF-8.
    """
    published = published_figures(context.published)
    layout = layout_of(evidence)
    parts = [_grid(layout, block, published) for block in blocks(layout.columns, WIDEST)]
    parts += [_list(layout.others)] if layout.others else []
    notes = [*grid_notes(evidence.rows, published), wording.level_note(evidence), f"n: {wording.sizes(evidence)}."]
    first = f"{context.title}, network {context.network_name}. {wording.claim_sentence(evidence)}"
    lines = [r"% needs \usepackage{booktabs}; over two columns of text: table*"]
    for number, part in enumerate(parts or [[]]):
        caption = first if number == 0 else f"{context.title}, network {context.network_name}, continued."
        lines += [r"\begin{table}", r"\centering\footnotesize\setlength{\tabcolsep}{4pt}"]
        lines += [rf"\caption{{{escape(caption)}}}", *part]
        if number >= len(parts) - 1:
            lines += [r"\par\medskip", r"\begin{minipage}{\linewidth}"]
            lines += [*(rf"{escape(note)}\par" for note in notes), r"\end{minipage}"]
        lines.append(r"\end{table}")
    return "\n".join(lines) + "\n"


def _grid(layout: Layout, columns: Sequence[LayoutColumn], published: Published | None) -> list[str]:
    shown = measures(layout.cells.values(), published)
    heads = list(dict.fromkeys(column.head for column in columns))
    spans, rules, start = [], [], 3
    for head in heads:
        mine = [column for column in columns if column.head == head]
        spans.append(rf"\multicolumn{{{len(mine)}}}{{c}}{{{escape(mine[0].head_title)}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + len(mine) - 1}}}")
        start += len(mine)
    lines = [rf"\begin{{tabular}}{{ll{'r' * len(columns)}}}", r"\toprule"]
    lines += [_line(["", "", *spans]), "".join(rules)]
    lines += [_line(["Place", "Images", *(escape(column.size_title) for column in columns)])]
    for place in layout.places:
        rows = [layout.row(place, column) for column in columns]
        if not any(rows):
            continue
        found = [entries(row, published) for row in rows]
        for number, measure in enumerate(shown):
            lines += [r"\midrule"] if number == 0 else []
            figures = [_text(cell[measure.key], measure.key, row) for cell, row in zip(found, rows, strict=True)]
            lines.append(_line([escape(place) if number == 0 else "", escape(measure.title), *figures]))
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _list(rows: Sequence[RowEvidence]) -> list[str]:
    """Scores without fitting: a line for each figure, a column for each score, as many as a page holds."""
    shown = [measure for measure in measures(rows) if measure.key != "seeds"]
    lines = []
    for start in range(0, len(rows), WIDEST):
        part = rows[start : start + WIDEST]
        lines += [r"\par\medskip"] if start else []
        lines += [rf"\begin{{tabular}}{{l{'r' * len(part)}}}", r"\toprule"]
        lines += [_line(["", *(escape(row.name) for row in part)]), r"\midrule"]
        found = [entries(row) for row in part]
        for measure in shown:
            figures = [_text(cell[measure.key], measure.key, row) for cell, row in zip(found, part, strict=True)]
            lines.append(_line([escape(measure.title), *figures]))
        lines += [r"\bottomrule", r"\end{tabular}"]
    return lines


def _text(cell: Cell, key: str, row: RowEvidence | None) -> str:
    # A minus in a figure is a minus, not a hyphen; letters stay as they are.
    text = re.sub(r"(?<!\w)-(?=[.\d])", "$-$", escape(wording.short(f"{cell.text} {cell.detail}".strip())))
    return rf"\textbf{{{text}}}" if row is not None and row.finds and key in STRONG else text


def _line(entries: Iterable[str]) -> str:
    return f"{' & '.join(entries)} \\\\"


def escape(text: str) -> str:
    """Plain text as LaTeX: nothing in a name can end a cell, open a command or a comment.

    What opens with "[" or "*" would be taken for an argument of the line break before, so something empty comes first.
    """
    text = "".join(SPECIAL.get(sign, sign) for sign in " ".join(text.split()) if sign.isprintable())
    return f"{{}}{text}" if text.startswith(("[", "*")) else text
