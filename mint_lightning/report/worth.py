"""What a yes is worth, row by row: precision at three priors, the bound on epsilon, the calibration error."""

from collections.abc import Sequence

from mint_lightning.evidence import RowEvidence
from mint_lightning.report import wording
from mint_lightning.report.cells import EMPTY, Cell, Column

ANY_REASON = (
    "Whatever makes the two groups differ counts here, the database too: only a row that may claim speaks of "
    "membership."
)
UNRESOLVED = Cell("–", "not resolvable")
BASE = (
    Column("row", "Row", "", "The row of the table."),
    Column(
        "precision",
        "Precision, prior {prior}",
        "at least",
        "How often a photo that passes the threshold was trained on, if {prior} of the photos asked about were.",
    ),
    Column(
        "epsilon",
        "Epsilon at least",
        "delta",
        "A network trained with less differential-privacy loss than this would not show rates like these. It speaks of "
        "privacy only where chance decided which photos were trained on.",
    ),
    Column(
        "ece",
        "ECE",
        "95 %",
        "Expected calibration error: how far the head’s probabilities, at a prior of 50 %, lie from the rates seen. It "
        "errs upwards; where the interval begins at 0, they may be true.",
    ),
)


def worth_columns(rows: Sequence[RowEvidence]) -> tuple[Column, ...]:
    """The columns that these rows fill, one for each prior; none where no row has any of these figures."""
    priors = sorted({each.prior for row in rows for each in row.precision})
    found = []
    for column in BASE:
        if column.key == "precision":
            found += [_at(column, prior) for prior in priors]
        elif column.key == "row" or any(getattr(row, _FIELDS[column.key]) is not None for row in rows):
            found.append(column)
    return tuple(found) if len(found) > 1 else ()


def worth(row: RowEvidence) -> dict[str, Cell]:
    """Cell of each column key for one row; of priors it has no precision at, none."""
    found = {"row": Cell(row.name), "epsilon": UNRESOLVED, "ece": EMPTY}
    for each in row.precision:
        detail = f"≥ {wording.percent(each.estimate.low)}"
        found[_key(each.prior)] = Cell(wording.percent(each.estimate.value), detail)
    if row.epsilon is not None:
        found["epsilon"] = Cell(f"{row.epsilon.low:.2f}", f"δ = {row.epsilon.delta:g}")
    if row.reliability is not None:
        found["ece"] = Cell(wording.decimal(row.reliability.ece.value), wording.interval(row.reliability.ece))
    return found


def worth_note(rows: Sequence[RowEvidence]) -> str:
    """At which threshold, and which bounds hold together."""
    targets = sorted({each.fpr_target for row in rows for each in row.precision})
    at = " and ".join(wording.round_percent(target) for target in targets)
    rule = f"Precision is that of the rule at {at} FPR. " if targets else ""
    level = max((row.auc.level for row in rows), default=0.95)
    together = (
        f"for all {len(rows)} rows together at 95 % (each at {100 * level:.2f} %)" if len(rows) > 1 else "at 95 %"
    )
    found = f"{rule}Lower bounds are one-sided and hold {together}."
    return found if rows and all(row.claim.may_claim for row in rows) else f"{found} {ANY_REASON}"


def _key(prior: float) -> str:
    return f"precision_{prior:g}"


def _at(column: Column, prior: float) -> Column:
    said = wording.round_percent(prior)
    return Column(_key(prior), column.title.format(prior=said), column.detail, column.meaning.format(prior=said))


_FIELDS = {"epsilon": "epsilon", "ece": "reliability"}
