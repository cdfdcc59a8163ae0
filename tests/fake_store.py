"""A tracking store in memory that fails where it is told to, with the calls of an MLflow client."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import requests


class Killed(BaseException):
    """The process that sends ends here."""


class FakeStore:
    """fails(number) says of each call whether it comes through: "", "before" or "after" it was done, or "killed"."""

    def __init__(self, fails: Callable[[int], str] = lambda _: "") -> None:
        self.fails, self.calls = fails, 0
        self.runs: dict[str, dict[str, Any]] = {}

    def _do(self, work: Callable[[], Any]) -> Any:
        self.calls += 1
        how = self.fails(self.calls)
        if how == "before":
            raise requests.ConnectionError("refused")
        found = work()
        if how == "after":
            raise requests.ConnectionError("the answer was lost")
        if how == "killed":
            raise Killed
        return found

    def create_run(self, experiment_id: str, start_time: Any = None, tags: Any = None, run_name: Any = None) -> Any:
        def work() -> Any:
            run = f"{len(self.runs):032x}"
            self.runs[run] = {"tags": dict(tags), "params": {}, "points": [], "files": {}, "inputs": [], "status": None}
            return self._run(run)

        return self._do(work)

    def get_run(self, run: str) -> Any:
        return self._do(lambda: self._run(run))

    def search_experiments(self) -> Any:
        return self._do(lambda: [SimpleNamespace(experiment_id="1")])

    def search_runs(self, experiments: Any, wanted: str, max_results: int = 0) -> Any:
        _, key, _, value, _ = wanted.replace("`", "'").split("'")
        return self._do(lambda: [self._run(run) for run, own in self.runs.items() if own["tags"].get(key) == value])

    def get_metric_history(self, run: str, key: str) -> Any:
        def work() -> Any:
            found = [each for each in self.runs[run]["points"] if each[0] == key]
            return [SimpleNamespace(step=step, value=value, timestamp=time) for _, value, time, step in found]

        return self._do(work)

    def log_batch(self, run: str, metrics: Any = (), params: Any = (), tags: Any = (), synchronous: Any = None) -> None:
        def work() -> None:
            own = self.runs[run]
            own["points"] += [(each.key, each.value, each.timestamp, each.step) for each in metrics]
            own["params"] |= {each.key: each.value for each in params}
            own["tags"] |= {each.key: each.value for each in tags}

        self._do(work)

    def log_metric(self, run: str, key: str, value: float, timestamp: int, step: int, synchronous: Any = None) -> None:
        self._do(lambda: self.runs[run]["points"].append((key, value, timestamp, step)))

    def log_inputs(self, run: str, datasets: Any, models: Any = None) -> None:
        def work() -> None:
            new = [each for each in datasets if each not in self.runs[run]["inputs"]]
            self.runs[run]["inputs"] += new

        self._do(work)

    def log_artifact(self, run: str, path: str, folder: Any = None) -> None:
        self._do(lambda: self.runs[run]["files"].update({f"{folder}/{Path(path).name}": Path(path).read_text()}))

    def log_artifacts(self, run: str, path: str, folder: Any = None) -> None:
        files = {f"{folder}/{each.name}": each.read_text() for each in Path(path).iterdir()}
        self._do(lambda: self.runs[run]["files"].update(files))

    def set_terminated(self, run: str, status: Any = None, end_time: Any = None) -> None:
        self._do(lambda: self.runs[run].update(status=status))

    def _run(self, run: str) -> Any:
        metrics = {key: value for key, value, *_ in self.runs[run]["points"]}
        data = SimpleNamespace(metrics=metrics, tags=self.runs[run]["tags"])
        return SimpleNamespace(info=SimpleNamespace(run_id=run), data=data)
