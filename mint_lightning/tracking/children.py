"""Hundreds of runs below one, in as few calls as MLflow's client has: made, filled in one batch, ended."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mint_lightning.tracking.entries import metrics_of, params_of
from mint_lightning.tracking.journal import quick_commits
from mint_lightning.tracking.library import impatient
from mint_lightning.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

PARENT = "mlflow.parentRunId"
WRITERS = 4  # at once, where a call waits for another machine; sqlite has one writer whatever we do


@dataclass(frozen=True)
class Child:
    """A run to be written: its tags beside that of its parent, parameters, final figures, AUC on validate by epoch."""

    name: str
    tags: Mapping[str, str]
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    curve: Sequence[float] = ()


def write_children(store: Store, experiment_id: str, parent: str, children: Sequence[Child]) -> None:
    """Write all of them, in their order where the store is sqlite. The first failure stops the rest.

    A run that fails on its way is marked FAILED, so at most those under way (four) stay open in a store that died.
    """
    client, stop = store.client, threading.Event()

    def write(child: Child) -> None:
        if stop.is_set():
            return
        try:
            _write(client, experiment_id, parent, child)
        except BaseException:
            stop.set()
            raise

    if store.uri.startswith("sqlite:"):
        with quick_commits(store.uri):
            for child in children:
                write(child)
        return
    with ThreadPoolExecutor(WRITERS) as pool:
        try:
            for _ in pool.map(write, children):
                pass
        except BaseException:  # Ctrl-C too, which reaches this thread alone
            stop.set()
            raise


def _write(client: "MlflowClient", experiment_id: str, parent: str, child: Child) -> None:
    run = client.create_run(experiment_id, run_name=child.name, tags={PARENT: parent, **child.tags}).info.run_id
    with failing(client, run):
        client.log_batch(run, metrics=metrics_of(child.metrics, child.curve), params=params_of(child.params))
        client.set_terminated(run, "FINISHED")


@contextmanager
def failing(client: "MlflowClient", run: str) -> Iterator[None]:
    """Mark a run FAILED if what is inside raises, asking the store once: it may be the store that died."""
    try:
        yield
    except BaseException:
        with impatient(), suppress(Exception):
            client.set_terminated(run, "FAILED")
        raise


def remove_attempts(store: Store, experiment_id: str, evidence_hash: str) -> None:
    """Delete what earlier attempts to log this very evidence left unfinished; MLflow's page can restore it.

    Their cells would stand beside those of the attempt that succeeds, as if every head had been trained twice.
    """
    client = store.client
    unfinished = f"tags.kind = 'table' and tags.evidence = '{evidence_hash}' and attributes.status != 'FINISHED'"
    for parent in _found(client, experiment_id, unfinished):
        for run in _found(client, experiment_id, f"tags.`{PARENT}` = '{parent}'"):
            client.delete_run(run)
        client.delete_run(parent)


def _found(client: "MlflowClient", experiment_id: str, wanted: str) -> list[str]:
    """Ids of all runs found, read to the end before any is deleted, as that would shift the pages."""
    found: list[str] = []
    token = None
    while True:
        page = client.search_runs([experiment_id], wanted, page_token=token)
        found += [str(run.info.run_id) for run in page]
        token = page.token
        if not token:
            return found
