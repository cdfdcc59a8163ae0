"""What a bundle is made of: a finished table, a run of the tracking store, or an auditor."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mint_lightning.auditor import AUDITOR_FILE, Auditor, load_auditor
from mint_lightning.errors import UserError
from mint_lightning.evidence import RowEvidence, RowScores, ScoreSet, TableEvidence, folds, weigh
from mint_lightning.files import read_json
from mint_lightning.report import Context

TABLE = "table.json"
ALONE = (
    "This bundle is of one auditor without its table: figures are recomputed from its own scores, and nothing may be "
    "claimed from them, for the controls stand in the table's bundle."
)


@dataclass(frozen=True)
class Source:
    """Evidence, its context, what was asked for, and the folder in which the scores lie.

    rows: scores to be written where no folder has them as a table does; stated: what a table said of an auditor's row,
    which its scores alone cannot show again.
    """

    kind: str
    evidence: TableEvidence
    context: Context
    config: Mapping[str, Any]
    folder: Path
    rows: tuple[RowScores, ...] = ()
    stated: RowEvidence | None = None
    limits: tuple[str, ...] = ()


def of_folder(folder: Path) -> Source:
    """Of the folder of a table, or of an auditor; an auditor that lies in its table's folder is that table.

    Raises:
        UserError: it is neither, or is damaged.
    """
    if (folder / TABLE).is_file():
        return _of_table(folder)
    if (folder / AUDITOR_FILE).is_file():
        table = folder.resolve().parent.parent
        return _of_table(table) if (table / TABLE).is_file() else _of_auditor(folder)
    if (folder / "bundle.json").is_file():
        raise UserError(f"{folder} is a bundle already: mint-lightning verify-bundle {folder} checks it.")
    if (folder / "evidence.json").is_file() and (folder / "context.json").is_file():
        return _of_artifacts(folder)
    raise UserError(f"{folder} is no table and no auditor: it holds neither {TABLE} nor {AUDITOR_FILE}.")


def _of_table(folder: Path) -> Source:
    document = read_json(folder / TABLE, "table")
    try:
        evidence, context = document["evidence"], document["context"]
        request = dict(document.get("request") or {})
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"The table {folder} is not whole: it lacks {error}.") from error
    return Source("table", TableEvidence.from_json(evidence), Context.from_json(context), request, folder)


def _of_artifacts(folder: Path) -> Source:
    """Of what a run of one head logged: its figures on test, and the scores behind them."""
    evidence = TableEvidence.from_json(read_json(folder / "evidence.json", "evidence"))
    context = Context.from_json(read_json(folder / "context.json", "context"))
    config = folder / "config.yaml"
    asked = {"config.yaml": config.read_text(encoding="utf-8")} if config.is_file() else {}
    return Source("head", evidence, context, asked, folder)


def _of_auditor(folder: Path) -> Source:
    auditor = load_auditor(folder)
    card = auditor.card
    row = _row(auditor, folder)
    evidence = weigh(
        [row], random_partition=False, no_claim="its controls are not among its scores", subject=card.subject
    )
    context = Context.now(
        card.name,
        f"mint-lightning report {folder.name}",
        {name: value for name, value in card.network.items() if name in ("name", "fingerprint")},
        {"shards": str(card.membership["shards"])},
        declared=(f"The members are those of {card.membership.get('how')}.",),
    )
    config = {"kind": card.kind, "taps": card.taps, "arguments": dict(card.arguments), "heads": card.heads}
    return Source("auditor", evidence, context, config, folder, (row,), card.evidence, (ALONE, *card.limits))


def with_folds(scores: ScoreSet) -> ScoreSet:
    """Out-of-fold scores with folds of their own, where they had none: of people's names they would be drawn anew when
    these become numbers."""
    if not scores.cross_fitted or scores.fold is not None:
        return scores
    return replace(scores, fold=folds(scores.source, scores.identity, scores.member))


def _row(auditor: Auditor, folder: Path) -> RowScores:
    card, scores = auditor.card, with_folds(auditor.scores)
    if not scores.cross_fitted and not (scores.split == "test").any():
        raise UserError(
            f"The auditor {folder} holds the scores of calibrate alone, so it states no error rate: run "
            "`mint-lightning test` and give its run, or make a table."
        )
    fitted = card.heads if card.evidence is None else card.evidence.samples
    head = "score" if card.evidence is not None and card.evidence.head == "score" else card.kind
    tap = card.evidence.tap if card.evidence is not None else " + ".join(card.taps)
    samples = fitted if card.evidence is not None else 0
    return RowScores(card.name, head, tap, 0, samples, scores, photos=card.set_size)
