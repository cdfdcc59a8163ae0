"""A finished table's runs and its model, in the tracking store: once, and again only where the store lost them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mint_lightning.errors import UserError
from mint_lightning.evidence import TableEvidence
from mint_lightning.files import read_json, write_json
from mint_lightning.report import Context
from mint_lightning.tracking.store import Store, open_store

RUN = "run.json"


def track(
    evidence: TableEvidence,
    context: Context,
    folder: Path,
    experiment: str,
    asked: Mapping[str, Any],
    *,
    register: bool = True,
) -> None:
    """Log the runs of the table in `folder`, and register its best head, unless the store has them already.

    What was done stands in `run.json`, so the same command goes on where the store failed.

    Raises:
        UserError: the store failed; the figures are on disk by then.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    from mint_lightning.tracking.runs import has_run, log_table

    path, note, what = folder / RUN, {}, "runs are"
    try:
        store = open_store()
        if path.is_file():
            note = read_json(path, "note of the run")
        if not has_run(store, str(note.get("run"))):
            config = yaml.safe_dump(dict(asked), sort_keys=False, allow_unicode=True)
            run = log_table(evidence, context, store=store, experiment=experiment, folder=folder, config=config)
            note = {"uri": store.shown, "run": run}
            write_json(path, note)
        if register and "model" not in note:
            what = "model is"
            note["model"] = _register(store, note["run"], evidence, folder)
            write_json(path, note)
    except (UserError, MlflowException, SQLAlchemyError, OSError) as error:
        raise UserError(
            f"The table stands in {folder}, but the tracking store failed, so its {what} not logged: "
            f"{str(error).rstrip('.')}. The same command logs them once the store answers."
        ) from error


def _register(store: Store, run: str, evidence: TableEvidence, folder: Path) -> str | None:
    """Register the best head and say how to load it; its uri, or None where there is nothing to register."""
    from mint_lightning.tracking.registry import NothingToRegister, register

    try:
        found = register(store, run, folder, evidence)
    except NothingToRegister as why:
        print(f"No model was registered: {why}.")
        return None
    stays = "" if found.best else f"; {found.name}@best stays at an earlier version, which did better on validate"
    print(f'Registered: mlflow.pyfunc.load_model("{found.uri}"), version {found.version}{stays}.')
    return found.uri
