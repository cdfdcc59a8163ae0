"""An MLflow client whose calls are kept on disk once the store does not take them, so that work goes on."""

import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlflow.entities import DatasetInput, Metric, Param, Run, RunData, RunInfo, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from mint_lightning.tracking.outage import outage
from mint_lightning.tracking.unsent import LOCAL, PLACE, Unsent


class KeepingClient(MlflowClient):
    """Passes calls on to `client` until the first that the store is out of reach for; that one and all later ones go to
    `mlruns/unsent`, in their order, for `mint-lightning sync`.

    What MLflow builds on these calls (log_text, log_dict, log_figure, log_image) is kept as well. The store is not
    asked again by this client: a later call must not arrive before an earlier one.

    Args:
        client: the client of the store, or None where the store was down from the start.
        root: folder that holds `mlruns`.
        facts: what is known of the runs besides: store and experiment, by name.
        shown: the store in sentences.
        goes_on: the run was stopped and is trained on, so it may have some of the steps already that come now.
    """

    def __init__(
        self, client: MlflowClient | None, root: Path, facts: Mapping[str, Any], shown: str, *, goes_on: bool = False
    ) -> None:
        self.client, self.root, self.shown, self.goes_on = client, root, shown, goes_on
        self.keeps = False
        self._facts = dict(facts)
        self._runs: dict[str, Unsent] = {}
        self._params: dict[str, dict[str, str]] = {}
        self._step: int | None = None
        self._lost = False

    def __getattr__(self, name: str) -> Any:
        """What is not kept is the client's own, as are the parts of it that MLflow's methods use."""
        client = self.__dict__.get("client")
        if client is None:
            raise MlflowException(f"The tracking store does not answer, so there is no {name}.")
        return getattr(client, name)

    def keep(self, reason: str) -> None:
        """Keep everything from now on, and say so once."""
        if not self.keeps:
            self.keeps = True
            what = "server" if "://" in self.shown and not self.shown.startswith("sqlite") else "store"
            verb = "does not answer" if what == "server" else "cannot be written"
            _say(
                f"The tracking {what} {self.shown} {verb} ({reason}): figures are kept in {PLACE} and sent by "
                "`mint-lightning sync`."
            )

    def join(self, run: str) -> None:
        """Keep what comes where earlier calls of that run are kept already, if there are any."""
        if not self.keeps and Unsent(self.root, run).exists:
            self.keeps = True
            _say(
                f"Earlier figures of the run {run} wait in {PLACE}: the next ones are kept beside them, and "
                "`mint-lightning sync` sends all."
            )

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: dict[str, Any] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """Make a run; where the store is out of reach, one with an id of ours."""
        start_time = start_time or _now()
        facts = {"run_name": run_name, "tags": tags or {}, "start_time": start_time}
        made = self._asked(lambda it: it.create_run(experiment_id, start_time, tags, run_name))
        if made is None:
            made = _stand_in(LOCAL + uuid.uuid4().hex, start_time)
        self._runs[made.info.run_id] = Unsent(self.root, made.info.run_id, self._facts | facts)
        if self.keeps:
            self._write(made.info.run_id, None)
        return made

    def get_run(self, run_id: str) -> Run:
        """The run; of one that is kept, no more than that it is."""
        return self._asked(lambda it: it.get_run(run_id)) or _stand_in(run_id, _now())

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Values of a metric, as far as the store can be asked."""
        return self._asked(lambda it: it.get_metric_history(run_id, key)) or []

    def log_metric(
        self,
        run_id: str,
        key: str,
        value: float,
        timestamp: int | None = None,
        step: int | None = None,
        synchronous: bool | None = None,
        **of: Any,
    ) -> None:
        """One figure; of which dataset or model it is, is not kept."""
        timestamp, step = timestamp or _now(), step or 0
        self._step = step
        self._call(
            lambda it: it.log_metric(run_id, key, value, timestamp, step, True, **of),
            run_id, "log_batch", metrics=[[key, float(value), timestamp, step]],
        )  # fmt: skip

    def log_param(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:
        """One parameter."""
        self.log_batch(run_id, params=[Param(key, str(value))])
        return value

    def set_tag(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> None:
        """One tag."""
        self.log_batch(run_id, tags=[RunTag(key, str(value))])

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
        synchronous: bool | None = None,
    ) -> None:
        """Figures, parameters and tags; always waited for, or nobody would hear of a failure."""
        self._step = max((each.step for each in metrics), default=self._step)
        arguments: dict[str, list[Any]] = {
            "metrics": [[each.key, float(each.value), each.timestamp, each.step] for each in metrics],
            "params": [[each.key, str(each.value)] for each in params],
            "tags": [[each.key, str(each.value)] for each in tags],
        }
        self._call(
            lambda it: it.log_batch(run_id, metrics=metrics, params=params, tags=tags, synchronous=True),
            run_id, "log_batch", **{name: value for name, value in arguments.items() if value},
        )  # fmt: skip

    def log_inputs(self, run_id: str, datasets: Sequence[DatasetInput] | None = None, models: Any = None) -> None:
        """Datasets of a run; models are not kept."""
        kept = [each.to_dictionary() for each in datasets or []]
        self._call(lambda it: it.log_inputs(run_id, datasets, models), run_id, "log_inputs", datasets=kept)

    def log_artifact(self, run_id: str, local_path: str | Path, artifact_path: str | None = None) -> None:
        """A file, or a folder by its name."""
        if Path(local_path).is_dir():
            artifact_path = f"{artifact_path}/{Path(local_path).name}" if artifact_path else Path(local_path).name
            self.log_artifacts(run_id, local_path, artifact_path)
            return
        self._file(lambda it: it.log_artifact(run_id, local_path, artifact_path), run_id, local_path, artifact_path)

    def log_artifacts(self, run_id: str, local_dir: str | Path, artifact_path: str | None = None) -> None:
        """What lies in a folder."""
        self._file(lambda it: it.log_artifacts(run_id, str(local_dir), artifact_path), run_id, local_dir, artifact_path)

    def set_terminated(self, run_id: str, status: str | None = None, end_time: int | None = None) -> None:
        """The end of a run, and when."""
        end_time = end_time or _now()
        self._call(
            lambda it: it.set_terminated(run_id, status, end_time),
            run_id, "set_terminated", status=status, end_time=end_time,
        )  # fmt: skip

    def _file(self, call: Callable[[MlflowClient], Any], run: str, path: str | Path, folder: str | None) -> None:
        if not Path(path).exists():
            raise FileNotFoundError(f"There is no {path} to be logged.")
        self._call(call, run, "log_file", source=Path(path), folder=folder)

    def _call(self, call: Callable[[MlflowClient], Any], run: str, name: str, **arguments: Any) -> None:
        self._asked(call)
        if self.keeps:
            self._write(run, name, **arguments)

    def _asked(self, call: Callable[[MlflowClient], Any]) -> Any:
        """The store's answer, or None where calls are kept, from this one on if it must be."""
        if self.keeps:
            return None
        try:
            return call(self.client)
        except Exception as error:
            reason = outage(error)
            if reason is None:
                raise
            self.keep(reason)
            return None

    def _write(self, run: str, name: str | None, **arguments: Any) -> None:
        try:
            unsent = self._unsent(run)
            self._check(run, arguments.get("params", []))
            unsent.append(name, **arguments)
        except OSError as error:
            if not self._lost:
                self._lost = True
                since = f"figures from step {self._step} on" if self._step is not None else "figures"
                _say(f"{self.root / PLACE} cannot be written ({error.strerror}): {since} are lost until it can.")

    def _unsent(self, run: str) -> Unsent:
        """Where the calls of a run are kept; before the first of a run that goes on, that it does."""
        if run not in self._params:
            facts: dict[str, Any] = {"run_name": None, "tags": {}, "start_time": _now()}
            unsent = self._runs.setdefault(run, Unsent(self.root, run, facts | self._facts))
            earlier = unsent.calls() if unsent.exists else []
            if self.goes_on:
                unsent.append("goes_on")
            self._params[run] = dict(pair for call in earlier for pair in call.get("params", []))
        return self._runs[run]

    def _check(self, run: str, params: Sequence[Sequence[str]]) -> None:
        """A parameter has one value, as in a store."""
        known = self._params[run]
        for key, value in params:
            if known.setdefault(key, value) != value:
                raise MlflowException(
                    f"Changing param values is not allowed: {key!r} is {known[key]!r} and was to be {value!r}."
                )


def _stand_in(run: str, start: int) -> Run:
    return Run(RunInfo(run, "0", "", "RUNNING", start, None, "active"), RunData())


def _now() -> int:
    return int(time.time() * 1000)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
