"""The picture of the README: what heads seem to find by tap, on one database and across two."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.lfw.tables import TAPS, Table, control
from mint_lightning.evidence import RowEvidence
from mint_lightning.report.picture import EXTERNALS, MEMBERS, MUTED, drawing

PICTURE = Path(__file__).parents[2] / "docs/lfw.png"
CONTROLS = (("pixels", "pixels alone", EXTERNALS, "s"), ("twins", "untrained twins", MUTED, "D"))
PANELS = (
    ("table_lfw", "One database, split by person", "members and externals: LFW"),
    ("lfw_att", "Two databases", "members: LFW, externals: AT&T"),
)


def draw() -> None:
    """Write docs/lfw.png."""
    with drawing():
        figure = Figure(figsize=(8.6, 3.5), layout="constrained")
        axes = figure.subplots(1, 2, sharey=True)
        for panel, (name, title, what) in zip(axes, PANELS, strict=True):
            _panel(panel, Table.of(name).evidence.rows, f"{title}\n{what}")
        axes[0].set_ylabel("AUC (0.5 is guessing)")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
        figure.savefig(PICTURE, dpi=150, facecolor="white")


def _panel(axes: Any, rows: tuple[RowEvidence, ...], title: str) -> None:
    shown = {row.tap: row for row in rows if row.head == "vanilla"}
    agreement = next(row for row in rows if row.name == "Flip agreement")
    places = [*(shown[tap] for tap in TAPS), agreement]
    x = range(len(places))
    axes.axhline(0.5, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
    for kind, label, colour, marker in CONTROLS:
        beside = [control(row, kind) for row in places]
        height = [each.auc.value if each else float("nan") for each in beside]
        axes.plot(x, height, color=colour, label=label, marker=marker, linestyle="none")
    values = [row.auc.value for row in places]
    spans = [[row.auc.value - row.auc.low for row in places], [row.auc.high - row.auc.value for row in places]]
    axes.errorbar(x, values, yerr=spans, color=MEMBERS, fmt="o", capsize=3, label="audited network")
    axes.set_xticks(list(x), [*TAPS, "flip\nagreement"], rotation=35)
    axes.set(title=title, ylim=(0.35, 1.03))
