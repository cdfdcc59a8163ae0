"""benchmarks/evidence.md: how often the auditors are wrong, counted; the conclusions above its mark are people's."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.common.figures import write_below
from benchmarks.evidence import detectors
from benchmarks.evidence.asked import AUDITORS, MAKE, OTHERS, Asked
from mint_lightning.evidence import identity_rate

PAGE = Path(__file__).parents[1] / "evidence.md"
MARK = "<!-- below this line: written by make bench-evidence -->"
ALPHAS = (0.01, 0.05, 0.1)
GROUPS = {"externals": "strangers", "unseen": "unseen photos of members", "members": "training photos"}


def write(asked: Asked) -> None:
    """Write the figures; what stands above the mark is kept."""
    lines = [*_photos(asked.photos), *_people(asked.people), *_others(asked.others), *_pictures(asked.pictures)]
    lines += [*detectors.lines(), *_lists(asked.photos), *_commands(asked)]
    write_below(PAGE, MARK, "What the auditors say of people whose answer is known", lines)


def _rate(answers: pd.DataFrame, alpha: float) -> str:
    """Share that passes p <= alpha, people weighing equally, with its interval."""
    if answers.empty:
        return "-"
    found = identity_rate((answers["p"] <= alpha).to_numpy(), answers["person"].to_numpy())
    return f"{100 * found.value:.1f} % [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def _n(answers: pd.DataFrame, what: str = "photos") -> str:
    return f"{len(answers):,} {what} of {answers['person'].nunique():,} people"


def _photos(photos: pd.DataFrame) -> Iterator[str]:
    yield from ["## One photo", ""]
    yield (
        "Share of photos with p of at most 1, 5, 10 %, people weighing equally, with 95 % intervals. For strangers it "
        "is the false positive rate, and should be no more than what stands above the column. Photos outside the audit "
        "pass nothing and are counted."
    )
    yield from ["", "| auditor | photos | n | 1 % | 5 % | 10 % | outside |", "|---|---|---|---|---|---|---|"]
    for auditor in AUDITORS:
        for group, name in GROUPS.items():
            own = photos[(photos["auditor"] == auditor) & (photos["group"] == group)]
            rates = " | ".join(_rate(own, alpha) for alpha in ALPHAS)
            yield f"| {auditor} | {name} | {_n(own)} | {rates} | {100 * own['outside'].mean():.1f} % |"
    yield ""


def _people(people: pd.DataFrame) -> Iterator[str]:
    yield from ["## Several photos of one person", ""]
    yield (
        "Share of people of test whose photos together give p of at most alpha, asked at that alpha, which decides how "
        "many photos are compared (the largest number for which enough people calibrate). Of members every photo in "
        "the set counts, those held out from training too."
    )
    yield from [
        "",
        "| auditor | alpha | photos given | compared | strangers | people trained on |",
        "|---|---|---|---|---|---|",
    ]
    bins = {"1": (1, 1), "2 or 3": (2, 3), "4 to 7": (4, 7), "8 or more": (8, 10_000)}
    for auditor in AUDITORS:
        for alpha in ALPHAS:
            own = people[(people["auditor"] == auditor) & (people["alpha"] == alpha)]
            for name, (low, high) in bins.items():
                part = own[own["photos"].between(low, high)]
                used = part["used"][part["used"] > 0]
                compared = f"{used.min()} to {used.max()}" if len(used) else "-"
                cells = [
                    f"{_rate(each, alpha)} (n {len(each):,})"
                    for each in (part[part["group"] == group] for group in ("externals", "members"))
                ]
                yield f"| {auditor} | {100 * alpha:g} % | {name} | {compared} | {' | '.join(cells)} |"
    yield ""


def _others(others: pd.DataFrame) -> Iterator[str]:
    yield from ["## Strangers of another database", ""]
    yield "The same auditors, calibrated on LFW alone, asked about grey photos of a laboratory. The network saw none."
    yield from ["", "| database | auditor | n | outside | 1 % | 5 % | 10 % |", "|---|---|---|---|---|---|---|"]
    for name in OTHERS:
        for auditor in AUDITORS:
            own = others[(others["group"] == name) & (others["auditor"] == auditor)]
            rates = " | ".join(_rate(own, alpha) for alpha in ALPHAS)
            yield f"| {name} | {auditor} | {_n(own)} | {100 * own['outside'].mean():.1f} % | {rates} |"
    yield ""


def _pictures(pictures: pd.DataFrame) -> Iterator[str]:
    yield from ["## Pictures that are no faces", ""]
    yield (
        "Declared as aligned, so that no detector stands before them: share that the novelty check turns away as "
        "outside the audit, and share of all that passes p of at most 1 % in spite of it."
    )
    yield from [
        "",
        "| pictures | n | outside | " + " | ".join(AUDITORS) + " |",
        "|---|---|---|" + "---|" * len(AUDITORS),
    ]
    for name, own in pictures.groupby("group", sort=True):
        first = own[own["auditor"] == next(iter(AUDITORS))]
        passed = [f"{100 * (own[own['auditor'] == each]['p'] <= 0.01).mean():.1f} %" for each in AUDITORS]
        yield f"| {name} | {len(first)} | {100 * first['outside'].mean():.1f} % | {' | '.join(passed)} |"
    yield ""


def _lists(photos: pd.DataFrame) -> Iterator[str]:
    """Benjamini-Hochberg over one p per person of test: their first photo."""
    from mint_lightning.evidence import benjamini_hochberg

    yield from ["## A list of people", ""]
    yield (
        "One photo of each person of test (the first), Benjamini-Hochberg over all of them: how many are listed, and "
        "how many of these the network never saw."
    )
    yield from ["", "| auditor | n | listed at 5 % | false | listed at 20 % | false |", "|---|---|---|---|---|---|"]
    known = photos[photos["group"] != "unseen"]
    for auditor in AUDITORS:
        own = known[known["auditor"] == auditor].drop_duplicates("person")
        q = benjamini_hochberg(own["p"].to_numpy(np.float64))
        cells = []
        for level in (0.05, 0.2):
            listed = own[q <= level]
            cells += [f"{len(listed)}", f"{(listed['group'] == 'externals').sum()}"]
        yield f"| {auditor} | {len(own):,} | {' | '.join(cells)} |"
    yield ""


def _commands(asked: Asked) -> Iterator[str]:
    yield from ["## Commands", "", "`make bench-evidence` runs these (seconds of each question):", "", "```"]
    yield f"     -  mint-lightning {MAKE}"
    for command, seconds in asked.seconds.items():
        yield f"{seconds:6.0f}  mint-lightning {command}"
    yield "```"
