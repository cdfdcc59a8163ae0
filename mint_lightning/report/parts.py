"""Slices of the test photos as text cells: how many there are, and the figures of each."""

from dataclasses import dataclass

from mint_lightning.evidence import Estimate, RowEvidence, Slice
from mint_lightning.report import wording
from mint_lightning.report.subjects import PEOPLE, Subject

TITLES = {
    "external set": "By set of outsiders, each against all training photos",
    "photos per identity": "By photos per {one}",
}


def part_columns(subject: Subject) -> tuple[str, ...]:
    """The headings of `Part.cells`."""
    return "Photos", subject.title, "AUC", "TPR at 1 % FPR", "FPR seen"


def part_note(subject: Subject) -> str:
    """What the figures of the parts are."""
    return (
        "The threshold is that of all photos. Intervals of one kind of part hold together over its parts and over the "
        f"rows of the table. {subject.title}: trained on, outsiders."
    )


@dataclass(frozen=True)
class Part:
    """A line: its name and its cells, or why it has no figures after the two counts."""

    name: str
    photos: str
    identities: str
    auc: str = ""
    tpr: str = ""
    fpr: str = ""
    reason: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """One cell for each of `part_columns`."""
        figures = (self.reason, "", "") if self.reason else (self.auc, self.tpr, self.fpr)
        return self.photos, self.identities, *figures


def parts(row: RowEvidence, subject: Subject = PEOPLE) -> dict[str, list[Part]]:
    """The slices of a row by kind, titled."""
    found: dict[str, list[Part]] = {}
    for each in row.slices:
        title = TITLES[each.kind].format(one=subject.one) if each.kind in TITLES else f"By {each.kind}"
        found.setdefault(title, []).append(_part(each))
    return found


def _part(each: Slice) -> Part:
    counts = f"{each.images:,}", f"{each.member_identities:,}, {each.external_identities:,}"
    name = each.name or "not known"
    if each.auc is None:
        return Part(name, *counts, reason=each.reason)
    auc = f"{wording.decimal(each.auc.value)} {wording.interval(each.auc)}"
    return Part(name, *counts, auc, _rate(each.tpr), _rate(each.realised_fpr))


def _rate(estimate: Estimate | None) -> str:
    if estimate is None:
        return "not resolvable"
    return f"{wording.percent(estimate.value)} {wording.percent_interval(estimate)}"
