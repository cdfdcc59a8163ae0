"""benchmarks/heads.md: the figures below the mark, from the tables that stand; the conclusions above are people's."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from benchmarks.common.figures import verdict, write_below
from benchmarks.heads.compared import gap, over_sets, scores_of, tpr_gap
from benchmarks.heads.opened import opened_words
from benchmarks.heads.parts import CONF, DOOR, FRESH_CARDS, FRESH_SHARDS, Table, classifiers, fresh, tried
from benchmarks.heads.transfer import Carried, carry
from benchmarks.lfw.parts import CARDS, load
from benchmarks.lfw.tables import control, figure, short
from mint_lightning.evidence import Estimate, OperatingPoint, RowEvidence, TableEvidence, operating_point
from mint_lightning.evidence.calibration import counted

PAGE = Path(__file__).parents[1] / "heads.md"
MARK = "<!-- below this line: written by make bench-heads -->"
ONE, FOUR, EIGHT = "Invariants", "Person of 4 photos", "Person of 8 photos"
PUBLISHED = ("Vanilla all conv", "Vanilla outcome", "CNN conv4")
KNOWN = ("Loss", "Entropy", "LiRA")


def write(page: Path) -> None:
    """Write the figures; what stands above the mark is kept."""
    lines = [*networks(), *development(), *measured(), *carried(), *of_classes(), *commands()]
    write_below(page, MARK, "Heads that carry over to people they never saw", lines)


def evidence_of(table: Table) -> TableEvidence:
    """Of a finished table."""
    return TableEvidence.from_json(load(table.result)["evidence"])


def networks() -> Iterator[str]:
    """What was audited."""
    yield from ["## The networks", "", "| network | trained on | accuracy on it | verification, people it never saw |"]
    yield "|---|---|---|---|"
    for name, path in {**CARDS, **FRESH_CARDS}.items():
        content = load(path)
        members, accuracy = content["members"], content["accuracy"]
        verified = accuracy.get("verification") or {}
        seen = f"{members['images']:,} photos of {members['identities']:,} people"
        yield f"| {name} | {seen} | {accuracy['train_accuracy']:.3f} | {verified.get('accuracy', 0):.3f} |"
    yield ""


def development() -> Iterator[str]:
    """Every row that was tried, on both networks of the development pair."""
    both = [{row.name: row for row in evidence_of(table).rows} for table in tried()]
    yield from ["## Tried on the development pair", ""]
    yield "| row | AUC on A | on B | validate | twins | pixels | TPR at 1 % FPR on A (FPR seen) | on B |"
    yield "|---" * 8 + "|"
    for name, first in both[0].items():
        rows = (first, both[1][name])
        known = [row.validate_auc for row in rows if row.validate_auc is not None]
        cells = [
            name,
            *(figure(row.auc) for row in rows),
            " / ".join(short(value) for value in known) or "-",
            *(" / ".join(beside(row, kind) for row in rows) for kind in ("twins", "pixels")),
            *(passing(next((p for p in row.operating if p.fpr_target == 0.01), None)) for row in rows),
        ]
        yield f"| {' | '.join(cells)} |"
    n = next(iter(both[0].values())).auc
    yield ""
    yield (
        f"n: {n.images:,} photos of {n.identities:,} people on A; every person is scored by heads that learnt nothing "
        "of the person, sets of photos once for each person who has as many."
    )
    yield ""


def measured() -> Iterator[str]:
    """The fresh pair against the aims."""
    yield from ["## Measured once, on the fresh pair", "", f"Seed 1, {opened_words()}.", ""]
    for table in fresh():
        evidence = evidence_of(table)
        yield from [f"### {table.network}", ""]
        yield f"**{evidence.claim.outcome.value.capitalize()}.** {evidence.claim.reason}"
        yield from ["", "| row | n | AUC | pixels | twins | excess | p (Holm) | TPR at 1 % FPR (FPR seen) | at 5 % |"]
        yield "|---" * 9 + "|"
        for row in evidence.rows:
            yield _row(table, row)
        yield ""
        yield from _aims(table, evidence)


def _row(table: Table, row: RowEvidence) -> str:
    excess, scores = row.excess, scores_of(table, row.name)
    n = f"{row.auc.images:,}" + (f" sets of {row.photos}" if row.photos > 1 else "")
    cells = [
        f"**{row.name}**" if row.finds else row.name,
        f"{n}, {row.auc.identities:,} people",
        figure(row.auc),
        beside(row, "pixels"),
        beside(row, "twins"),
        f"{excess.value:+.3f} [{excess.low:+.3f}, {excess.high:+.3f}]" if excess else "-",
        f"{excess.p_holm:.3f}" if excess else "-",
        passing(operating_point(scores, 0.01)),
        passing(operating_point(scores, 0.05)),
    ]
    return f"| {' | '.join(cells)} |"


def _aims(table: Table, evidence: TableEvidence) -> Iterator[str]:
    """Each aim beside what was found, and the row against the published heads."""
    yield from ["| aim | measured | |", "|---|---|---|"]
    found = (
        ("one photo, AUC", evidence.row(ONE).auc, 0.65),
        ("one photo, TPR at 1 % FPR", operating_point(scores_of(table, ONE), 0.01).tpr, 0.08),
        ("4 photos of a person, TPR at 5 % FPR", operating_point(scores_of(table, FOUR), 0.05).tpr, 0.35),
        ("8 photos of a person, AUC", evidence.row(EIGHT).auc, 0.93),
    )
    for what, estimate, aim in found:
        words = figure(estimate) if estimate else "not resolvable"
        yield f"| {what}: {short(aim)} | {words} | {verdict(estimate.value, aim, at_least=True) if estimate else ''} |"
    yield from ["", "AUC over the published heads, paired, of sets over their mean on the same photos:", ""]
    yield from [f"| row | {' | '.join(PUBLISHED)} |", "|---" * (1 + len(PUBLISHED)) + "|"]
    card = FRESH_CARDS[table.network]
    for name in (ONE, FOUR, EIGHT):
        own, photos = scores_of(table, name), evidence.row(name).photos
        gaps = []
        for other in PUBLISHED:
            beside_it = scores_of(table, other)
            if photos > 1:
                beside_it = over_sets(beside_it, own.where(counted(own)), photos, FRESH_SHARDS, card)
            gaps.append(signed(gap(own, beside_it, other).estimate))
        yield f"| {name} | {' | '.join(gaps)} |"
    yield ""


def carried() -> Iterator[str]:
    """Heads on a network that they were not fitted on."""
    rows = [row["name"] for row in _rows_of_transfer()]
    yield from ["## Carried to another network unchanged", ""]
    yield "| row | fitted on | AUC there | scored on | AUC | FPR at the first network's 5 % threshold, TPR | at 1 % |"
    yield "|---" * 7 + "|"
    for each in carry(rows):
        first, second = (_passed(each, target) for target in (0.05, 0.01))
        aucs = f"{figure(each.own)} | {each.scored} | {figure(each.auc)}"
        yield f"| {each.row} | {each.fitted} | {aucs} | {first} | {second} |"
    yield from ["", "People of test, of whom neither the head nor its threshold knows anything.", ""]


def _rows_of_transfer() -> list[dict[str, str]]:
    found: list[dict[str, str]] = yaml.safe_load((CONF / "lfw_transfer.yaml").read_text(encoding="utf-8"))["rows"]
    return found


def _passed(each: Carried, target: float) -> str:
    found = each.passing[target]
    if found is None:
        return "not resolvable"
    tpr, fpr = found
    return f"{100 * fpr.value:.1f} % [{100 * fpr.low:.1f}, {100 * fpr.high:.1f}], {100 * tpr.value:.1f} %"


def of_classes() -> Iterator[str]:
    """The over-trained classifier of CIFAR-10."""
    for table in classifiers():
        evidence = evidence_of(table)
        yield from ["## A classifier: CIFAR-10, over-trained", ""]
        yield f"**{evidence.claim.outcome.value.capitalize()}.** {evidence.claim.reason}"
        yield from ["", f"| row | AUC | twins | TPR at 1 % FPR (FPR seen) | {' | '.join(f'less {k}' for k in KNOWN)} |"]
        yield "|---" * (4 + len(KNOWN)) + "|"
        for row in evidence.rows:
            own = scores_of(table, row.name)
            gaps = [signed(tpr_gap(own, scores_of(table, name), 0.01), 100) for name in KNOWN]
            point = passing(operating_point(own, 0.01))
            yield f"| {row.name} | {figure(row.auc)} | {beside(row, 'twins')} | {point} | {' | '.join(gaps)} |"
        n = evidence.rows[0].auc
        yield from [
            "",
            f"n: {n.images:,} photos; differences in points of TPR, paired, each row at its own threshold.",
            "",
        ]


def beside(row: RowEvidence, kind: str) -> str:
    """AUC of a control."""
    found = control(row, kind)
    return short(found.auc.value) if found else "-"


def passing(point: OperatingPoint | None) -> str:
    """TPR with its interval and the FPR that was seen."""
    if point is None or point.tpr is None or point.realised_fpr is None:
        return "not resolvable"
    tpr = point.tpr
    low, high = 100 * tpr.low, 100 * tpr.high
    return f"{100 * tpr.value:.1f} % [{low:.1f}, {high:.1f}] ({100 * point.realised_fpr.value:.1f} %)"


def signed(estimate: Estimate, factor: float = 1) -> str:
    """A difference with its interval, bold where above 0."""
    value, low, high = (factor * each for each in (estimate.value, estimate.low, estimate.high))
    digits = 1 if factor > 1 else 3
    words = f"{value:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"
    return f"**{words}**" if low > 0 else words


def commands() -> Iterator[str]:
    """Commands and times."""
    seconds: dict[str, float] = DOOR.taken()
    yield from ["## Commands", "", "`make bench-heads` runs these; seconds when each was made:", "", "```"]
    for command, taken in seconds.items():
        if not command.startswith("the "):
            yield f"{taken:6.0f}  mint-lightning {command}"
    yield from ["```", ""]
    whole: Sequence[str] = [
        f"{part} {taken / 60:.0f} minutes" for part, taken in seconds.items() if part.startswith("the ")
    ]
    if whole:
        yield f"Two at a time on one thread each: {', '.join(whole)}."
