"""What a table of evidence means, in sentences for people who do not read ROC curves."""

from collections.abc import Iterator
from dataclasses import dataclass

from mint_lightning.evidence import FPR_TARGETS, Precision, RowEvidence, TableEvidence
from mint_lightning.report import wording
from mint_lightning.report.context import Context
from mint_lightning.report.subjects import subject_of


@dataclass(frozen=True)
class Fact:
    """One figure in large type, and the sentence that says what it is."""

    figure: str
    sentence: str


def facts(evidence: TableEvidence) -> tuple[Fact, ...]:
    """The three or four figures a reader should leave with, of the row shown first."""
    row = wording.headline_row(evidence)
    return () if row is None else tuple(_facts(evidence, row))


def _facts(evidence: TableEvidence, row: RowEvidence) -> Iterator[Fact]:
    controls = [control.auc.value for control in row.controls if control.counts]
    best = f" The best control, which cannot know, reached {100 * max(controls):.1f}." if controls else ""
    yield Fact(
        f"{100 * row.auc.value:.1f} of 100",
        "times a training photo scored above an outsider’s photo, over all pairs. Guessing gives 50; "
        f"the truth lies between {100 * row.auc.low:.1f} and {100 * row.auc.high:.1f}.{best}",
    )
    point = wording.operating_point(row, 0.01)
    if point is not None and point.tpr is not None and point.realised_fpr is not None:
        seen = wording.percent(point.realised_fpr.value)
        yield Fact(
            f"{100 * point.tpr.value:.1f} of 100",
            "training photos are recognised when the threshold is set to accuse 1 in 100 outsiders wrongly. "
            f"On the test photos {seen} of the outsiders were; "
            f"it may be as many as {wording.one_in(point.realised_fpr.high)}.",
        )
    count = sum(other.finds for other in evidence.rows)
    total = len(evidence.rows)
    trying = f", after allowing for having tried {total} of them" if total > 1 else ""
    yield Fact(f"{count} of {total}", f"{_ways(total)} of looking found membership beyond every control{trying}.")
    identities = row.auc.identities
    photos = f"sets of {row.photos} photos" if row.photos > 1 else "photos"
    yield Fact(
        f"{row.auc.images:,}",
        f"{photos} of {identities:,} {subject_of(evidence.subject).count(identities)} stand behind these figures. "
        "No head, threshold or choice was made on them.",
    )


def _ways(count: int) -> str:
    return "way" if count == 1 else "ways"


def measured(evidence: TableEvidence) -> tuple[str, ...]:
    """What was measured."""
    subject = subject_of(evidence.subject)
    lines = [f"{_capital(wording.sizes(evidence))}.", *([subject.note] if subject.note else [])]
    lines.append(f"Outsiders come from: {', '.join(evidence.external_sets) or 'no named set'}.")
    if evidence.random_partition:
        lines.append(
            f"Members and outsiders are random parts of one collection, drawn by {subject.one} and packed in one run. "
            "So a difference between them cannot come from the database."
        )
    lines.append(wording.level_note(evidence))
    if evidence.no_claim:
        lines.append(f"Nothing may be claimed from this table: {evidence.no_claim}.")
    elif any(row.cross_fitted for row in evidence.rows):
        lines.append(
            f"Cross-fitted: folds by {subject.one}, each photo scored by a head that saw {subject.none_of} of its fold."
        )
    else:
        lines.append(
            f"Heads learnt on half of the {subject.many}; every choice was made on another tenth, thresholds on a "
            "fifth, and the figures are of the last fifth, which was opened once."
        )
    return tuple(lines)


def declared(evidence: TableEvidence, context: Context) -> tuple[str, ...]:
    """What somebody told us, and nobody measured."""
    lines = list(context.declared)
    if evidence.partition_declared and not evidence.random_partition:
        one = subject_of(evidence.subject).one
        lines.append(f"That members and outsiders are random partitions of one collection, by {one}.")
    if not lines:
        lines.append("Nothing beyond the list of training photos in the network’s card.")
    return tuple(lines)


def precision(evidence: TableEvidence) -> tuple[Precision, ...]:
    """Precision at three priors, at the 1 % operating point of the row that claims; nothing where no row does."""
    row = wording.headline_row(evidence)
    if row is None or not evidence.claim.may_claim:
        return ()
    return tuple(each for each in row.precision if each.fpr_target == 0.01)


def limits(evidence: TableEvidence) -> tuple[str, ...]:
    """Every limit of these figures, in words."""
    return tuple(_limits(evidence))


def _limits(evidence: TableEvidence) -> Iterator[str]:
    subject = subject_of(evidence.subject)
    yield "This is a statistical indication about groups of photos. It is never proof about one of them."
    if not any(row.finds for row in evidence.rows):
        yield (
            "Finding nothing does not show that nothing was remembered: other heads, more photos or several photos of "
            f"one {subject.one} may find what these did not."
        )
    if len(evidence.external_sets) == 1:
        yield f"Error rates are valid for photos like {evidence.external_sets[0]}, the only set of outsiders."
    if not (evidence.random_partition or evidence.partition_declared):
        yield (
            "Members and outsiders come from different collections, which a head can tell apart without any memory: "
            "membership may be claimed only beyond several networks trained on neither."
        )
    missing = sorted({kind for row in evidence.rows if row.excess for kind in row.excess.not_run})
    if missing:
        yield f"Controls that were not run: {', '.join(missing)}. What they would have refuted stands unrefuted."
    if any(row.excess is None for row in evidence.rows):
        yield "Some rows have no control at all; nothing may be claimed from them."
    for target in FPR_TARGETS:
        points = [point for row in evidence.rows if (point := wording.operating_point(row, target))]
        reasons = sorted({wording.unresolved(point) for point in points if not point.resolvable})
        if reasons:
            yield f"Not resolvable at {wording.round_percent(target)} FPR: {reasons[0]}."
    if all(row.unseen_auc is None for row in evidence.rows):
        yield (
            f"No unseen photos of trained {subject.many} were scored, so a photo and its {subject.one} are not told "
            "apart."
        )
    yield "It needs the network itself, its inner activations, not only its answers."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
