"""Which other explanations of a finding are ruled out, and which are not because nothing was run that could."""

from collections.abc import Iterator

from mint_lightning.evidence import ControlEvidence, RowEvidence, TableEvidence
from mint_lightning.report import wording
from mint_lightning.report.subjects import subject_of

WHAT = {
    "pixels": "What the photos look like (light, sharpness, encoding)",
    "twins": "What a network of this form shows before it has learnt anything",
    "reference": "What any trained network shows of these two groups, the database above all",
}
NOT_RUN = {
    "pixels": "no head was run on the pixels",
    "twins": "no untrained twin was run",
    "reference": "no network trained on neither group was run",
}


def explanations(evidence: TableEvidence) -> tuple[str, ...]:
    """A sentence for each explanation, of the row that is shown first."""
    row = wording.headline_row(evidence)
    return () if row is None else tuple(_explanations(row, evidence))


def _explanations(row: RowEvidence, evidence: TableEvidence) -> Iterator[str]:
    for kind, what in WHAT.items():
        found = [control for control in row.controls if control.kind == kind and control.counts]
        if not found:
            drawn = kind == "reference" and (evidence.random_partition or evidence.partition_declared)
            why = (
                "members and outsiders are parts of one collection"
                if drawn and evidence.random_partition
                else "it is declared that members and outsiders are parts of one collection"
            )
            yield (
                f"{what}: ruled out by the draw, for {why}."
                if drawn
                else f"{what}: not ruled out, for {NOT_RUN[kind]}."
            )
            continue
        nearest = min(found, key=lambda control: control.difference.value)
        yield f"{what}: {_against(row, nearest)}"
    if row.permuted_auc is not None:
        yield (
            f"A head of {row.name} that learnt labels dealt anew among {subject_of(evidence.subject).many} reaches AUC "
            f"{wording.decimal(row.permuted_auc.value)} {wording.interval(row.permuted_auc)}; by chance it would be .5."
        )
    for each in row.left_out:
        if each.fpr is None:
            yield f"Outsiders of {each.source}, left out: not measured, {each.reason}."
        else:
            rate = f"{wording.percent(each.fpr.value)} {wording.percent_interval(each.fpr)}"
            yield f"Outsiders of {each.source}, left out of learning and calibrating: {rate} pass where 1 % should."


def _against(row: RowEvidence, control: ControlEvidence) -> str:
    figures = (
        f"{row.name} {wording.decimal(row.auc.value)}, {control.name} {wording.decimal(control.auc.value)}, difference "
        f"{wording.signed(control.difference.value)} {wording.interval(control.difference)}"
    )
    if row.excess is not None and row.excess.finds and control.difference.value > 0:
        return f"ruled out as the whole of it ({figures})."
    return f"not ruled out ({figures})."
