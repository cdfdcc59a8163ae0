"""A finished table's runs and its model, in the tracking store: once, and again only where the store lost them."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mint_lightning.commands.parsing import say
from mint_lightning.errors import UserError
from mint_lightning.evidence import TableEvidence
from mint_lightning.files import read_json, sha256_json, write_json
from mint_lightning.report import Context
from mint_lightning.tracking.outage import outage
from mint_lightning.tracking.sending import known_as
from mint_lightning.tracking.store import DEFAULT_URI, Store, Unreachable, open_store
from mint_lightning.tracking.unsent import LOCAL, PLACE, TAG, without_secrets

RUN = "run.json"


def track(
    evidence: TableEvidence,
    context: Context,
    folder: Path,
    experiment: str,
    asked: Mapping[str, Any],
    *,
    register: bool = True,
    uri: str | None = None,
    wait: bool = True,
) -> None:
    """Log the runs of the table in `folder`, and register its best head, unless the store has them already.

    What was done stands in `run.json`, so the same command goes on where the store failed. Where the store is out of
    reach and `wait`, a note for `mint-lightning sync` is left: all that is to be sent lies in `folder`.

    Raises:
        UserError: the store failed; the figures are on disk by then.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    from mint_lightning.tracking.runs import has_run, log_table

    path, note, what = folder / RUN, {}, "runs are"
    try:
        store = open_store(uri=uri)
        if path.is_file():
            note = read_json(path, "note of the run")
        if not has_run(store, str(note.get("run"))):
            config = yaml.safe_dump(dict(asked), sort_keys=False, allow_unicode=True)
            which = [evidence.to_json(), str(folder), experiment]
            tags = {} if wait else {TAG: LOCAL + sha256_json(which)[:32]}
            run = _logged(store, tags) or log_table(
                evidence, context, store=store, experiment=experiment, folder=folder, config=config, tags=tags
            )
            note = {"uri": store.shown, "run": run}
            write_json(path, note)
        if register and "model" not in note:
            what = "model is"
            note["model"] = _register(store, note["run"], evidence, folder)
            write_json(path, note)
    except (UserError, MlflowException, SQLAlchemyError, OSError) as error:
        reason = error.reason if isinstance(error, Unreachable) else outage(error)
        if reason is not None and wait:
            _wait(folder, experiment, register)
            say(
                f"The tracking store does not take the table ({reason}), so its {what} not logged yet: it stands in "
                f"{folder}, and `mint-lightning sync` logs it once the store answers."
            )
            return
        raise UserError(
            f"The table stands in {folder}, but the tracking store failed, so its {what} not logged: "
            f"{str(error).rstrip('.')}. The same command logs them once the store answers."
        ) from error
    note_of(folder).unlink(missing_ok=True)


def note_of(folder: Path) -> Path:
    """Where a table that waits to be logged is noted."""
    place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]
    return PLACE / f"table-{folder.name}-{place}.json"


def _logged(store: Store, tags: Mapping[str, str]) -> str | None:
    """The finished run of a table that was sent, where sending was stopped before it was noted."""
    run = known_as(store.client, tags[TAG]) if TAG in tags else None
    return run if run is not None and store.client.get_run(run).info.status == "FINISHED" else None


def _wait(folder: Path, experiment: str, register: bool) -> None:
    uri = os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
    facts = {"table": str(folder), "experiment": experiment, "register": register}
    write_json(note_of(folder), facts | {"store": without_secrets(uri, Path())})


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
