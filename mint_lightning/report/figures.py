"""The pictures of a table: ROC curves on log axes, rows beside their controls, and score histograms."""

import math
import re
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter

from mint_lightning.evidence import ControlEvidence, RowEvidence, TableEvidence
from mint_lightning.report import wording
from mint_lightning.report.alt import MOST_ROWS, comparison_words, histogram_words, roc_words, shown_controls
from mint_lightning.report.cells import twin_spread
from mint_lightning.report.heatmap import heatmap
from mint_lightning.report.picture import EXTERNALS, INK, MEMBERS, MUTED, SERIES, UNSEEN, Picture, drawing
from mint_lightning.report.reliability import best_calibrated_row, reliability_curve
from mint_lightning.report.subjects import PEOPLE, Subject, subject_of

LONG_LABEL = 32
MARKERS = {"pixels": "s", "twins": "D", "twin": "d", "reference": "^"}


def roc(evidence: TableEvidence) -> Picture:
    """ROC curves of all rows on log-log axes, so that the few false accusations that matter take most of the room."""
    with drawing():
        figure = Figure(figsize=(7.4, 4.9), layout="constrained")
        axes = figure.add_subplot()
        floor = _floor(evidence)
        axes.plot([floor, 1], [floor, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
        handles = [_roc_line(axes, row, colour) for row, colour in _coloured(evidence.rows)]
        _band(axes, evidence)
        if rest := len(evidence.rows) - sum(colour != MUTED for _, colour in _coloured(evidence.rows)):
            handles = [handle for handle in handles if handle.get_color() != MUTED]
            handles.append(Line2D([], [], color=MUTED, linewidth=0.8, label=f"{rest} other rows"))
        handles.append(Line2D([], [], color=MUTED, linewidth=1, linestyle=(0, (1, 2)), label="guessing"))
        for axis, scale in ((axes.xaxis, axes.set_xscale), (axes.yaxis, axes.set_yscale)):
            scale("log", nonpositive="clip")
            axis.set_major_formatter(FuncFormatter(lambda value, _: wording.round_percent(value)))
            axis.set_minor_formatter(NullFormatter())
        axes.set(xlim=(floor, 1), ylim=(floor, 1.05), xlabel="Outsiders wrongly accused (FPR)")
        axes.set_ylabel("Training photos recognised (TPR)")
        if (
            max(len(str(handle.get_label())) for handle in handles) > LONG_LABEL
        ):  # beside, they would squeeze the curves
            figure.set_figheight(4.9 + 0.2 * -(-len(handles) // 2))
            figure.legend(handles=handles, loc="outside lower left", ncols=2, title="Row · AUC", alignment="left")
        else:
            axes.legend(
                handles=handles,
                loc="upper left",
                bbox_to_anchor=(1.01, 1.0),
                borderaxespad=0,
                title="Row · AUC",
                alignment="left",
            )
    return Picture("roc", figure, "ROC curves, log axes", roc_words(evidence))


def _band(axes: Any, evidence: TableEvidence) -> None:
    """The interval of the curve that the verdict is about; those of all would cover each other."""
    row = wording.headline_row(evidence)
    colour = next((colour for other, colour in _coloured(evidence.rows) if other is row), None)
    if row is not None and colour is not None and row.roc.low:
        own = {"step": "post", "color": colour, "alpha": 0.15, "linewidth": 0, "zorder": 1.2}
        axes.fill_between(row.roc.fpr, row.roc.low, row.roc.high, **own)


def _roc_line(axes: Any, row: RowEvidence, colour: str) -> Line2D:
    shape = "-" if row.finds or colour == MUTED else (0, (5, 2))
    width = 0.6 if colour == MUTED else 2.0 if row.finds else 1.3
    layer, opacity = (1.5, 0.45) if colour == MUTED else (2.5, 1.0)  # many grey ones never cover a coloured one
    (line,) = axes.plot(
        row.roc.fpr, row.roc.tpr, color=colour, linestyle=shape, linewidth=width, zorder=layer, alpha=opacity
    )
    line.set_drawstyle("steps-post")
    found = ", finds" if row.finds else ""
    return Line2D(
        [],
        [],
        color=colour,
        linestyle=shape,
        linewidth=width,
        label=f"{_plain(row.name)} · {wording.decimal(row.auc.value)}{found}",
    )


def _floor(evidence: TableEvidence) -> float:
    """Left end of the axes: the decade of one external among those on test, between .01 % and 1 %."""
    externals = max((sum(row.histogram.externals) for row in evidence.rows), default=100)
    return float(10.0 ** min(-2, max(-4, math.floor(-math.log10(max(externals, 1))))))


def _coloured(rows: Sequence[RowEvidence]) -> list[tuple[RowEvidence, str]]:
    """A colour for each row while there are enough; beyond that those that find something come first, the rest grey."""
    if len(rows) <= len(SERIES):
        return list(zip(rows, SERIES, strict=False))
    first = sorted(rows, key=lambda row: (not row.finds, -(row.validate_auc or 0.0)))[: len(SERIES)]
    colours = {row.name: colour for row, colour in zip(first, SERIES, strict=True)}
    return [(row, colours.get(row.name, MUTED)) for row in rows]


def comparison(evidence: TableEvidence) -> Picture:
    """AUC of each row with its interval, and of its controls on the same line: the gap between them is the excess."""
    rows = evidence.rows[:MOST_ROWS]
    with drawing():
        figure = Figure(figsize=(7.4, 1.3 + 0.52 * max(len(rows), 1)), layout="constrained")
        axes = figure.add_subplot()
        axes.axvline(0.5, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
        for line, row in enumerate(rows):
            for step, control in enumerate(shown_controls(row)):
                spread = twin_spread(row) if control.kind == "twins" else None
                _control(axes, line + 0.06 + 0.17 * step, control, spread)
            _whisker(axes, line - 0.18, row.auc.low, row.auc.high, MEMBERS, 2.4)
            axes.plot(row.auc.value, line - 0.18, "o", color=MEMBERS, markersize=6.5)
        axes.set_yticks(range(len(rows)), [_plain(row.name) for row in rows])
        axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("AUC (0.5 is guessing), with intervals")
        figure.legend(handles=_comparison_key(rows), loc="outside lower center", ncols=5, handletextpad=0.3)
    return Picture("comparison", figure, "Each row beside its controls", comparison_words(rows))


def _whisker(axes: Any, line: float, low: float, high: float, colour: str, width: float) -> None:
    axes.plot([low, high], [line, line], color=colour, linewidth=width, solid_capstyle="round")


def _control(axes: Any, line: float, control: ControlEvidence, spread: float | None) -> None:
    """A hollow mark; for the twins the whisker is their spread (± one standard deviation), which the key says."""
    low, high = control.auc.low, control.auc.high
    if spread is not None:
        low, high = control.auc.value - spread, control.auc.value + spread
    _whisker(axes, line, low, high, EXTERNALS, 1.0)
    mark = MARKERS.get(control.kind, "x")
    axes.plot(control.auc.value, line, mark, color=EXTERNALS, markerfacecolor="none", markersize=5.5)


def _comparison_key(rows: Sequence[RowEvidence]) -> list[Line2D]:
    handles = [Line2D([], [], color=MEMBERS, marker="o", linewidth=2.2, label="audited network")]
    names = {"pixels": "pixels alone", "twins": "untrained twins (± sd)", "reference": "best reference"}
    present = {control.kind for row in rows for control in row.controls}
    for kind, name in names.items():
        if kind in present:
            line = Line2D(
                [], [], color=EXTERNALS, marker=MARKERS[kind], markerfacecolor="none", linewidth=1, label=name
            )
            handles.append(line)
    return handles


def histogram(row: RowEvidence, name: str = "histogram", subject: Subject = PEOPLE) -> Picture:
    """Scores of members, externals and unseen photos on test, each group as shares of its own size."""
    data = row.histogram
    with drawing():
        figure = Figure(figsize=(7.4, 3.1), layout="constrained")
        axes = figure.add_subplot()
        for counts, colour, label, style in (
            (data.externals, EXTERNALS, "outsiders’ photos", "-"),
            (data.members, MEMBERS, "training photos", "-"),
            (data.unseen, UNSEEN, f"unseen photos of trained {subject.many}", "--"),
        ):
            if total := sum(counts):
                share = [count / total for count in counts]
                label = f"{label} ({total:,})"
                if style == "-":
                    axes.stairs(share, data.edges, fill=True, color=colour, alpha=0.18, linewidth=0)
                axes.stairs(share, data.edges, color=colour, linewidth=1.5, linestyle=style, label=label)
        _thresholds(axes, row)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.round_percent(round(value, 4))))
        axes.set(xlabel=f"Score of {_plain(row.name)} (further right: more like a training photo)")
        axes.set_ylabel("Share of the group")
        figure.legend(loc="outside upper center", ncols=3, columnspacing=1.2, handlelength=1.5)
    return Picture(name, figure, f"Scores of {row.name}", histogram_words(row))


def _thresholds(axes: Any, row: RowEvidence) -> None:
    point = wording.operating_point(row, 0.01)
    if point is None or point.threshold is None:
        return
    axes.axvline(point.threshold, color=INK, linewidth=1, linestyle=(0, (3, 2)))
    axes.annotate(
        "1 % FPR",
        (point.threshold, 1),
        xycoords=("data", "axes fraction"),
        xytext=(4, -10),
        textcoords="offset points",
        fontsize=8.5,
    )


def _plain(name: str) -> str:
    """A name fit for a legend, which hides names that open with an underscore, on one line of at most 40 letters."""
    name = " ".join(name.split())
    name = name if len(name) <= 40 else f"{name[:39]}…"
    return f" {name}" if name.startswith("_") else name


def pictures(evidence: TableEvidence) -> tuple[Picture, ...]:
    """The pictures of a table as files: the heat map if it adds something, ROC curves, comparison, the
    reliability curve, and the histogram of each row (at most 40)."""
    rows = evidence.rows[:MOST_ROWS]
    stems = [f"scores_{number:02d}_{_stem(row.name)}" for number, row in enumerate(rows)]
    subject = subject_of(evidence.subject)
    histograms = [histogram(row, stem, subject) for row, stem in zip(rows, stems, strict=True)]
    drawn = (heatmap(evidence), roc(evidence), comparison(evidence), reliability(evidence), *histograms)
    return tuple(picture for picture in drawn if picture is not None)


def reliability(evidence: TableEvidence) -> Picture | None:
    """The reliability curve of the head best on validate; None where no row gives probabilities."""
    row = best_calibrated_row(evidence)
    return None if row is None else reliability_curve(row)


def _stem(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower()[:40] or "row"
