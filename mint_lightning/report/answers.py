"""The answers of an audit: printed as a table, written as JSON and CSV."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mint_lightning import __version__
from mint_lightning.auditor import Answer, Auditor, Question
from mint_lightning.auditor.answers import summary
from mint_lightning.evidence import Outcome
from mint_lightning.files import atomic_path, write_json
from mint_lightning.report.layout_console import RULES
from mint_lightning.report.tidy import as_csv

SCHEMA_VERSION = 1
SHOWN = 30
WIDE = 140
LEFT_OUT = 5


def write_answers(
    folder: Path,
    answers: Sequence[Answer],
    left_out: Sequence[tuple[str, str]],
    auditors: Mapping[str, Auditor],
    question: Question,
) -> None:
    """Write `audit.json`, which holds everything, and `audit.csv`, one line per answer, in place of those there."""
    with atomic_path(folder) as temporary:
        temporary.mkdir(parents=True)
        (temporary / "audit.csv").write_text(as_csv([_record(each) for each in answers]), encoding="utf-8")
        write_json(
            temporary / "audit.json",
            {
                "schema_version": SCHEMA_VERSION,
                "tool_version": __version__,
                "question": question.to_json(),
                "auditors": [_about(name, auditor) for name, auditor in auditors.items()],
                "answers": [each.to_json() for each in answers],
                "left_out": [{"photo": photo, "reason": reason} for photo, reason in left_out],
            },
        )


def _record(answer: Answer) -> dict[str, Any]:
    value = answer.to_json()
    precision = value.pop("posterior") or {}
    return {
        **value,
        "prior": precision.get("prior"),
        "precision": precision.get("value"),
        "precision_low": precision.get("low"),
    }


def _about(name: str, auditor: Auditor) -> dict[str, Any]:
    card = auditor.card
    return {
        "name": name,
        "network": card.network["name"],
        "fingerprint": card.fingerprint,
        "pixels": dict(card.pixels),
        "membership": dict(card.membership),
        "limits": list(card.limits),
        "claim": card.evidence.claim.to_json() if card.evidence is not None else None,
    }


def print_answers(
    answers: Sequence[Answer],
    left_out: Sequence[tuple[str, str]],
    auditors: Mapping[str, Auditor],
    question: Question,
    console: Console | None = None,
) -> None:
    """Print the answers, those of the smallest p first where there are many, and how to read them."""
    if console is None:
        console = Console()
        if not console.is_terminal:
            console = Console(width=WIDE)
    shown = sorted(answers, key=lambda each: each.p_adjusted)[:SHOWN] if len(answers) > SHOWN else answers
    table = Table(box=RULES, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    people = question.group_by != "none"
    for heading in ("Person" if people else "Photo", "Auditor", *(["Photos"] if people else []), "p", "q", "Answer"):
        table.add_column(heading, justify="right" if heading in ("Photos", "p", "q") else "left", overflow="fold")
    for each in shown:
        photos = [f"{each.photos - each.outside}"] if people else []
        style = "bold" if each.outcome is Outcome.SCORES_LIKE_TRAINING_PHOTOS else ""
        numbers = ["-", "-"] if each.outcome is Outcome.OUTSIDE else [f"{each.p_adjusted:.2g}", f"{each.q:.2g}"]
        said = Text.assemble((str(each.outcome), style), f"\n{each.sentence}" if len(answers) <= SHOWN else "")
        table.add_row(Text(each.unit), Text(each.auditor), *photos, *numbers, said)
    console.print(table)
    for line in _notes(answers, left_out, auditors, question):
        console.print(Text(line))


def _notes(
    answers: Sequence[Answer],
    left_out: Sequence[tuple[str, str]],
    auditors: Mapping[str, Auditor],
    question: Question,
) -> list[str]:
    lines = [""]
    if len(answers) > SHOWN:
        counts = ", ".join(f"{count:,} {outcome}" for outcome, count in summary(answers).items() if count)
        lines.append(f"{len(answers):,} answers, the {SHOWN} with the smallest p shown: {counts}.")
    many = len({each.unit for each in answers}) > 1
    lines.append(
        f"p: how often an outsider scores as high{', adjusted for all asked about it' if len(auditors) > 1 else ''}; "
        f"an answer is given below {100 * question.alpha:g} %."
    )
    if many:
        listed = len({each.unit for each in answers if each.listed})
        lines.append(
            f"q: of all with a q of at most {100 * question.fdr:g} % (here {listed}), no more than that share is wrong "
            "on average. One answer alone, out of many, is no finding."
        )
    outside = sum(each.outside for each in answers) // max(len(auditors), 1)
    if outside:
        lines.append(f"{outside:,} faces are unlike what was calibrated on, and were not judged.")
    if left_out:
        shown = "; ".join(f"{photo}: {reason}" for photo, reason in left_out[:LEFT_OUT])
        lines.append(
            f"{len(left_out):,} photos could not be used ({shown}{'; ...' if len(left_out) > LEFT_OUT else ''})."
        )
    for name, auditor in auditors.items():
        lines += [f"{name}: {limit}" for limit in auditor.card.limits]
    return lines
