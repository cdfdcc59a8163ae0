"""benchmarks/objects.md: the figures below the mark, from the tables that stand; the conclusions above are people's."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.objects.parts import DOOR, Table, card
from mint_lightning.evidence import ControlEvidence, Estimate, OperatingPoint, RowEvidence, TableEvidence

PAGE = Path(__file__).parents[1] / "objects.md"
MARK = "<!-- below this line: written by make bench-objects -->"
PAPER = (
    "The paper (arXiv 2601.12929, all training images against all test images) reports its best AUC at layer 7, .72, "
    "and a precision of 70 to 80 % by layer. Others on CIFAR-10: loss threshold AUC .592 with TPR .0009 at 0.1 % FPR, "
    "online LiRA with 16 models AUC .686 and .059 (the LiRA repository); passive MINT .66 on CIFAR-10, .59 to .61 on "
    "GTSRB."
)


def write(page: Path, made: Sequence[Table], before: Sequence[str], early: Mapping[str, int]) -> None:
    """Write the figures of the tables `made`; what stands above the mark is kept."""
    above = page.read_text(encoding="utf-8").split(MARK)[0] if page.is_file() else "# Object classification\n\n"
    lines = [MARK, "", *networks(early), PAPER, ""]
    for table in sorted(made, key=lambda each: each.name):
        lines += figures(table)
    lines += commands([*before, *(table.command for table in made)])
    page.write_text(above + "\n".join(lines) + "\n", encoding="utf-8")


def networks(early: Mapping[str, int]) -> Iterator[str]:
    """What was audited, and what was asked how hard a photo is."""
    yield from ["## The networks", ""]
    yield "| network | epochs | trained on | accuracy on it | on photos not trained on | loss on it | on the others |"
    yield "|---|---:|---|---:|---:|---:|---:|"
    for name in ("cifar10", "gtsrb"):
        folders = [f"{name}_epoch{early[name]}", f"{name}_validated", name, *(f"{name}_half{n}" for n in range(4))]
        for folder in folders:
            if card(folder).is_file():
                yield _network(folder, json.loads(card(folder).read_text(encoding="utf-8")))
    yield ""


def _network(name: str, content: Mapping[str, Any]) -> str:
    members, accuracy, config = content["members"], content["accuracy"], content["config"]
    train, test = accuracy["train"], accuracy.get("test") or {}
    cells = [
        f"`{name}`",
        f"{config['epochs_trained']}",
        f"{members['images']:,} photos, {members['identities']:,} identities",
        f"{train['accuracy']:.3f}",
        f"{test['accuracy']:.3f}" if test else "-",
        f"{train['loss']:.3f}",
        f"{test['loss']:.3f}" if test else "-",
    ]
    return f"| {' | '.join(cells)} |"


def figures(table: Table) -> Iterator[str]:
    """A table's rows."""
    if not table.result.is_file():
        return
    document = json.loads(table.result.read_text(encoding="utf-8"))
    evidence = TableEvidence.from_json(document["evidence"])
    yield from [f"## {table.what}", "", f"**{evidence.claim.outcome.value.capitalize()}.** {evidence.claim.reason}", ""]
    yield (
        "| row | AUC | each seed alone | pixels | twins | excess | p (Holm) | finds | precision at logit 0 "
        "| TPR at 1 % FPR (FPR seen) | TPR at 0.1 % FPR |"
    )
    yield "|---" * 11 + "|"
    precise = precision(table, evidence)
    for row in evidence.rows:
        yield _row(row, precise.get(row.name, "-"))
    yield from by_set(evidence)
    n = evidence.rows[0].auc
    yield from ["", f"n: {n.images:,} photos of {n.identities:,} identities; intervals hold over all rows.", ""]


def by_set(evidence: TableEvidence) -> Iterator[str]:
    """AUC against each set of externals by itself, where there are several."""
    if len(evidence.external_sets) < 2:
        return
    yield from [
        "",
        f"| AUC against | {' | '.join(evidence.external_sets)} |",
        "|---" * (1 + len(evidence.external_sets)) + "|",
    ]
    for row in evidence.rows:
        found = {part.name: part.auc for part in row.slices if part.kind == "external set"}
        aucs = [found.get(name) for name in evidence.external_sets]
        yield f"| {row.name} | {' | '.join(figure(each) if each else '-' for each in aucs)} |"


def _row(row: RowEvidence, precise: str) -> str:
    excess = row.excess
    seeds = f"{short(min(row.seed_aucs))} to {short(max(row.seed_aucs))}" if row.seed_aucs else "-"
    cells = [
        f"**{row.name}**" if row.finds else row.name,
        figure(row.auc),
        seeds,
        *(control(row, kind) for kind in ("pixels", "twins")),
        f"{excess.value:+.3f} [{excess.low:+.3f}, {excess.high:+.3f}]" if excess else "-",
        f"{excess.p_holm:.3f}" if excess else "-",
        "**yes**" if row.finds else "no",
        precise,
        tpr(row, 0.01),
        tpr(row, 0.001),
    ]
    return f"| {' | '.join(cells)} |"


def precision(table: Table, evidence: TableEvidence) -> dict[str, str]:
    """By row with a head, of as many members as externals of test, the share of members above logit 0."""
    columns = ["row", "role", "split", "member", "unseen", "score"]
    scores = pq.read_table(table.result.parent / "scores.parquet", columns=columns)
    column = {name: np.array(scores[name].to_pylist()) for name in columns}
    judged = (column["role"] == "audited") & (column["split"] != "calibrate") & ~column["unseen"]
    found = {}
    for name in (row.name for row in evidence.rows if row.head != "score"):
        own = judged & (column["row"] == name)
        passes = [float((column["score"][own & (column["member"] == side)] > 0).mean()) for side in (True, False)]
        found[name] = f"{100 * passes[0] / sum(passes):.0f} %" if sum(passes) else "-"
    return found


def tpr(row: RowEvidence, target: float) -> str:
    """With the false positive rate that was seen."""
    point: OperatingPoint | None = next((each for each in row.operating if each.fpr_target == target), None)
    if point is None or point.tpr is None or point.realised_fpr is None:
        return "not resolvable"
    return f"{100 * point.tpr.value:.1f} % ({100 * point.realised_fpr.value:.2f} %)"


def control(row: RowEvidence, kind: str) -> str:
    """AUC of the control of a kind that counts."""
    found: list[ControlEvidence] = [each for each in row.controls if each.kind == kind]
    chosen = next((each for each in found if each.counts), found[0] if found else None)
    return short(chosen.auc.value) if chosen else "-"


def figure(estimate: Estimate) -> str:
    """.543 [.519, .567]"""
    return f"{short(estimate.value)} [{short(estimate.low)}, {short(estimate.high)}]"


def short(value: float) -> str:
    """.543"""
    return f"{value:.3f}".replace("0.", ".", 1)


def commands(run: Sequence[str]) -> Iterator[str]:
    """Commands and times."""
    seconds = DOOR.taken()
    yield from ["## Commands", "", "`make bench-objects` runs these; seconds when each was made:", "", "```"]
    for command in run:
        yield f"{seconds[command]:6.0f}  mint-lightning {command}" if command in seconds else f"     ?  {command}"
    yield from ["```", ""]
    if "all networks" in seconds:
        yield f"The networks, two at a time on one thread each, took {seconds['all networks'] / 60:.0f} minutes in all."
    if "all tables" in seconds:
        yield f"The tables, two at a time on one thread each, took {seconds['all tables'] / 60:.0f} minutes in all."
