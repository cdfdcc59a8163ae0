"""What stands in one cell of the papers' layout, line by line: one source for terminal, page, markdown and LaTeX."""

from collections.abc import Iterable
from dataclasses import dataclass

from mint_lightning.evidence import ControlEvidence, Estimate, RowEvidence
from mint_lightning.report import wording
from mint_lightning.report.cells import EMPTY, Cell
from mint_lightning.report.published import Published

MARK = "*"
MARK_NOTE = f"{MARK} finds membership: the excess is above zero after Holm’s adjustment over all rows (p < 0.05)."
STRONG = ("auc", "excess")  # set in bold where the row finds
CONTROL_NAMES = {"twins": "twins"}


@dataclass(frozen=True)
class Measure:
    """A line of a cell: its name, and what it means in plain words."""

    key: str
    title: str
    meaning: str


MEASURES = (
    Measure("auc", "AUC", "How often a training photo scores above an outsider’s: 0.5 is guessing."),
    Measure(
        "accuracy", "Accuracy", "Balanced, threshold from the calibrate split: the figure that the MINT papers print."
    ),
    Measure("paper", "Paper", "The accuracy that the paper prints for this head, place and number of samples."),
    Measure("tpr", "TPR, 1 % FPR", "Share of training photos recognised where 1 in 100 outsiders is wrongly accused."),
    Measure(
        "seeds",
        "Heads alone",
        "The lowest and the highest AUC of the heads, one for each seed, of which it is the mean.",
    ),
    Measure("control", "Best control", "The control that comes nearest: what it reaches is not membership."),
    Measure("excess", "Excess", "The lead of the AUC over that control."),
)


def measures(rows: Iterable[RowEvidence], published: Published | None = None) -> tuple[Measure, ...]:
    """The lines that these rows fill."""
    rows = tuple(rows)
    filled = {"auc", "accuracy"}
    if any(tpr_at_1(row) is not None for row in rows):
        filled.add("tpr")
    if any(row.seed_aucs for row in rows):
        filled.add("seeds")
    if any(row.excess for row in rows):
        filled |= {"control", "excess"}
    if published is not None and any(published.of(row) is not None for row in rows):
        filled.add("paper")
    return tuple(measure for measure in MEASURES if measure.key in filled)


def entries(row: RowEvidence | None, published: Published | None = None) -> dict[str, Cell]:
    """Figure and interval of each measure key; empty cells where there is no such row."""
    if row is None:
        return dict.fromkeys((measure.key for measure in MEASURES), Cell(""))
    theirs = published.of(row) if published is not None else None
    mark = MARK if row.finds else ""
    return {
        "auc": Cell(wording.decimal(row.auc.value), wording.interval(row.auc) + mark),
        "accuracy": Cell(wording.decimal(row.accuracy.value), wording.interval(row.accuracy)),
        "paper": EMPTY if theirs is None else Cell(f"{theirs:.2f}"),
        "tpr": _tpr(row),
        "seeds": _seeds(row),
        "control": _control(row),
        "excess": _excess(row),
    }


def grid_notes(rows: Iterable[RowEvidence], published: Published | None = None) -> list[str]:
    """What must be said below a layout of these rows: the mark, what is not resolvable, whose the paper is."""
    rows = tuple(rows)
    notes = [MARK_NOTE] if any(row.finds for row in rows) else []
    if rows and all(tpr_at_1(row) is None for row in rows):
        points = [point for row in rows if (point := wording.operating_point(row, 0.01))]
        reason = f" ({wording.unresolved(points[0])})" if points else ""
        notes.append(f"TPR at 1 % FPR: not resolvable{reason}.")
    if published is not None and any(published.of(row) is not None for row in rows):
        notes.append(published.note)
    elif published is not None:
        notes.append(f"No row has a head, place and number of samples for which {published.source} prints a figure.")
    return notes


def best_control(row: RowEvidence) -> ControlEvidence | None:
    """The control that gave the excess: of those that count, the one that comes nearest to the row."""
    counting = [control for control in row.controls if control.counts]
    if row.excess is not None:
        counting = [control for control in counting if control.name == row.excess.control] or counting
    return max(counting, key=lambda control: control.auc.value, default=None)


def tpr_at_1(row: RowEvidence) -> Estimate | None:
    """TPR at 1 % FPR; None where not resolvable."""
    point = wording.operating_point(row, 0.01)
    return point.tpr if point is not None and point.resolvable else None


def _tpr(row: RowEvidence) -> Cell:
    tpr = tpr_at_1(row)
    if tpr is None:
        return Cell("not resolvable")
    return Cell(wording.percent(tpr.value), f"[{100 * tpr.low:.1f}, {100 * tpr.high:.1f}]")


def _seeds(row: RowEvidence) -> Cell:
    if not row.seed_aucs:
        return Cell("one head")
    low, high = wording.decimal(min(row.seed_aucs)), wording.decimal(max(row.seed_aucs))
    return Cell(f"{low} to {high}", f"({len(row.seed_aucs)})")


def _control(row: RowEvidence) -> Cell:
    control = best_control(row)
    if control is None:
        return Cell("not run")
    return Cell(wording.decimal(control.auc.value), CONTROL_NAMES.get(control.kind, control.name))


def _excess(row: RowEvidence) -> Cell:
    if row.excess is None:
        return EMPTY
    return Cell(wording.signed(row.excess.value), f"[{row.excess.low:+.3f}, {row.excess.high:+.3f}]")
