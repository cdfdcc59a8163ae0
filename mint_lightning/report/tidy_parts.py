"""What has several lines for a row, as CSV: slices of the test photos, and bins of the reliability curve."""

from mint_lightning.evidence import TableEvidence
from mint_lightning.report.context import Context
from mint_lightning.report.tidy import Record, as_csv, of_estimate

SLICE_FIELDS = (
    "table", "network", "row", "kind", "part", "n_images", "n_people_members", "n_people_externals", "level",
    "auc", "auc_low", "auc_high", "tpr_at_1pct_fpr", "tpr_at_1pct_fpr_low", "tpr_at_1pct_fpr_high",
    "fpr_seen_at_1pct", "fpr_seen_at_1pct_low", "fpr_seen_at_1pct_high", "reason",
)  # fmt: skip
BIN_FIELDS = (
    "table", "network", "row", "bin", "n_images", "n_people", "level", "predicted", "observed", "observed_low",
    "observed_high",
)  # fmt: skip


def slices_csv(evidence: TableEvidence, context: Context) -> str:
    """One line per row and slice; without figures where it is too small, and `reason` then says so."""
    records: list[Record] = [
        {
            "table": context.title,
            "network": context.network_name,
            "row": row.name,
            "kind": part.kind,
            "part": part.name,
            "n_images": part.images,
            "n_people_members": part.member_identities,
            "n_people_externals": part.external_identities,
            "level": part.auc.level if part.auc else None,
            **of_estimate("auc", part.auc),
            **of_estimate("tpr_at_1pct_fpr", part.tpr),
            **of_estimate("fpr_seen_at_1pct", part.realised_fpr),
            "reason": part.reason,
        }
        for row in evidence.rows
        for part in row.slices
    ]
    return as_csv(records, first=SLICE_FIELDS)


def reliability_csv(evidence: TableEvidence, context: Context) -> str:
    """One line per row and bin of its reliability curve, by rising probability; scores without logits have none."""
    records: list[Record] = [
        {
            "table": context.title,
            "network": context.network_name,
            "row": row.name,
            "bin": number,
            "n_images": each.observed.images,
            "n_people": each.observed.identities,
            "level": each.observed.level,
            "predicted": each.predicted,
            **of_estimate("observed", each.observed),
        }
        for row in evidence.rows
        if row.reliability is not None
        for number, each in enumerate(row.reliability.bins)
    ]
    return as_csv(records, first=BIN_FIELDS)
