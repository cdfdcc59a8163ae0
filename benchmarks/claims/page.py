"""benchmarks/claims.md: claims counted, beside what chance allows; conclusions above its mark are people's."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binom

from benchmarks.common.figures import machine_words, write_below
from benchmarks.common.jobs import Result
from mint_lightning.evidence import clopper_pearson

MARK = "<!-- below this line: written by make bench-claims -->"
NOMINAL = 0.025


def write(page: Path, results: Sequence[Result], on: Mapping[str, Any]) -> None:
    """Write the counts so far; what stands above the mark is kept."""
    turns: dict[str, list[Mapping[str, Any]]] = {}
    for _, _, found in results:
        for change, own in found["turns"].items():
            turns.setdefault(change, []).extend(own)
    every = [turn for own in turns.values() for turn in own]
    first = results[0][1]
    about = (
        f"{len(first['networks'])} networks, {first['identities']} people with three photos in each group, "
        f"{len(results)} seeds. A table has four rows (Vanilla at conv4 and at the outcome, embedding norm, flip "
        "agreement), two untrained twins, three heads on pixels, and the other networks as references. A claim may be "
        f"made by chance in {100 * NOMINAL:g} % of the tables."
    )
    heading = (
        "| outsiders | tables | claims | share, 95 % interval | chance allows (95 % of cases) | claims, no references "
        "| a row beyond its references | rows above every control | mean AUC of Vanilla conv4 / outcome |"
    )
    note = (
        "A row beyond its references passes the t test of the second route by itself; a claim also needs it above "
        "every control, the pixels too, which know each of these changes. Intervals and what chance allows take "
        "tables as independent; the networks of a pool share their groups, so both are too narrow."
    )
    lines = [machine_words(on, "make bench-claims"), "", about, "", heading]
    lines.append("|---|---:|---:|---|---:|---:|---|---:|---|")
    lines += [*(_line(name, own) for name, own in turns.items()), _line("**all**", every), "", note]
    write_below(page, MARK, "How often membership is claimed where there is none", lines)


def _line(name: str, turns: Sequence[Mapping[str, Any]]) -> str:
    claims, count = sum(turn["claims"] for turn in turns), len(turns)
    low, high = clopper_pearson(claims, count)
    allowed = int(binom.ppf(0.95, count, NOMINAL))
    aucs = [np.mean([turn["auc"][f"Vanilla {tap}"] for turn in turns]) for tap in ("conv4", "outcome")]
    found = np.mean([len(turn["finds"]) for turn in turns])
    beyond = sum(bool(turn["passes"]) for turn in turns)
    rare, often = clopper_pearson(beyond, count)
    cells = (
        name,
        count,
        claims,
        f"{100 * claims / count:.1f} % [{100 * low:.1f}, {100 * high:.1f}]",
        allowed,
        sum(turn["claims_without"] for turn in turns),
        f"{beyond}: {100 * beyond / count:.1f} % [{100 * rare:.1f}, {100 * often:.1f}]",
        f"{found:.2f} of 4",
        f"{aucs[0]:.3f} / {aucs[1]:.3f}",
    )
    return f"| {' | '.join(map(str, cells))} |"
