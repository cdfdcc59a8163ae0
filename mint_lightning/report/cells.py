"""The result table as text cells: one source for terminal, markdown and HTML."""

from dataclasses import dataclass, replace

from mint_lightning.evidence import ControlEvidence, Estimate, RowEvidence, TableEvidence
from mint_lightning.report import wording
from mint_lightning.report.subjects import subject_of


@dataclass(frozen=True)
class Column:
    """A column: its heading, what the second line of its cells is, and what it means in plain words."""

    key: str
    title: str
    detail: str
    meaning: str


@dataclass(frozen=True)
class Cell:
    """What stands in a cell: the figure, and under it the interval or what belongs to it."""

    text: str
    detail: str = ""


EMPTY = Cell("–")
NOT_RUN = Cell("not run")

COLUMNS = (
    Column("row", "Row", "", "The auditing head and the place in the network it looks at, or a score without fitting."),
    Column(
        "auc",
        "AUC",
        "95 %",
        "How often a training photo scores above an outsider's, over all such pairs: 0.5 is guessing, 1 is perfect.",
    ),
    Column(
        "accuracy",
        "Accuracy",
        "95 %",
        "Share of right answers, members and outsiders weighing the same (balanced): 50 % is guessing. "
        "Threshold from the calibrate split.",
    ),
    Column(
        "tpr",
        "TPR at 1 % FPR",
        "FPR seen",
        "Share of training photos recognised when the threshold is set to accuse 1 in 100 outsiders wrongly; "
        "below it, how many were in fact accused on test.",
    ),
    Column(
        "pixels",
        "Pixels",
        "TPR",
        "The best head that sees the photo alone and never the network. What it can do is not membership.",
    ),
    Column(
        "twins",
        "Untrained twins",
        "TPR",
        "The same network at fresh random weights, several times: mean AUC ± standard deviation. It has seen no photo.",
    ),
    Column(
        "references",
        "References",
        "TPR",
        "Networks trained on neither members nor outsiders: the highest AUC among them.",
    ),
    Column(
        "excess",
        "Excess",
        "95 %",
        "The smallest lead of the AUC over any control. Above zero, the network knows more than the controls can.",
    ),
    Column("p", "p", "Holm", "Chance of such an excess if there were none, adjusted for the number of rows."),
    Column("finds", "Finds", "", "Whether this row finds membership: adjusted p below 0.05."),
    Column("n", "n", "{many}", "Photos, and below them {many}, in the figures."),
)


def columns(evidence: TableEvidence) -> tuple[Column, ...]:
    """The columns this table needs: references only where there are some."""
    references = any(control.kind == "reference" for row in evidence.rows for control in row.controls)
    shown = [column for column in COLUMNS if column.key != "references" or references]
    many = subject_of(evidence.subject).many
    return tuple(
        replace(column, detail=many, meaning=column.meaning.format(many=many)) if column.key == "n" else column
        for column in shown
    )


def cells(row: RowEvidence, evidence: TableEvidence) -> dict[str, Cell]:
    """Cell of each column key for one row."""
    excess = row.excess
    return {
        "row": Cell(row.name, _variant(row, evidence)),
        "auc": _auc(row.auc),
        "accuracy": Cell(wording.percent(row.accuracy.value), wording.percent_interval(row.accuracy)),
        "tpr": _tpr(row),
        "pixels": _highest(row, "pixels"),
        "twins": _twins(row),
        "references": _highest(row, "reference"),
        "excess": Cell(wording.signed(excess.value), f"[{excess.low:+.3f}, {excess.high:+.3f}]") if excess else EMPTY,
        "p": Cell(wording.p_value(excess.p_holm)) if excess else EMPTY,
        "finds": Cell("yes" if row.finds else "no"),
        "n": Cell(f"{row.auc.images:,}{f' sets of {row.photos}' if row.photos > 1 else ''}", f"{row.auc.identities:,}"),
    }


def _auc(estimate: Estimate) -> Cell:
    return Cell(wording.decimal(estimate.value), wording.interval(estimate))


def _tpr(row: RowEvidence) -> Cell:
    point = wording.operating_point(row, 0.01)
    if point is None or point.tpr is None or not point.resolvable:
        return Cell("–", "not resolvable")
    seen = f"at {wording.percent(point.realised_fpr.value)}" if point.realised_fpr else ""
    return Cell(wording.percent(point.tpr.value), seen)


def _rate(control: ControlEvidence) -> str:
    return wording.percent(control.tpr_1.value) if control.tpr_1 else ""


def _highest(row: RowEvidence, kind: str) -> Cell:
    """The control of a kind that counts, or the highest of several."""
    found = [control for control in row.controls if control.kind == kind]
    counting = [control for control in found if control.counts] or found
    if not counting:
        return NOT_RUN
    best = max(counting, key=lambda control: control.auc.value)
    return Cell(wording.decimal(best.auc.value), _rate(best))


def _twins(row: RowEvidence) -> Cell:
    mean = next((control for control in row.controls if control.kind == "twins"), None)
    single = [control for control in row.controls if control.kind == "twin"]
    if mean is None and not single:
        return NOT_RUN
    shown = mean or single[0]
    spread = f" ± {twin_spread(row):.3f}" if len(single) > 1 else ""
    return Cell(wording.decimal(shown.auc.value) + spread, _rate(shown))


def twin_spread(row: RowEvidence) -> float:
    """Standard deviation (n - 1) of the untrained twins' AUCs; 0 for fewer than two."""
    values = [control.auc.value for control in row.controls if control.kind == "twin"]
    if len(values) < 2:
        return 0.0
    mean = sum(values) / len(values)
    return (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5


def _variant(row: RowEvidence, evidence: TableEvidence) -> str:
    """Samples, seed and network, where the rows of the table differ in them."""
    parts = []
    if row.samples and len({other.samples for other in evidence.rows if other.samples}) > 1:
        parts.append(f"{row.samples:,} samples")
    if len({other.seed for other in evidence.rows if other.head == row.head}) > 1:
        parts.append(f"seed {row.seed}")
    if row.seed_aucs:
        low, high = wording.decimal(min(row.seed_aucs)), wording.decimal(max(row.seed_aucs))
        parts.append(f"mean of {len(row.seed_aucs)} seeds, alone {low} to {high}")
    if len({other.network for other in evidence.rows}) > 1:
        parts.append(row.network)
    return " · ".join(parts)
