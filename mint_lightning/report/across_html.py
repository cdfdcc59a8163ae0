"""Several networks' tables side by side as one page that needs nothing else, in the style of a table's own page."""

from textwrap import wrap
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mint_lightning.report import wording
from mint_lightning.report.across import Across, across_notes
from mint_lightning.report.across_text import figures
from mint_lightning.report.heatmap import Grid, draw
from mint_lightning.report.html import TEMPLATES, TONES

LABEL_LINE = 14
MOST_LINES = 60


def render_across_html(across: Across) -> str:
    """The page as text. Names are escaped wherever they stand, in the picture too."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = wording.short
    numbers = range(len(across.tables))
    rows = [[across.row(line, number) for number in numbers] for line in across.lines]
    picture = draw(_grid(across), "heatmap", "AUC and excess by row and network")
    return environment.get_template("across.html.j2").render(
        style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        labels=across.labels,
        lines=[
            (line, [(row, figures(row) if row is not None else None) for row in found])
            for line, found in zip(across.lines, rows, strict=True)
        ],
        notes=across_notes(across),
        heatmap={"svg": Markup(picture.svg()), "title": picture.title},
        tables=[_table(across, number) for number in numbers],
    )


def _grid(across: Across) -> Grid:
    """The cells of the picture; of very many lines the first alone, as the table below has them all."""
    lines = across.lines[:MOST_LINES]
    return Grid(
        lines=[line.title for line in lines],
        columns=[("", _on_two_lines(label)) for label in across.labels],
        cells={
            (at, number): row
            for at, line in enumerate(lines)
            for number in range(len(across.tables))
            if (row := across.row(line, number)) is not None
        },
    )


def _on_two_lines(label: str) -> str:
    return "\n".join(wrap(label, LABEL_LINE, max_lines=2, placeholder="…"))


def _table(across: Across, number: int) -> dict[str, Any]:
    table = across.tables[number]
    evidence, context = table.evidence, table.context
    made = {
        "Table": context.title,
        "Network": context.network_name,
        "Fingerprint": context.fingerprint or "not known",
        "Shards": ", ".join(f"{name} {value[:16]}" for name, value in context.manifests.items()) or "not known",
        "n": wording.sizes(evidence),
        "Date": context.date or "not known",
        "Experiment": table.experiment,
        "Run": table.run,
    }
    return {
        "label": across.labels[number],
        "tone": TONES[evidence.claim.outcome],
        "outcome": str(evidence.claim.outcome),
        "reason": evidence.claim.reason,
        "made": {name: value for name, value in made.items() if value},
    }
