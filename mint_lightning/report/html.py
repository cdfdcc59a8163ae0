"""One HTML page that needs nothing else: no host, no script, readable on a phone, in the dark and on paper."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mint_lightning.evidence import Estimate, OperatingPoint, Outcome, RowEvidence, TableEvidence
from mint_lightning.files import atomic_path
from mint_lightning.report import figures, narrative, wording
from mint_lightning.report.cells import EMPTY, cells, columns
from mint_lightning.report.context import Context
from mint_lightning.report.explanations import explanations
from mint_lightning.report.heatmap import heatmap
from mint_lightning.report.layout import layout_of
from mint_lightning.report.measures import STRONG, entries, grid_notes, measures
from mint_lightning.report.parts import Part, part_columns, part_note, parts
from mint_lightning.report.picture import Picture
from mint_lightning.report.published import published_figures
from mint_lightning.report.reliability import best_calibrated_row
from mint_lightning.report.subjects import Subject, subject_of
from mint_lightning.report.worth import worth, worth_columns, worth_note

TEMPLATES = Path(__file__).parent / "templates"
GROUPS = (
    ("", ("row",)),
    ("On the audited network", ("auc", "accuracy", "tpr")),
    ("On controls: AUC", ("pixels", "twins", "references")),
    ("What is left", ("excess", "p", "finds")),
    ("", ("n",)),
)
TONES = {
    Outcome.SCORES_LIKE_TRAINING_PHOTOS: "found",
    Outcome.NOT_DISTINGUISHABLE: "nothing",
    Outcome.CANNOT_TELL: "open",
    Outcome.OUTSIDE: "open",
}
DETAILED_ROWS = 24
UNFOLDED_ROWS = 12


def write_html(path: Path, evidence: TableEvidence, context: Context) -> Path:
    """Write the page atomically and return its path."""
    text = render_html(evidence, context)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def render_html(evidence: TableEvidence, context: Context, *, bundled: bool = False, limits: Sequence[str] = ()) -> str:
    """The page as text. Names are escaped wherever they stand, in the pictures too.

    bundled: whether it lies in a bundle, and says how that is checked; limits: more of them, as sentences.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["seconds"] = wording.seconds
    environment.filters["short"] = wording.short
    environment.filters["percent"] = wording.percent
    first, subject = wording.headline_row(evidence), subject_of(evidence.subject)
    heat = heatmap(evidence)
    return environment.get_template("page.html.j2").render(
        context=context,
        evidence=evidence,
        subject=subject,
        strong=STRONG,
        style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        tone=TONES[evidence.claim.outcome],
        headline=wording.HEADLINES[evidence.claim.outcome],
        first=first,
        facts=narrative.facts(evidence),
        table=_table(evidence),
        grid=_grid(evidence, context),
        heatmap=_picture(heat) if heat else None,
        roc=_picture(figures.roc(evidence)),
        comparison=_picture(figures.comparison(evidence)),
        worth=_worth(evidence),
        parts=_parts(evidence, first, subject),
        rows=[_row(row, number, row is first, subject) for number, row in enumerate(_detailed(evidence, first))],
        lead=wording.lead_sentence(evidence),
        explanations=explanations(evidence),
        measured=narrative.measured(evidence),
        declared=narrative.declared(evidence, context),
        precision=narrative.precision(evidence),
        limits=(*narrative.limits(evidence), *limits),
        bundled=bundled,
        network=[(key, value) for key, value in _flat(context.network) if key not in ("Name", "Fingerprint")],
        level_note=wording.level_note(evidence),
    )


def _picture(picture: Picture) -> dict[str, Any]:
    return {"svg": Markup(picture.svg()), "title": picture.title}


def _grid(evidence: TableEvidence, context: Context) -> dict[str, Any] | None:
    """The papers' layout, where it says more than the rows; `folds` where it also spares the list of them."""
    layout, published = layout_of(evidence), published_figures(context.published)
    if not layout.shown(published):
        return None
    heads = list(dict.fromkeys(column.head_title for column in layout.columns))
    places = []
    for place in layout.places:
        rows = [layout.row(place, column) for column in layout.columns]
        places.append((place, [(row, entries(row, published)) for row in rows]))
    return {
        "columns": layout.columns,
        "groups": [(head, sum(column.head_title == head for column in layout.columns)) for head in heads],
        "starts": [n == 0 or layout.columns[n - 1].head != c.head for n, c in enumerate(layout.columns)],
        "measures": measures(layout.cells.values(), published),
        "places": places,
        "notes": grid_notes(layout.cells.values(), published),
        "folds": len(evidence.rows) > UNFOLDED_ROWS,
    }


def _table(evidence: TableEvidence) -> dict[str, Any]:
    shown = columns(evidence)
    keys = [column.key for column in shown]
    groups = [(title, sum(key in keys for key in members)) for title, members in GROUPS]
    starts = {next(key for key in members if key in keys) for _, members in GROUPS}
    return {
        "columns": shown,
        "groups": groups,
        "starts": starts,
        "rows": [(row, cells(row, evidence)) for row in evidence.rows],
        "others": [(row, cells(row, evidence)) for row in layout_of(evidence).others],
    }


def _worth(evidence: TableEvidence) -> dict[str, Any] | None:
    """What a yes is worth: a line for each row, and the reliability curve of the head best on validate."""
    shown = worth_columns(evidence.rows)
    if not shown:
        return None
    row, curve = best_calibrated_row(evidence), figures.reliability(evidence)
    lines = []
    for each in evidence.rows:
        found = worth(each)
        lines.append([found.get(column.key, EMPTY) for column in shown])
    return {
        "columns": shown,
        "rows": lines,
        "note": worth_note(evidence.rows),
        "folds": len(evidence.rows) > UNFOLDED_ROWS,
        "curve": _picture(curve) if curve else None,
        "reliability": row.reliability if row else None,
    }


def _parts(evidence: TableEvidence, first: RowEvidence | None, subject: Subject) -> dict[str, Any] | None:
    """Slices of the rows that are shown one by one, by kind."""
    kinds: dict[str, list[tuple[str, list[Part]]]] = {}
    for row in _detailed(evidence, first):
        for title, found in parts(row, subject).items():
            kinds.setdefault(title, []).append((row.name, found))
    return {"kinds": kinds, "columns": part_columns(subject), "note": part_note(subject)} if kinds else None


def _detailed(evidence: TableEvidence, first: RowEvidence | None) -> list[RowEvidence]:
    """The rows shown one by one: all of a small table; of a large one those that find something, then the others."""
    if len(evidence.rows) <= DETAILED_ROWS:
        return list(evidence.rows)
    return sorted(evidence.rows, key=lambda row: (row is not first, not row.finds))[:DETAILED_ROWS]


def _row(row: RowEvidence, number: int, is_first: bool, subject: Subject) -> dict[str, Any]:
    return {
        "evidence": row,
        "open": is_first,
        "picture": _picture(figures.histogram(row, f"histogram-{number}", subject)),
        "points": [_point(point) for point in row.operating],
        "controls": [
            {
                "name": control.name,
                "kind": wording.CONTROL_KINDS.get(control.kind, control.kind),
                "auc": _estimate(control.auc),
                "difference": f"{control.difference.value:+.3f} "
                f"[{control.difference.low:+.3f}, {control.difference.high:+.3f}]",
                "counts": control.counts,
            }
            for control in row.controls
        ],
        "others": [
            (name, meaning, _estimate(estimate))
            for name, meaning, estimate in _others(row, subject)
            if estimate is not None
        ],
    }


def _others(row: RowEvidence, subject: Subject) -> Iterator[tuple[str, str, Estimate | None]]:
    knows = f"above 0.5: it knows the {subject.one}"
    yield f"Unseen photos of trained {subject.same} against outsiders", knows, row.unseen_auc
    knows = "above 0.5: it knows the photo"
    yield f"Training photos against unseen photos of the same {subject.same}", knows, row.photo_auc
    yield "On the complement, a network trained on the outsiders", "a score must flip", row.complement_auc
    yield f"A head that learnt labels dealt anew among {subject.many}", "0.5, but for chance", row.permuted_auc


def _point(point: OperatingPoint) -> dict[str, str]:
    target = wording.round_percent(point.fpr_target)
    if not point.resolvable or point.tpr is None or point.realised_fpr is None:
        return {"target": target, "tpr": "", "fpr": "", "reason": wording.unresolved(point)}
    return {
        "target": target,
        "tpr": f"{wording.percent(point.tpr.value)} {wording.percent_interval(point.tpr)}",
        "fpr": f"{wording.percent(point.realised_fpr.value)} {wording.percent_interval(point.realised_fpr)}",
        "reason": "",
    }


def _estimate(estimate: Estimate) -> str:
    return f"{wording.decimal(estimate.value)} {wording.interval(estimate)}"


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        name = f"{prefix}{str(key).replace('_', ' ')}"
        if isinstance(item, dict):
            yield from _flat(item, f"{name}: ")
        else:
            yield name[:1].upper() + name[1:], _shown(item)


def _shown(item: Any) -> str:
    if isinstance(item, float):
        return f"{item:.4g}"
    return f"{item:,}" if isinstance(item, int) and not isinstance(item, bool) else str(item)
