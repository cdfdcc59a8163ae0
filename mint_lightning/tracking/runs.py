"""Evidence as MLflow runs: a parent for a table, below it a run for each row and one for each head alone (a cell)."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mint_lightning.evidence import HeadFigures, RowEvidence, RowScores, TableEvidence
from mint_lightning.files import sha256_json, write_json
from mint_lightning.report import figures
from mint_lightning.report.context import Context
from mint_lightning.report.html import write_html
from mint_lightning.report.markdown import render_markdown
from mint_lightning.report.scores import write_scores
from mint_lightning.tracking import entries
from mint_lightning.tracking.children import Child, failing, remove_attempts, write_children
from mint_lightning.tracking.store import Store
from mint_lightning.tracking.view import set_views

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

NOTE_LIMIT = 8000
FACTS = ("access", "precision", "channels_last")
NOT_COPIED = ("table.json", "run.json")  # the evidence and the config are logged as files of their own


def log_table(
    evidence: TableEvidence,
    context: Context,
    *,
    store: Store,
    experiment: str = "tables",
    run_name: str | None = None,
    folder: Path | None = None,
    config: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> str:
    """Log a table: a parent run with what people read, then a run for each row and each head alone. Returns its id.

    folder is the finished table, whose files are copied; without it page, table and pictures are drawn anew. config
    becomes `config.yaml`. If anything goes wrong on the way, the parent is marked FAILED and no run of those below it
    is left open; what such an attempt left is deleted when the same evidence is logged again.
    """
    client, experiment_id = store.client, store.experiment(experiment)
    set_views(client, experiment_id)
    mark = sha256_json(evidence.to_json())
    remove_attempts(store, experiment_id, mark)
    own = {**_parent_tags(evidence, context), "evidence": mark, **dict(tags or {})}
    name = run_name or f"{context.title} · {context.network_name}"
    parent = str(client.create_run(experiment_id, run_name=name, tags=own).info.run_id)
    with failing(client, parent):
        entries.log_params(client, parent, _parent_params(evidence, context))
        entries.log_shards(client, parent, context.manifests)
        counts = {"rows": len(evidence.rows), "rows_finding": sum(row.finds for row in evidence.rows)}
        entries.log_metrics(client, parent, counts)
        log_evidence(client, parent, evidence, context, folder=folder, config=config)
        write_children(store, experiment_id, parent, list(_children(evidence, context)))
        client.set_terminated(parent, "FINISHED")
    return parent


def log_evidence(
    client: "MlflowClient",
    run: str,
    evidence: TableEvidence,
    context: Context,
    *,
    folder: Path | None = None,
    scores: Sequence[RowScores] = (),
    config: str | None = None,
) -> None:
    """Put everything people read of this evidence into the artifacts of a run, and the table into its description.

    folder, a finished table, is copied with all its files; without one, page and table are drawn and `scores` written.
    """
    table = render_markdown(evidence, context)
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        if folder is None:
            write_html(place / "report.html", evidence, context)
            (place / "table.md").write_text(table, encoding="utf-8")
            if scores:
                write_scores(place / "scores.parquet", scores)
        write_json(place / "evidence.json", evidence.to_json())
        write_json(place / "context.json", context.to_json())
        (place / "pictures").mkdir()
        for picture in figures.pictures(evidence):
            (place / "pictures" / f"{picture.name}.png").write_bytes(picture.png())
        if config is not None:
            (place / "config.yaml").write_text(config, encoding="utf-8")
        client.log_artifacts(run, temporary)
    if folder is not None:
        _copy(client, run, folder)
    client.set_tag(run, "mlflow.note.content", table[:NOTE_LIMIT])


def _copy(client: "MlflowClient", run: str, folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        if path.name in NOT_COPIED or path.name.startswith("."):
            continue
        if path.is_dir():
            client.log_artifacts(run, str(path), path.name)
        else:
            client.log_artifact(run, str(path))


def _children(evidence: TableEvidence, context: Context) -> Iterator[Child]:
    """Rows first: if the store fails, they are what is most worth having."""
    common = {"table": context.title}
    if context.git_commit:
        common["git_commit"] = context.git_commit
    if context.fingerprint:
        common["fingerprint"] = context.fingerprint
    for row in evidence.rows:
        own = {"outcome": str(row.claim.outcome), "mlflow.note.content": row.claim.reason[:NOTE_LIMIT]}
        tags = common | {"kind": "row", "row": row.name, "role": "audited", "finds": _finds(row)} | own
        yield Child(row.name, tags, entries.row_params(row), entries.row_metrics(row))
    for row in evidence.rows:
        for head in row.heads:
            yield _cell(head, row, common)
    for head in evidence.pixel_heads:
        yield _cell(head, None, common)


def _cell(head: HeadFigures, row: RowEvidence | None, common: Mapping[str, str]) -> Child:
    """One head alone; `finds` is that of the row it belongs to, as no single head decides."""
    place = row.name if row is not None else head.network
    name = f"{place} · {head.network} · seed {head.seed}" if row is not None else f"{place} · seed {head.seed}"
    own = {"kind": "cell", "row": place, "role": head.role, "finds": _finds(row) if row is not None else "-"}
    return Child(name, {**common, **own}, entries.cell_params(head, row), entries.cell_metrics(head), head.curve)


def _finds(row: RowEvidence) -> str:
    return "yes" if row.finds else "no"


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
    found |= {name: context.network[name] for name in FACTS if name in context.network}
    return found | {"taps": ", ".join(dict.fromkeys(row.tap for row in evidence.rows if row.tap))}
