"""Auditors by the name people know them by: a folder, a finished table, a run or a model of the tracking store."""

import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from mint_lightning.auditor import AUDITOR_FILE, NETWORK
from mint_lightning.errors import UserError
from mint_lightning.evidence import TableEvidence
from mint_lightning.files import read_json
from mint_lightning.tracking.store import open_store

TABLE = "table.json"
MODEL = "models:/"
ARTIFACTS = "model/artifacts"
AUDITED = "audited"


@dataclass(frozen=True)
class Found:
    """An auditor's folder, and that of the network with its weights where it came with one."""

    auditor: Path
    network: Path | None = None


def find_auditor(name: str, into: Path) -> Found:
    """The auditor that `name` means; what must be fetched from the tracking store is put under `into`.

    name: an auditor's folder; a table's folder (the row that its verdict is about, or the best on validate of
    those that can judge a photo by themselves); the id of a run that `fit` or
    `table` logged; a registered model, "models:/NAME@best", "models:/NAME/3", or its NAME alone.

    Raises:
        UserError: it means none of these.
    """
    path = Path(name)
    if (path / AUDITOR_FILE).is_file():
        return Found(path, _beside(path))
    if (path / TABLE).is_file():
        auditor = _of_table(path)
        return Found(auditor, _beside(auditor))
    if path.exists():
        raise UserError(f"{path} is no auditor: it holds neither {AUDITOR_FILE} nor {TABLE}.")
    if re.fullmatch(r"[0-9a-f]{32}", name):
        return _of_run(name, into)
    return _of_model(name if name.startswith(MODEL) else f"{MODEL}{name}@best", into)


def _beside(auditor: Path) -> Path | None:
    """The network's folder beside an auditor, or beside the folder of a table's auditors, if it was copied there."""
    places = (auditor.parent / NETWORK, auditor.parent.parent / NETWORK)
    return next((place for place in places if (place / "card.json").is_file()), None)


def _of_table(folder: Path) -> Path:
    evidence = TableEvidence.from_json(read_json(folder / TABLE, "table")["evidence"])
    auditors = sorted(path.parent for path in (folder / "auditors").glob(f"*/{AUDITOR_FILE}"))
    if not auditors:
        raise UserError(
            f"The table {folder} left no auditor: a cross-fitted head is several heads on no one scale; make the table "
            "with --folds 0."
        )
    names = {read_json(path / AUDITOR_FILE, "auditor").get("name"): path for path in auditors}
    if evidence.claim.row in names:
        return names[evidence.claim.row]
    left = [row for row in evidence.rows if row.name in names and row.photos == 1]
    if not left:
        named = ", ".join(path.name for path in auditors)
        raise UserError(f"The table {folder} left no auditor of {evidence.claim.row!r}; name one of its: {named}.")
    best = max(left, key=lambda row: row.validate_auc or 0.0)
    warnings.warn(
        f"The row {evidence.claim.row!r}, of which the verdict of {folder} is, can judge no photo by itself; "
        f"{best.name!r} is asked, the best on validate of those that can.",
        stacklevel=2,
    )
    return names[best.name]


def _of_run(run: str, into: Path) -> Found:
    from mlflow.exceptions import MlflowException

    store = open_store(make=False)
    client = store.client
    try:
        tags = client.get_run(run).data.tags
        parent = tags.get("mlflow.parentRunId", run)
        role = client.get_run(run).data.params.get("role", AUDITED)
        if role != AUDITED:
            raise UserError(f"The run {run} is of a {role}, which audits nothing: give that of a row, or of its table.")
        places = [item.path for item in client.list_artifacts(parent)]
        if "auditor" in places:
            return Found(Path(client.download_artifacts(parent, "auditor", str(into))))
        if "auditors" not in places:
            raise UserError(f"The run {run} holds no auditor: it is of no head, or its heads were cross-fitted.")
        wanted = tags.get("row")
        if wanted is None:
            evidence = read_json(Path(client.download_artifacts(parent, "evidence.json", str(into))), "evidence")
            wanted = TableEvidence.from_json(evidence).claim.row
        folder = Path(client.download_artifacts(parent, "auditors", str(into)))
    except MlflowException as error:
        raise UserError(f"The tracking store {store.shown} has no such run with its files: {error.message}") from error
    known = {read_json(path, "auditor").get("name"): path.parent for path in sorted(folder.glob(f"*/{AUDITOR_FILE}"))}
    if wanted not in known:
        raise UserError(f"The run {run} has no auditor of {wanted!r}; it has {', '.join(map(str, known))}.")
    return Found(known[wanted])


def _of_model(uri: str, into: Path) -> Found:
    from mlflow.exceptions import MlflowException

    plain = uri.removeprefix(MODEL).removesuffix("@best")
    matched = re.fullmatch(r"models:/([^/@]+)(?:@([^/@]+)|/(\d+))", uri)
    if matched is None:
        raise UserError(f"{plain!r} is no auditor's folder, no run and no registered model (models:/NAME@best).")
    store = open_store(make=False)
    client, (name, alias, version) = store.client, matched.groups()
    try:
        found = (
            client.get_model_version_by_alias(name, alias)
            if alias is not None
            else client.get_model_version(name, version)
        )
        folder = Path(client.download_artifacts(str(found.run_id), ARTIFACTS, str(into)))
    except MlflowException as error:
        known = ", ".join(model.name for model in client.search_registered_models()) or "none"
        raise UserError(
            f"There is no folder {plain!r}, and the tracking store {store.shown} has no model {uri!r}; its models: "
            f"{known}."
        ) from error
    found_at = next((path.parent for path in folder.glob(f"*/{AUDITOR_FILE}")), None)
    if found_at is None:
        raise UserError(f"The model {uri} holds no auditor: it was not registered by `mint-lightning table`.")
    return Found(found_at, folder / NETWORK)
