"""Sending what was kept: every call once, in order, from where the last attempt stopped."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mint_lightning.tracking.library import quiet
from mint_lightning.tracking.outage import outage
from mint_lightning.tracking.store import Unreachable, open_store
from mint_lightning.tracking.unsent import LOCAL, TAG, Unsent

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput
    from mlflow.tracking import MlflowClient

METRICS_AT_ONCE, NAMES_AT_ONCE = 800, 100  # MLflow takes 1,000 entries in a call, 100 of them parameters, 100 tags


@dataclass
class Batch:
    """Figures, parameters and tags of calls that follow each other, sent as one; `lines` counts the calls."""

    lines: int = 0
    metrics: list[list[Any]] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def takes(self, call: Mapping[str, Any]) -> bool:
        """Whether another call fits in."""
        metrics, params = call.get("metrics", []), dict(call.get("params", []))
        return (
            call["call"] == "log_batch"
            and len(self.metrics) + len(metrics) <= METRICS_AT_ONCE
            and len(self.params | params) <= NAMES_AT_ONCE
            and len(self.tags | dict(call.get("tags", []))) <= NAMES_AT_ONCE
            and all(self.params.get(key, value) == value for key, value in params.items())
        )

    def add(self, call: Mapping[str, Any]) -> None:
        """Put it behind the others."""
        self.lines += 1
        self.metrics += call.get("metrics", [])
        self.params |= dict(call.get("params", []))
        self.tags |= dict(call.get("tags", []))


@dataclass
class Sent:
    """What was sent of a run: its id in the store, figures, parameters and files or folders."""

    run: str
    figures: int = 0
    params: int = 0
    files: int = 0


def send(unsent: Unsent, client: "MlflowClient", experiment_id: str, to: str) -> Sent:
    """Send all calls of a run and remove them; calls that come meanwhile are sent too.

    How far it came is noted after each call, so it can stop anywhere. Of the first call after a stop nobody knows
    whether the store has it: figures that it has, by step, time and value, are left out, and all other calls give the
    same when they are made twice. `to` is the store by name: what went to another one counts for nothing.
    """
    mark = unsent.mark
    if mark.get("to") != to:
        mark = {"to": to, "run": _run(unsent, client, experiment_id), "lines": 0, "last": None}
        unsent.set_mark(mark)
    sent, doubtful = Sent(mark["run"]), True
    while True:
        for step in _steps(unsent.calls(mark["lines"])):
            if isinstance(step, Batch):
                _send_batch(step, client, mark, sent, doubtful=doubtful)
            elif step["call"] == "goes_on":
                mark["last"] = _last_steps(client, sent.run)
            else:
                _send_other(step, unsent, client, sent)
            mark["lines"] += step.lines if isinstance(step, Batch) else 1
            unsent.set_mark(mark)
            doubtful = False
        if unsent.remove(mark["lines"]):
            return sent


def known_as(client: "MlflowClient", run: str) -> str | None:
    """Id of a run in the store, also of one that was made here while the store was down; None if it has it not."""
    from mlflow.exceptions import MlflowException

    if not run.startswith(LOCAL):
        try:
            return str(client.get_run(run).info.run_id)
        except MlflowException as error:
            if outage(error):
                raise
    if "'" in run:
        return None
    experiments = [each.experiment_id for each in client.search_experiments()]
    found = client.search_runs(experiments, f"tags.`{TAG}` = '{run}'", max_results=1)
    return str(found[0].info.run_id) if found else None


def find_run(run: str, root: Path, uri: str | None) -> str | None:
    """The id to go on with a run: its own while its figures wait here or the store is down, else the store's."""
    quiet()
    from mlflow.exceptions import MlflowException

    if Unsent(root, run).exists:
        return run
    try:
        return known_as(open_store(root, uri).client, run)
    except Unreachable:
        return run
    except MlflowException as error:
        return run if outage(error) else None


def _run(unsent: Unsent, client: "MlflowClient", experiment_id: str) -> str:
    """The run to send to, made if the store does not know it; the tag finds it again after a stop before the note."""
    run = known_as(client, unsent.run)
    if run is None:
        header = unsent.header
        tags = {**header["tags"], TAG: unsent.run}
        run = str(client.create_run(experiment_id, header["start_time"], tags, header["run_name"]).info.run_id)
    return run


def _steps(calls: Sequence[Mapping[str, Any]]) -> Iterator[Batch | Mapping[str, Any]]:
    """The calls, those of figures, parameters and tags put together as far as their order and MLflow allow."""
    batch = Batch()
    for call in calls:
        if batch.lines and not batch.takes(call):
            yield batch
            batch = Batch()
        if call["call"] == "log_batch":
            batch.add(call)
        else:
            yield call
    if batch.lines:
        yield batch


def _send_batch(batch: Batch, client: "MlflowClient", mark: Mapping[str, Any], sent: Sent, *, doubtful: bool) -> None:
    from mlflow.entities import Metric, Param, RunTag

    last = mark["last"] or {}
    metrics = [Metric(*each) for each in batch.metrics if each[3] > last.get(each[0], each[3] - 1)]
    if doubtful:
        there = {key: _points(client, sent.run, key) for key in {each.key for each in metrics}}
        metrics = [each for each in metrics if (each.step, each.timestamp, str(each.value)) not in there[each.key]]
    if not (metrics or batch.params or batch.tags):
        return
    client.log_batch(
        sent.run,
        metrics=metrics,
        params=[Param(key, value) for key, value in batch.params.items()],
        tags=[RunTag(key, value) for key, value in batch.tags.items()],
        synchronous=True,
    )
    sent.figures += len(metrics)
    sent.params += len(batch.params)


def _send_other(call: Mapping[str, Any], unsent: Unsent, client: "MlflowClient", sent: Sent) -> None:
    match call["call"]:
        case "set_terminated":
            client.set_terminated(sent.run, call["status"], call["end_time"])
        case "log_inputs":
            client.log_inputs(sent.run, [_dataset(each) for each in call["datasets"]])
        case "log_file":
            path = unsent.folder / call["file"]
            log = client.log_artifacts if path.is_dir() else client.log_artifact
            log(sent.run, str(path), call["folder"])
            sent.files += 1


def _dataset(found: Mapping[str, Any]) -> "DatasetInput":
    from mlflow.entities import Dataset, DatasetInput, InputTag

    return DatasetInput(Dataset(**found["dataset"]), [InputTag(key, value) for key, value in found["tags"].items()])


def _points(client: "MlflowClient", run: str, key: str) -> set[tuple[int, int, str]]:
    return {(each.step, each.timestamp, str(each.value)) for each in client.get_metric_history(run, key)}


def _last_steps(client: "MlflowClient", run: str) -> dict[str, int]:
    """The last step of each figure: a run that went on from a checkpoint behind it gives these steps again."""
    keys = client.get_run(run).data.metrics
    return {key: max(each.step for each in client.get_metric_history(run, key)) for key in keys}
