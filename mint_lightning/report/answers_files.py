"""The answers of an audit as files, written as they come: JSON, which holds everything, and CSV, a line per answer."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mint_lightning import __version__
from mint_lightning.auditor import Answer, Answers, Auditor
from mint_lightning.errors import UserError
from mint_lightning.evidence.words import term
from mint_lightning.files import atomic_path
from mint_lightning.report.tidy import csv_line

SCHEMA_VERSION = 2
JSON, CSV = "audit.json", "audit.csv"


def refuse_other_files(folder: Path) -> None:
    """Raise `UserError` where `folder` holds more than an audit, which would be lost when it is replaced."""
    if folder.is_dir() and (other := sorted({path.name for path in folder.iterdir()} - {JSON, CSV})):
        raise UserError(f"{folder} holds {other[0]!r} beside an audit: name another folder, or move that away.")


def write_answers(folder: Path, answers: Answers, auditors: Mapping[str, Auditor], *, detector: str | None) -> None:
    """Write `audit.json` and `audit.csv` in place of those there. detector: what cut the faces, None where none did."""
    scored, language = answers.scored, answers.question.language
    head = {
        "schema_version": SCHEMA_VERSION,
        "tool_version": __version__,
        "question": answers.question.to_json(),
        "detector": detector,
        "auditors": [_about(name, auditor, language) for name, auditor in auditors.items()],
        "left_out": [{"photo": photo, "reason": reason} for photo, reason in scored.left_out],
    }
    with atomic_path(folder) as temporary:
        temporary.mkdir(parents=True)
        with (
            (temporary / CSV).open("w", encoding="utf-8", newline="") as table,
            (temporary / JSON).open("w", encoding="utf-8") as document,
        ):
            opened = json.dumps(head, indent=2, ensure_ascii=False, allow_nan=False)
            document.write(opened.removesuffix("\n}") + ',\n  "answers": [')
            for number, answer in enumerate(answers):
                record = _record(answer)
                if number == 0:
                    table.write(csv_line(list(record)))
                table.write(csv_line(list(record.values())))
                value = {**answer.to_json(), "outcome_words": term(str(answer.outcome), language)}
                document.write(",\n    " if number else "\n    ")
                document.write(json.dumps(value, ensure_ascii=False, allow_nan=False))
            document.write("\n  ]\n}\n")


def _record(answer: Answer) -> dict[str, Any]:
    value = answer.to_json()
    known = answer.posterior
    del value["posterior"]
    return {
        **value,
        "prior": known.prior if known else None,
        "precision": known.value if known else None,
        "precision_low": known.low if known else None,
    }


def _about(name: str, auditor: Auditor, language: str) -> dict[str, Any]:
    card = auditor.card
    claim = card.evidence.claim if card.evidence is not None else None
    return {
        "name": name,
        "network": card.network["name"],
        "fingerprint": card.fingerprint,
        "access": dict(card.network.get("run") or {}).get("access"),
        "pixels": dict(card.pixels),
        "membership": dict(card.membership),
        "subject": card.subject,
        "limits": [term(limit, language, card.subject) for limit in card.limits],
        "claim": claim.to_json() if claim is not None else None,
        "claim_words": claim.why(language, card.subject) if claim is not None else None,
    }
