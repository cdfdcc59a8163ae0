"""Tables that were logged at any time, read back from the tracking store."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mint_lightning.errors import UserError
from mint_lightning.evidence import TableEvidence
from mint_lightning.files import read_json
from mint_lightning.report.across import Audited
from mint_lightning.report.context import Context
from mint_lightning.tracking.store import Store

TABLES = "tags.kind = 'table' and attributes.status = 'FINISHED'"


@dataclass(frozen=True)
class History:
    """The tables of a store, newest last; skipped: one sentence for each run that could not be read."""

    tables: tuple[Audited, ...]
    skipped: tuple[str, ...]


def read_tables(store: Store, experiments: Sequence[str] = (), *, every: bool = False) -> History:
    """The finished tables of these experiments (default: of all), read through the MLflow client.

    Of each table name and network fingerprint the latest run alone, or, with every, all of them. A run whose evidence
    is missing, damaged or of another schema version is skipped with a sentence that names it.

    Raises:
        UserError: an experiment is unknown, there is no table, or the store fails.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        names = _experiments(store, experiments)
        runs = _latest(_runs(store, list(names))) if not every else list(_runs(store, list(names)))
    except (MlflowException, SQLAlchemyError) as error:
        raise UserError(f"The tracking store {store.shown} cannot be read: {_sentence(error)}.") from error
    if not runs:
        where = f"experiment {', '.join(experiments)}" if experiments else "any experiment"
        raise UserError(f"No table was finished in {where} of {store.shown}: run `mint-lightning table` first.")
    found, skipped = [], []
    for run in reversed(runs):
        try:
            found.append(_read(store, run, names[run.info.experiment_id]))
        except (UserError, MlflowException, OSError) as error:
            skipped.append(f"Skipped {run.info.run_name!r}, run {run.info.run_id[:8]}: {_sentence(error)}.")
    return History(tuple(found), tuple(skipped))


def _experiments(store: Store, names: Sequence[str]) -> dict[str, str]:
    """Name by id of the experiments asked for, or of all."""
    known = {each.name: str(each.experiment_id) for each in _pages(store.client.search_experiments)}
    for name in names:
        if name not in known:
            raise UserError(
                f"There is no experiment {name!r} in {store.shown}; there are {', '.join(sorted(known)) or 'none'}."
            )
    return {known[name]: name for name in names or known}


def _runs(store: Store, ids: list[str]) -> Iterator[Any]:
    """Runs of finished tables, the latest first."""
    yield from _pages(
        store.client.search_runs, experiment_ids=ids, filter_string=TABLES, order_by=["attributes.start_time DESC"]
    )


def _pages(search: Any, **asked: Any) -> Iterator[Any]:
    token = None
    while True:
        page = search(**asked, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _latest(runs: Iterator[Any]) -> list[Any]:
    """The first, that is the latest, of each table name and network."""
    kept: dict[tuple[str | None, str | None], Any] = {}
    for run in runs:
        kept.setdefault((run.data.tags.get("table"), run.data.tags.get("fingerprint")), run)
    return list(kept.values())


def _read(store: Store, run: Any, experiment: str) -> Audited:
    with tempfile.TemporaryDirectory() as folder:
        documents = []
        for name in ("evidence.json", "context.json"):
            path = store.client.download_artifacts(run.info.run_id, name, folder)
            documents.append(read_json(Path(path), name))
    return Audited(
        evidence=TableEvidence.from_json(documents[0]),
        context=Context.from_json(documents[1]),
        experiment=experiment,
        run=str(run.info.run_id),
    )


def _sentence(error: Exception) -> str:
    """The first line of an error, without its full stop; what a server sent as JSON, by its message."""
    text = str(getattr(error, "orig", None) or getattr(error, "message", None) or error).strip()
    with suppress(ValueError, KeyError, TypeError):
        text = str(json.loads(text)["message"])
    return (text.splitlines() or [type(error).__name__])[0].rstrip(".")
