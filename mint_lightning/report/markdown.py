"""The same table as markdown, for files under benchmarks/ and for the description of an MLflow run."""

import re
from html import escape as html_escape

from mint_lightning.evidence import TableEvidence
from mint_lightning.report import wording
from mint_lightning.report.cells import EMPTY, cells, columns
from mint_lightning.report.context import Context
from mint_lightning.report.explanations import explanations
from mint_lightning.report.layout import Layout, layout_of
from mint_lightning.report.measures import STRONG, entries, grid_notes, measures
from mint_lightning.report.parts import part_columns, part_note, parts
from mint_lightning.report.published import Published, published_figures
from mint_lightning.report.subjects import subject_of
from mint_lightning.report.worth import worth, worth_columns, worth_note


def render_markdown(evidence: TableEvidence, context: Context | None = None) -> str:
    """The claim, the papers' layout where it says more, the rows and their notes, what a yes is worth, and a newline.

    A context adds how it was made and, where it names them, the figures of a paper.
    """
    outcome, _, reason = wording.claim_sentence(evidence).partition(". ")
    lead = wording.lead_sentence(evidence)
    lines = [escape(lead), ""] if lead else []
    lines.append(f"**{escape(outcome)}.** {escape(reason)}")
    published = published_figures(context.published if context is not None else None)
    layout = layout_of(evidence)
    if layout.shown(published):
        lines += ["", *_grid(layout, published), ""]
        lines += [escape(note) + "  " for note in grid_notes(layout.cells.values(), published)]
    lines += ["", *_table(evidence), "", f"{wording.level_note(evidence)} n: {escape(wording.sizes(evidence))}."]
    lines += ["", "Other explanations:", "", *(f"- {escape(each)}" for each in explanations(evidence))]
    lines += _worth(evidence) + _parts(evidence)
    if context is not None:
        lines += ["", *_made(context)]
    return "\n".join(lines) + "\n"


def _grid(layout: Layout, published: Published | None) -> list[str]:
    """The papers' layout: a line for each figure of each place, so that it reads well as plain text too."""
    shown = measures(layout.cells.values(), published)
    heading = ["Place", "Figure", *(column.title for column in layout.columns)]
    lines = [line(heading), line(["---", "---", *("---:" for _ in layout.columns)])]
    for place in layout.places:
        rows = [layout.row(place, column) for column in layout.columns]
        found = [entries(row, published) for row in rows]
        for number, measure in enumerate(shown):
            texts = []
            for cell, row in zip(found, rows, strict=True):
                text = escape(f"{cell[measure.key].text} {cell[measure.key].detail}".strip())
                texts.append(f"**{text}**" if row is not None and row.finds and measure.key in STRONG else text)
            lines.append(line([f"**{escape(place)}**" if number == 0 else "", measure.title, *texts]))
    return lines


def _table(evidence: TableEvidence) -> list[str]:
    shown = columns(evidence)
    heading = [f"{column.title} ({column.detail})" if column.detail else column.title for column in shown]
    lines = [line(heading), line(["---" if column.key == "row" else "---:" for column in shown])]
    for row in evidence.rows:
        found = cells(row, evidence)
        entries = []
        for column in shown:
            cell = found[column.key]
            text = escape(f"{cell.text} ({cell.detail})" if _loose(cell.detail) else f"{cell.text} {cell.detail}")
            entries.append(f"**{text.strip()}**" if row.finds and column.key in ("row", "finds") else text.strip())
        lines.append(line(entries))
    return lines


def _worth(evidence: TableEvidence) -> list[str]:
    """What a yes is worth; nothing where no row has any of these figures."""
    shown = worth_columns(evidence.rows)
    if not shown:
        return []
    heading = [f"{column.title} ({column.detail})" if column.detail else column.title for column in shown]
    lines = ["", line(heading), line(["---" if column.key == "row" else "---:" for column in shown])]
    for row in evidence.rows:
        found = worth(row)
        texts = [found.get(column.key, EMPTY) for column in shown]
        lines.append(line([escape(f"{cell.text} {cell.detail}".strip()) for cell in texts]))
    return [*lines, "", escape(worth_note(evidence.rows))]


def _parts(evidence: TableEvidence) -> list[str]:
    """Slices of the row shown first, folded; those of the others are in slices.csv."""
    row = wording.headline_row(evidence)
    if row is None or not row.slices:
        return []
    name, subject = html_escape(" ".join(row.name.split())), subject_of(evidence.subject)
    titles = part_columns(subject)
    lines = ["", "<details>", f"<summary>Parts of the photos: {name}</summary>"]
    for title, found in parts(row, subject).items():
        lines += ["", line([escape(title), *titles]), line(["---", *("---:" for _ in titles)])]
        lines += [line([escape(part.name), *(escape(cell) for cell in part.cells)]) for part in found]
    return [*lines, "", part_note(subject), "", "</details>"]


def _loose(detail: str) -> bool:
    return bool(detail) and not detail.startswith("[")


def line(entries: list[str]) -> str:
    """A line of a table; the entries are escaped already."""
    return f"| {' | '.join(entries)} |"


def _made(context: Context) -> list[str]:
    lines = [f"Command: `{_code(context.command)}`", f"Network: `{_code(context.network_name)}`"]
    if context.fingerprint:
        lines[-1] += f", fingerprint `{_code(context.fingerprint)[:16]}`"
    lines += [f"Shards: `{_code(name)}`, manifest `{_code(value)[:16]}`" for name, value in context.manifests.items()]
    lines.append(f"Seed: {context.seed}")
    if context.seconds:
        parts = (f"{escape(part)} {wording.seconds(value)}" for part, value in context.seconds.items())
        lines.append(f"Time: {', '.join(parts)}")
    if context.date:
        lines.append(f"Date: {escape(context.date)}")
    return [f"- {line}" for line in lines]


def escape(text: str) -> str:
    """Plain text as markdown: nothing in a name can open a tag, a link, an emphasis or a table cell."""
    text = " ".join(text.split())
    text = re.sub(r"&(?=[#\w]+;)", "&amp;", text)
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)
    return re.sub(r"([\\`*_|~]|\[(?=[^\]]*\]\()|!(?=\[))", r"\\\1", text)


def _code(text: str) -> str:
    return " ".join(text.split()).replace("`", "'")
