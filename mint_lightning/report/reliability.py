"""The reliability curve of a head: what it predicted against what was seen."""

from matplotlib.figure import Figure

from mint_lightning.evidence import RowEvidence, TableEvidence
from mint_lightning.report.alt import reliability_words
from mint_lightning.report.picture import MEMBERS, MUTED, Picture, drawing


def best_calibrated_row(evidence: TableEvidence) -> RowEvidence | None:
    """Of the rows that give probabilities the one best on validate (never on test), or the first; None of none."""
    rows = [row for row in evidence.rows if row.reliability is not None]
    return max(rows, key=lambda row: (row.validate_auc is not None, row.validate_auc or 0.0), default=None)


def reliability_curve(row: RowEvidence) -> Picture | None:
    """Mean prediction and observed rate of each bin with its interval, beside the diagonal of true probabilities."""
    if row.reliability is None:
        return None
    bins = row.reliability.bins
    with drawing():
        figure = Figure(figsize=(4.4, 3.6), layout="constrained")
        axes = figure.add_subplot()
        edges = [each.predicted for each in bins]
        edges += [bound for each in bins for bound in (each.observed.low, each.observed.high)]
        margin = 0.04 * max(max(edges) - min(edges), 0.05)
        low, high = max(min(edges) - margin, -0.02), min(max(edges) + margin, 1.02)
        axes.plot([low, high], [low, high], color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
        for each in bins:
            axes.plot([each.predicted] * 2, [each.observed.low, each.observed.high], color=MEMBERS, linewidth=1.2)
        axes.plot(
            [each.predicted for each in bins],
            [each.observed.value for each in bins],
            color=MEMBERS,
            marker="o",
            markersize=4.5,
            linewidth=0.8,
        )
        axes.set(xlim=(low, high), ylim=(low, high), xlabel="Predicted probability (prior 50 %)")
        axes.set_ylabel("Share of training photos seen")
    return Picture("reliability", figure, f"Reliability of {row.name}", reliability_words(row))
