"""The answers of an audit, printed as a table with how to read it."""

from collections.abc import Callable, Mapping
from math import ceil

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mint_lightning.auditor import Answers, Auditor
from mint_lightning.auditor.answers import summary
from mint_lightning.evidence import Outcome
from mint_lightning.evidence.verdict import percent
from mint_lightning.evidence.words import FACES, term, words
from mint_lightning.report.layout_console import RULES

SHOWN = 30
WIDE = 140
LEFT_OUT = 5


def print_answers(answers: Answers, auditors: Mapping[str, Auditor], console: Console | None = None) -> None:
    """Print the answers, those of the smallest p first where there are many, and how to read them."""
    if console is None:
        console = Console()
        if not console.is_terminal:
            console = Console(width=WIDE)
    question = answers.question
    shown = answers.smallest(SHOWN) if len(answers) > SHOWN else answers[:]
    table = Table(box=RULES, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    said: Callable[[str], str] = lambda text: term(text, question.language, answers.subject)  # noqa: E731
    grouped = question.grouped
    unit = ("Person" if answers.subject == FACES else "Object") if grouped else "Photo"
    for heading in (unit, "Auditor", *(["Photos"] if grouped else []), "p", "q", "Answer"):
        table.add_column(said(heading), justify="right" if heading in ("Photos", "p", "q") else "left", overflow="fold")
    for each in shown:
        photos = [f"{each.judged}"] if grouped else []
        style = "bold" if each.outcome is Outcome.SCORES_LIKE_TRAINING_PHOTOS else ""
        numbers = ["-", "-"] if each.outcome is Outcome.OUTSIDE else [f"{each.p_adjusted:.2g}", f"{each.q:.2g}"]
        sentence = f"\n{each.sentence}" if len(answers) <= SHOWN else ""
        row = Text.assemble((said(str(each.outcome)), style), sentence)
        table.add_row(Text(said(each.unit)), Text(each.auditor), *photos, *numbers, row)
    console.print(table)
    for line in _notes(answers, auditors):
        console.print(Text(line))


def _notes(answers: Answers, auditors: Mapping[str, Auditor]) -> list[str]:
    question, scored = answers.question, answers.scored
    language, subject = question.language, answers.subject
    say = words(language, subject)
    lines = [""]
    if len(answers) > SHOWN:
        counts = [f"{count:,} {term(str(outcome), language)}" for outcome, count in summary(answers).items() if count]
        lines.append(say("many", answers=f"{len(answers):,}", shown=str(SHOWN), counts=", ".join(counts)))
    adjusted = bool((answers.asked > 1).any())
    lines.append(say("what_p_adjusted" if adjusted else "what_p", alpha=percent(question.alpha)))
    if len(answers.units) > 1:
        lines += _about_list(answers, say)
    outside, learnt = (
        int(each.reshape(-1, len(auditors)).max(axis=1).sum()) for each in (answers.outside, answers.own)
    )
    merged = sum(unit.merged for unit in answers.units)
    for count, name, what in (
        (outside, "left_outside", "face" if subject == FACES else "photo"),
        (merged, "merged", "photo"),
        (learnt, "own_people", "photo"),
    ):
        if count:
            counted = _count(count, what, language)
            lines.append(say(name, **{"faces" if name == "left_outside" else "photos": counted}))
    if scored.left_out:
        first = [f"{photo}: {term(reason, language)}" for photo, reason in scored.left_out[:LEFT_OUT]]
        which = "; ".join([*first, *(["..."] if len(scored.left_out) > LEFT_OUT else [])])
        lines.append(say("unusable", photos=_count(len(scored.left_out), "photo", language), which=which))
    for name, auditor in auditors.items():
        lines += [f"{name}: {term(limit, language, auditor.card.subject)}" for limit in auditor.card.limits]
    return lines


def _about_list(answers: Answers, say: Callable[..., str]) -> list[str]:
    fdr = answers.question.fdr
    high = np.flatnonzero(answers.p_adjusted <= answers.question.alpha)
    listed = len({answers[int(place)].unit for place in high[answers.q[high] <= fdr] if answers[int(place)].listed})
    lines = [say("what_q", fdr=percent(fdr), listed=str(listed))]
    if not listed and len(high) and answers.list_floor > fdr:
        least = ceil(answers.list_floor / fdr - 1e-9)
        asked = f"{len(answers.units):,}"
        lines.append(say("list_floor", asked=asked, q=f"{min(answers.list_floor, 1.0):.2g}", least=f"{least:,}"))
    return lines


def _count(count: int, what: str, language: str) -> str:
    return f"{count:,} {term(what if count == 1 else f'{what}s', language)}"
