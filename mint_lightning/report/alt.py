"""The pictures in words, for those who do not see them."""

from collections.abc import Sequence

from mint_lightning.evidence import ControlEvidence, Histogram, RowEvidence, TableEvidence
from mint_lightning.report import wording

KINDS = ("pixels", "twins", "reference")
MOST_ROWS = 40


def shown_controls(row: RowEvidence) -> list[ControlEvidence]:
    """The controls the excess is made of: best pixels, mean of the twins, the highest reference."""
    counting = [control for control in row.controls if control.counts]
    best: dict[str, ControlEvidence] = {}
    for control in sorted(counting, key=lambda control: control.auc.value):
        best[control.kind] = control
    return [best[kind] for kind in KINDS if kind in best]


def roc_words(evidence: TableEvidence) -> str:
    """What the ROC curves show."""
    parts = [f"{row.name}: AUC {wording.decimal(row.auc.value)}" for row in evidence.rows[:MOST_ROWS]]
    return (
        "True positive rate against false positive rate on logarithmic axes, one curve for each row, "
        f"beside the diagonal of guessing. {'; '.join(parts)}."
    )


def comparison_words(rows: Sequence[RowEvidence]) -> str:
    """What the rows beside their controls show."""
    lines = []
    for row in rows:
        controls = ", ".join(f"{control.name} {wording.decimal(control.auc.value)}" for control in shown_controls(row))
        auc = f"{row.name}: {wording.decimal(row.auc.value)} {wording.interval(row.auc)}"
        lines.append(f"{auc}; {controls}" if controls else auc)
    return f"AUC of each row and of its controls. {'. '.join(lines)}."


def reliability_words(row: RowEvidence) -> str:
    """What the reliability curve of one row shows."""
    if row.reliability is None:
        return f"{row.name} gives no probabilities, so it has no reliability curve."
    points = ", ".join(f"{each.predicted:.2f} seen {each.observed.value:.2f}" for each in row.reliability.bins)
    ece = f"{wording.decimal(row.reliability.ece.value)} {wording.interval(row.reliability.ece)}"
    return f"Reliability of {row.name}, predicted probability and rate seen, by bin: {points}. ECE {ece}."


def histogram_words(row: RowEvidence) -> str:
    """What the histograms of one row show."""

    def middle(counts: Sequence[int], data: Histogram) -> str:
        half, total = sum(counts) / 2, 0
        for index, count in enumerate(counts):
            total += count
            if total >= half:
                return f"{(data.edges[index] + data.edges[index + 1]) / 2:.3g}"
        return "none"

    data = row.histogram
    text = (
        f"Histograms of the score {row.name}: the middle of the training photos is near {middle(data.members, data)}, "
        f"that of the outsiders' near {middle(data.externals, data)}"
    )
    return f"{text}, that of the unseen photos near {middle(data.unseen, data)}." if sum(data.unseen) else f"{text}."
