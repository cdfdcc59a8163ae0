"""Every figure as CSV, long and tidy: one line per row of evidence, one per head alone, in full precision."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mint_lightning.evidence import PRIORS, Estimate, HeadFigures, RowEvidence, TableEvidence
from mint_lightning.report import wording
from mint_lightning.report.context import Context
from mint_lightning.report.measures import best_control
from mint_lightning.report.published import Published, published_figures

Record = dict[str, Any]
RATES = ((0.1, "10pct"), (0.01, "1pct"), (0.001, "0.1pct"), (0.0001, "0.01pct"))


def table_csv(evidence: TableEvidence, context: Context) -> str:
    """One line per row: figures, intervals, n, seeds, best control, excess, p, finds. An empty field: not known."""
    return as_csv(row_records(evidence, context))


def heads_csv(evidence: TableEvidence, context: Context) -> str:
    """One line per head alone, on the audited network and on every control; heads on pixels last, under no row."""
    records = [
        _head(head, row.name, row.head, row.tap, row.samples, context) for row in evidence.rows for head in row.heads
    ]
    records += [_head(head, "", "", "pixels", 0, context) for head in evidence.pixel_heads]
    return as_csv(records, first=HEAD_FIELDS)


def row_records(evidence: TableEvidence, context: Context) -> list[Record]:
    """The lines of `table_csv`."""
    published = published_figures(context.published)
    return [_row(row, evidence, context, published) for row in evidence.rows]


def as_csv(records: Sequence[Mapping[str, Any]], first: Iterable[str] = ()) -> str:
    """Records as CSV, `first` being the columns there are in any case; names as they are, quoted where need be."""
    names = dict.fromkeys([*first, *(name for record in records for name in record)])
    rows: list[list[Any]] = [list(names), *([record.get(name) for name in names] for record in records)]
    return "".join(csv_line(row) for row in rows)


def csv_line(values: Sequence[Any]) -> str:
    """One line by Python's own dialect: told to end lines with a bare newline, it would leave a "\\r" unquoted."""
    stream = io.StringIO(newline="")
    csv.writer(stream).writerow([_value(value) for value in values])
    return stream.getvalue().removesuffix("\r\n") + "\n"


def _value(value: Any) -> Any:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else value


def _row(row: RowEvidence, evidence: TableEvidence, context: Context, published: Published | None) -> Record:
    alone = row.seed_aucs
    found: Record = {
        "table": context.title,
        "network": context.network_name,
        "fingerprint": context.fingerprint,
        "row": row.name,
        "head": row.head,
        "place": row.tap,
        "samples": row.samples or None,
        "seed": row.seed,
        "seeds": len(alone) or 1,
        "cross_fitted": row.cross_fitted,
        "n_images": row.auc.images,
        "n_people": row.auc.identities,
        "photos_each": row.photos,
        "level": row.auc.level,
        "validate_auc": row.validate_auc,
        **of_estimate("auc", row.auc),
        **of_estimate("balanced_accuracy", row.accuracy),
        **of_estimate("balanced_accuracy_logit0", row.accuracy_logit0),
        "threshold": row.threshold,
    }
    for target, name in RATES:
        point = wording.operating_point(row, target)
        resolvable = point is not None and point.resolvable
        found |= {f"resolvable_at_{name}_fpr": resolvable}
        found |= of_estimate(f"tpr_at_{name}_fpr", point.tpr if point is not None and resolvable else None)
        found |= of_estimate(f"fpr_seen_at_{name}", point.realised_fpr if point is not None and resolvable else None)
    found |= _worth(row)
    found |= {"seeds_auc_min": min(alone, default=None), "seeds_auc_max": max(alone, default=None)}
    found |= {"seeds_auc_sd": _sd(alone)}
    control, excess = best_control(row), row.excess
    found |= {"best_control": control.name if control else None, "best_control_kind": control.kind if control else None}
    found |= of_estimate("best_control_auc", control.auc if control else None)
    found |= {
        "excess": excess.value if excess else None,
        "excess_low": excess.low if excess else None,
        "excess_high": excess.high if excess else None,
        "p": excess.p if excess else None,
        "p_holm": excess.p_holm if excess else None,
        "finds": row.finds,
        "controls_not_run": "; ".join(excess.not_run) if excess else None,
        **of_estimate("unseen_auc", row.unseen_auc),
        **of_estimate("photo_auc", row.photo_auc),
        **of_estimate("complement_auc", row.complement_auc),
        **of_estimate("permuted_auc", row.permuted_auc),
        "outcome": str(row.claim.outcome),
        "may_claim": row.claim.may_claim,
        "rows_in_table": len(evidence.rows),
    }
    if published is not None:
        found["published_accuracy"] = published.of(row)
    return found


def _worth(row: RowEvidence) -> Record:
    """Precision at each prior with its lower bound, the bound on epsilon, the calibration error."""
    known = {each.prior: each for each in row.precision}
    found: Record = {"precision_at_fpr": next((each.fpr_target for each in row.precision), None)}
    for prior in PRIORS:
        name, each = f"precision_prior_{100 * prior:g}", known.get(prior)
        found |= {name: each.estimate.value if each else None, f"{name}_low": each.estimate.low if each else None}
    found |= {"epsilon_low": row.epsilon.low if row.epsilon else None}
    found |= {"epsilon_delta": row.epsilon.delta if row.epsilon else None}
    found |= of_estimate("ece", row.reliability.ece if row.reliability else None)
    return found | {"ece_debiased": row.reliability.debiased if row.reliability else None}


HEAD_FIELDS = (
    "table", "network", "fingerprint", "row", "head", "place", "samples", "role", "on", "seed", "epoch", "epochs",
    "validate_auc", "n_images", "n_people", "level", "auc", "auc_low", "auc_high", "balanced_accuracy",
    "balanced_accuracy_low", "balanced_accuracy_high", "tpr_at_1pct_fpr", "tpr_at_1pct_fpr_low", "tpr_at_1pct_fpr_high",
)  # fmt: skip


def _head(head: HeadFigures, row: str, kind: str, place: str, samples: int, context: Context) -> Record:
    return {
        "table": context.title,
        "network": context.network_name,
        "fingerprint": context.fingerprint,
        "row": row,
        "head": kind,
        "place": place,
        "samples": samples or None,
        "role": head.role,
        "on": head.network,
        "seed": head.seed,
        "epoch": head.epoch,
        "epochs": len(head.curve) or None,
        "validate_auc": head.validate_auc,
        "n_images": head.auc.images,
        "n_people": head.auc.identities,
        "level": head.auc.level,
        **of_estimate("auc", head.auc),
        **of_estimate("balanced_accuracy", head.accuracy),
        **of_estimate("tpr_at_1pct_fpr", head.tpr_1),
    }


def of_estimate(name: str, estimate: Estimate | None) -> Record:
    """The three columns of a figure: value, `_low`, `_high`."""
    return {
        name: estimate.value if estimate else None,
        f"{name}_low": estimate.low if estimate else None,
        f"{name}_high": estimate.high if estimate else None,
    }


def _sd(values: Sequence[float]) -> float | None:
    """Standard deviation (n - 1); None for fewer than two."""
    if len(values) < 2:
        return None
    mean = sum(values) / len(values)
    return float((sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5)
