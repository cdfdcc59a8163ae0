"""Evidence as MLflow runs: one parent for a table, one child for each row, to sort, filter and plot."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mint_lightning.evidence import RowEvidence, RowScores, TableEvidence
from mint_lightning.files import write_json
from mint_lightning.report import figures
from mint_lightning.report.context import Context
from mint_lightning.report.html import write_html
from mint_lightning.report.markdown import render_markdown
from mint_lightning.tracking.entries import log_curve, log_metrics, log_params, log_shards, row_metrics, row_params
from mint_lightning.tracking.scores import write_scores
from mint_lightning.tracking.store import Store
from mint_lightning.tracking.view import set_view

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

NOTE_LIMIT = 8000


def log_table(
    evidence: TableEvidence,
    context: Context,
    *,
    store: Store,
    experiment: str = "tables",
    run_name: str | None = None,
    scores: Sequence[RowScores] = (),
    config: str | None = None,
    auditor: Path | None = None,
    tags: Mapping[str, str] | None = None,
    curves: Mapping[str, Sequence[float]] | None = None,
) -> str:
    """Log a table: a parent run with pictures, page and scores, and below it one run for each row. Returns its id.

    scores, if given, become `scores.parquet`; config becomes `config.yaml`; auditor is a folder to copy; curves are the
    AUC on validate after each epoch, by row. The parent is marked FAILED if anything goes wrong on the way, and what
    was logged stays.
    """
    client, experiment_id = store.client, store.experiment(experiment)
    set_view(client, experiment_id)
    name = run_name or f"{context.title} · {context.network_name}"
    parent = _create(client, experiment_id, name, _parent_tags(evidence, context) | dict(tags or {}))
    try:
        log_params(client, parent, _parent_params(evidence, context))
        log_shards(client, parent, context.manifests)
        log_metrics(client, parent, {"rows": len(evidence.rows), "rows_finding": sum(r.finds for r in evidence.rows)})
        for row in evidence.rows:
            _log_row(client, experiment_id, parent, row, context, (curves or {}).get(row.name, ()))
        log_evidence(client, parent, evidence, context, scores=scores, config=config)
        if auditor is not None:
            client.log_artifacts(parent, str(auditor), "auditor")
    except BaseException:
        client.set_terminated(parent, "FAILED")
        raise
    client.set_terminated(parent, "FINISHED")
    return parent


def log_evidence(
    client: "MlflowClient",
    run: str,
    evidence: TableEvidence,
    context: Context,
    *,
    scores: Sequence[RowScores] = (),
    config: str | None = None,
) -> None:
    """Put everything people read of this evidence into the artifacts of a run, and the table into its description."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_html(folder / "report.html", evidence, context)
        table = render_markdown(evidence, context)
        (folder / "table.md").write_text(table, encoding="utf-8")
        write_json(folder / "evidence.json", evidence.to_json())
        write_json(folder / "context.json", context.to_json())
        (folder / "pictures").mkdir()
        for picture in figures.pictures(evidence):
            (folder / "pictures" / f"{picture.name}.png").write_bytes(picture.png())
        if scores:
            write_scores(folder / "scores.parquet", scores)
        if config is not None:
            (folder / "config.yaml").write_text(config, encoding="utf-8")
        client.log_artifacts(run, place)
    client.set_tag(run, "mlflow.note.content", table[:NOTE_LIMIT])


def _create(client: "MlflowClient", experiment_id: str, name: str, tags: Mapping[str, str]) -> str:
    return str(client.create_run(experiment_id, run_name=name, tags=dict(tags)).info.run_id)


def _log_row(
    client: "MlflowClient",
    experiment_id: str,
    parent: str,
    row: RowEvidence,
    context: Context,
    curve: Sequence[float],
) -> None:
    tags = {
        "mlflow.parentRunId": parent,
        "kind": "row",
        "table": context.title,
        "finds": "yes" if row.finds else "no",
        "outcome": str(row.claim.outcome),
        **({"git_commit": context.git_commit} if context.git_commit else {}),
        **({"fingerprint": context.fingerprint} if context.fingerprint else {}),
    }
    run = _create(client, experiment_id, row.name, tags)
    log_params(client, run, row_params(row))
    log_metrics(client, run, row_metrics(row))
    log_curve(client, run, "validate_auc_by_epoch", curve)
    log_shards(client, run, context.manifests)
    client.set_tag(run, "mlflow.note.content", row.claim.reason)
    client.set_terminated(run, "FINISHED")


def has_run(store: Store, run: str) -> bool:
    """Whether the store has a run of that id that was not deleted."""
    from mlflow.exceptions import MlflowException

    try:
        return bool(store.client.get_run(run).info.lifecycle_stage == "active")
    except MlflowException:
        return False


def _parent_tags(evidence: TableEvidence, context: Context) -> dict[str, str]:
    tags = {
        "kind": "table",
        "table": context.title,
        "outcome": str(evidence.claim.outcome),
        "mlflow.source.name": context.command[:500],
        "mlflow.source.type": "LOCAL",
    }
    if context.git_commit:
        tags |= {"git_commit": context.git_commit, "mlflow.source.git.commit": context.git_commit[:40]}
    if context.fingerprint:
        tags["fingerprint"] = context.fingerprint
    return tags


def _parent_params(evidence: TableEvidence, context: Context) -> dict[str, Any]:
    found: dict[str, Any] = {"network": context.network_name, "seed": context.seed}
    if context.fingerprint:
        found["fingerprint"] = context.fingerprint
    return found | {"taps": ", ".join(dict.fromkeys(row.tap for row in evidence.rows if row.tap))}
