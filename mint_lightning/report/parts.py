"""Slices of the test photos as text cells: who they are, and the figures of each."""

from dataclasses import dataclass

from mint_lightning.evidence import Estimate, RowEvidence, Slice
from mint_lightning.report import wording

COLUMNS = ("Photos", "People", "AUC", "TPR at 1 % FPR", "FPR seen")
NOTE = (
    "The threshold is that of all photos. Intervals of one kind of part hold together over its parts and over the rows "
    "of the table. People: trained on, outsiders."
)
TITLES = {
    "external set": "By set of outsiders, each against all training photos",
    "photos per identity": "By photos per person",
}


@dataclass(frozen=True)
class Part:
    """A line: its name and its cells, or why it has no figures after the two counts."""

    name: str
    photos: str
    people: str
    auc: str = ""
    tpr: str = ""
    fpr: str = ""
    reason: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """One cell for each of `COLUMNS`."""
        figures = (self.reason, "", "") if self.reason else (self.auc, self.tpr, self.fpr)
        return self.photos, self.people, *figures


def parts(row: RowEvidence) -> dict[str, list[Part]]:
    """The slices of a row by kind, titled."""
    found: dict[str, list[Part]] = {}
    for each in row.slices:
        found.setdefault(TITLES.get(each.kind, f"By {each.kind}"), []).append(_part(each))
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
