"""benchmarks/lfw.md: the figures below the mark, from the tables that stand; the conclusions above are people's."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.lfw.parts import CARDS, DOOR, PACK, TRAIN, load
from benchmarks.lfw.sets import WARNED
from benchmarks.lfw.tables import Table, control, figure, of_b, short
from mint_lightning.evidence import OperatingPoint, RowEvidence
from mint_lightning.report.cells import twin_spread

PAGE = Path(__file__).parents[1] / "lfw.md"
MARK = "<!-- below this line: written by make bench-lfw -->"


def write(commands: Sequence[str]) -> None:
    """Write the figures; what stands above the mark is kept."""
    above = PAGE.read_text(encoding="utf-8").split(MARK)[0] if PAGE.is_file() else "# MINT on real faces: LFW\n\n"
    lines = [MARK, "", *networks(), *honest(), *flip(), *groups(), *by_photo(), *warnings(), *made(commands)]
    PAGE.write_text(above + "\n".join(lines) + "\n", encoding="utf-8")


def networks() -> Iterator[str]:
    """What was audited."""
    yield from [
        "## The networks",
        "",
        "| network | trained on | training accuracy | verification, people it never saw |",
    ]
    yield "|---|---|---|---|"
    for name, path in CARDS.items():
        card = load(path)
        members, accuracy = card["members"], card["accuracy"]
        verified = accuracy.get("verification") or {}
        seen = f"{members['partitions'][0]}: {members['images']:,} photos of {members['identities']:,} people"
        pairs = f"{verified.get('accuracy', 0):.3f} of {verified.get('pairs', 0):,} pairs"
        yield f"| {name} | {seen} | {accuracy['train_accuracy']:.3f} | {pairs} |"
    config = load(CARDS["A"])
    yield ""
    yield (
        f"`{config['architecture']}` {json.dumps(config['arguments'])}, {config['config']['loss']} (scale "
        f"{config['config']['scale']:g}, margin {config['config']['margin']:g}), {config['config']['epochs']} epochs, "
        "photos mirrored at random."
    )
    yield ""


def honest() -> Iterator[str]:
    """The tables that may claim: one database, split by person before training."""
    yield from ["## One database, split by person", ""]
    for name, half, other in (("A", "H1", "H2"), ("B", "H2", "H1")):
        suffix = "" if name == "A" else "_B"
        tables = [Table.of(f"table_lfw{suffix}"), Table.of(f"table_lfw_cnn{suffix}")]
        folded, split = (table.evidence for table in tables)
        yield from [f"### {name}: members {half}, externals {other}", ""]
        yield f"**{folded.claim.outcome.value.capitalize()}.** {folded.claim.reason}"
        yield from ["", f"CNN: **{split.claim.outcome.value}.** {split.claim.reason}", ""]
        yield (
            "| row | AUC | each seed alone | people the search never saw | pixels | twins | excess | p (Holm) | finds "
            f"| TPR at 1 % FPR (FPR seen) | {'B' if name == 'A' else 'A'}, the complement |"
        )
        yield "|---" * 11 + "|"
        for table in tables:
            for row in table.evidence.rows:
                yield _honest_row(table, row)
        n, m = folded.rows[0].auc, split.rows[0].auc
        yield ""
        yield (
            f"Vanilla and scores: cross-fitted over five groups of people, {n.images:,} photos of {n.identities:,} "
            f"people; intervals hold together over the {len(folded.rows)} rows. CNN: four splits, {m.images:,} photos "
            f"of {m.identities:,} people of test; over its {len(split.rows)} rows. Holm's p likewise: over the rows of "
            "a table, not over both tables of a network, nor over both networks. p and finds are of everybody; the "
            "search of settings learnt from six tenths of them, and the column of people whom it never saw leaves "
            f"these out{_unsearched_n(tables[0])}."
        )
        yield ""


def _unsearched_n(table: Table) -> str:
    figure = next(table.unsearched(row.name) for row in table.evidence.rows if row.head != "score")
    return f" (n {figure.images:,} photos of {figure.identities:,} people)"


def _honest_row(table: Table, row: RowEvidence) -> str:
    excess, pixels, twins = row.excess, control(row, "pixels"), control(row, "twins")
    seeds = f"{short(min(row.seed_aucs))} to {short(max(row.seed_aucs))}" if row.seed_aucs else "-"
    point = next((point for point in row.operating if point.fpr_target == 0.01), None)
    cells = [
        f"**{row.name}**" if row.finds else row.name,
        figure(row.auc),
        seeds,
        figure(table.unsearched(row.name)) if row.cross_fitted and row.head != "score" else "-",
        short(pixels.auc.value) if pixels else "-",
        f"{short(twins.auc.value)} ± {twin_spread(row):.3f}" if twins else "-",
        f"{excess.value:+.3f} [{excess.low:+.3f}, {excess.high:+.3f}]" if excess else "-",
        f"{excess.p_holm:.3f}" if excess else "-",
        "**yes**" if row.finds else "no",
        _tpr(point),
        figure(row.complement_auc),
    ]
    return f"| {' | '.join(cells)} |"


def _tpr(point: OperatingPoint | None) -> str:
    if point is None or point.tpr is None or point.realised_fpr is None:
        return "not resolvable"
    return f"{100 * point.tpr.value:.1f} % ({100 * point.realised_fpr.value:.1f} %)"


def flip() -> Iterator[str]:
    """Scores that do not depend on channels, the same photos through both networks."""
    yield from ["## The flip", "", "AUC of H1 over H2, the same score on the same photos:", ""]
    yield from ["| score | through A (trained on H1) | through B (trained on H2) |", "|---|---|---|"]
    for row in Table.of("table_lfw").evidence.rows:
        if row.head == "score":
            yield f"| {row.name} | {figure(row.auc)} | {figure(row.complement_auc)} |"
    yield ""


def groups() -> Iterator[str]:
    """Training photos, other photos of the same people, people the network never saw."""
    yield from ["## This photo or this person", ""]
    for suffix, name in (("", "A"), ("_B", "B")):
        evidence = Table.of(f"table_lfw{suffix}").evidence
        sizes = {group.group: group for group in evidence.groups}
        shown = ", ".join(f"{size.images:,} {kind} of {size.identities:,} people" for kind, size in sizes.items())
        yield from [f"{name}: {shown}.", ""]
        yield "| row | training photos over unseen photos of the same people | unseen photos over externals |"
        yield "|---|---|---|"
        for row in evidence.rows:
            yield f"| {row.name} | {figure(row.photo_auc)} | {figure(row.unseen_auc)} |"
        yield ""


def by_photo() -> Iterator[str]:
    """The same as A's table where fit and test share people."""
    table = Table.of("lfw_by_photo").evidence
    honest = {row.name: row for name in ("table_lfw", "table_lfw_cnn") for row in Table.of(name).evidence.rows}
    yield from ["## Warning: split by photo", ""]
    yield f"**{table.claim.outcome.value.capitalize()}.** {table.claim.reason}"
    n = table.rows[0].auc
    yield from ["", (
        f"The same heads and settings on A, one seed, four splits by photo (n {n.images:,} photos of {n.identities:,} "
        "people of test); by person as above: Vanilla cross-fitted and the mean of three seeds."
    )]  # fmt: skip
    yield from ["", "| row | split by photo | its twins | its pixels | split by person |", "|---|---|---|---|---|"]
    for row in table.rows:
        twins, pixels = control(row, "twins"), control(row, "pixels")
        beside = [short(each.auc.value) if each else "-" for each in (twins, pixels)]
        by_person = figure(honest[row.name].auc) if row.name in honest else "-"
        yield f"| {row.name} | {figure(row.auc)} | {' | '.join(beside)} | {by_person} |"
    yield ""


def warnings() -> Iterator[str]:
    """Externals that differ from the members by more than membership."""
    tables = {warned: Table.of(f"lfw_{warned.name}").evidence for warned in WARNED}
    yield from ["## Warning: another database, or one that was changed", ""]
    yield from ["Network A, members a third of the people of H1. AUC of A / of its untrained twins (mean) / of B.", ""]
    yield (
        "To other databases B is a reference: it saw neither side. To changed photos of H2 it is the complement: it "
        "was trained on what they were made from, so a score may fall below .5 there, and it counts as no control."
    )
    yield ""
    names = [row.name for row in next(iter(tables.values())).rows]
    yield "| externals | B is | pixels | " + " | ".join(names) + " |"
    yield "|---" * (len(names) + 3) + "|"
    for warned, evidence in tables.items():
        pixels = control(evidence.rows[0], "pixels")
        cells = []
        for row in evidence.rows:
            twins, other = control(row, "twins"), of_b(row)
            parts = [row.auc.value, twins.auc.value if twins else None, other.value if other else None]
            cells.append(" / ".join("-" if value is None else short(value) for value in parts))
        role = "complement" if warned.is_change else "reference"
        yield f"| {warned.what} | {role} | {short(pixels.auc.value) if pixels else '-'} | {' | '.join(cells)} |"
    yield from ["", "What the program says of each:", ""]
    for warned, evidence in tables.items():
        found = sum(row.finds for row in evidence.rows)
        n = evidence.rows[0].auc
        yield (
            f"- {warned.what} (n {n.images:,} photos of {n.identities:,} people; {found} of {len(evidence.rows)} rows "
            f"above every control): **{evidence.claim.outcome.value}.** {evidence.claim.reason}"
        )
    yield ""


def made(commands: Sequence[str]) -> Iterator[str]:
    """Commands and times."""
    seconds = DOOR.taken()
    whole = [PACK, *(TRAIN.format(name=name, half=half) for name, half in (("A", "H1"), ("B", "H2"))), *commands]
    yield from [
        "## Commands",
        "",
        "`make bench-lfw` runs these, reusing what stands; seconds when each was made:",
        "",
        "```",
    ]
    for command in whole:
        yield (
            f"{seconds[command]:6.0f}  mint-lightning {command}"
            if command in seconds
            else f"     ?  mint-lightning {command}"
        )
    yield from ["```", ""]
    if "all tables" in seconds:
        yield f"The tables, two at a time on one thread each, took {seconds['all tables'] / 60:.0f} minutes in all."
