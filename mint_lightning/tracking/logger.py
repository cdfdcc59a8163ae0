"""Lightning's MLflow logger with defaults that work, and with what a membership audit must write down."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch.loggers import MLFlowLogger
from lightning.pytorch.loggers.logger import rank_zero_experiment
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from mint_lightning.errors import UserError
from mint_lightning.report.context import git_commit
from mint_lightning.tracking import entries, runs
from mint_lightning.tracking.library import quiet, variable_kept
from mint_lightning.tracking.outage import outage
from mint_lightning.tracking.sending import known_as
from mint_lightning.tracking.store import Unreachable, one_line, open_store
from mint_lightning.tracking.unsent import without_secrets
from mint_lightning.tracking.view import set_views

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from mint_lightning.evidence import TableEvidence
    from mint_lightning.report.context import Context


NOBODY = "http://tracking.invalid"  # an address for Lightning's own client, which would ask a dead database for minutes


class MintLogger(MLFlowLogger):
    """Logs to `sqlite:///mlruns/mlflow.db` under `root`.

    Every method does its work on rank 0 alone and is harmless on the others. Where the store is out of reach, at once
    or later, a training goes on and its figures are kept for `mint-lightning sync`.

    Args:
        experiment: Name of the experiment, made if there is none.
        run_name: Name of the run in the list of runs; MLflow invents one if it is not given.
        tracking_uri: Address of the store: `sqlite:///FILE` (relative to root), `postgresql://...` or `http://SERVER`.
            Default: the variable MLFLOW_TRACKING_URI, else `sqlite:///mlruns/mlflow.db`.
        root: Folder that holds `mlruns`.
        tags: Further tags of the run.
        parent_run: Id of the run this one belongs to, shown below it in the list.
        run_id: Id of a run to go on with.
        log_model: Copy the checkpoint to the artifacts of the run at the end.
        goes_on: The run was stopped and is trained on: what it logged behind its checkpoint comes again and is left
            out.

    Raises:
        UserError: The store cannot be used or does not let us in. Raised at once, not after a training.
    """

    def __init__(
        self,
        experiment: str = "mint",
        run_name: str | None = None,
        tracking_uri: str | None = None,
        root: str = ".",
        tags: dict[str, str] | None = None,
        parent_run: str | None = None,
        run_id: str | None = None,
        log_model: bool = False,
        goes_on: bool = False,
    ) -> None:
        quiet()
        down = None
        try:
            self.store = open_store(root, tracking_uri)
        except Unreachable as error:
            self.store, down = error.store, error.reason
        self._root = Path(root)
        self._known: dict[str, int] | None = {} if goes_on else None
        self._epoch_at: int | None = None
        tags = dict(tags or {})
        if parent_run is not None:
            tags["mlflow.parentRunId"] = parent_run
        super().__init__(
            experiment_name=experiment,
            run_name=run_name,
            tracking_uri=NOBODY if down else self.store.uri,
            tags=tags,
            run_id=run_id,
            log_model=log_model,
        )
        self._tracking_uri = self.store.uri
        self._prepare(down)

    @rank_zero_only
    def _prepare(self, down: str | None) -> None:
        """Make the experiment ourselves: Lightning would put its artifacts in the folder the program was started in."""
        from mint_lightning.tracking.keeping import KeepingClient

        if self._run_id is None:
            commit = git_commit(self._root)
            self.tags = {"kind": "fit"} | ({"git_commit": commit} if commit else {}) | (self.tags or {})
        facts = {
            "store": without_secrets(self.store.uri, self._root),
            "experiment": self._experiment_name,
            "tags": {"kind": "fit"} | (self.tags or {}),
            "run_name": self._run_name,
        }
        store, goes_on = None if down else self._mlflow_client, self._known is not None
        client = KeepingClient(store, self._root, facts, self.store.shown, goes_on=goes_on)
        self._mlflow_client = client
        if down:
            client.keep(down)
        elif self._run_id is not None:
            client.join(self._run_id)
        try:
            if not client.keeps:
                self._find_place(client)
        except Exception as error:
            reason = outage(error)
            if reason is None:
                raise
            client.keep(reason)
        if client.keeps:
            self._experiment_id = "0"  # not asked for

    def _find_place(self, client: "MlflowClient") -> None:
        """The experiment of a new run; of a run to go on with, what it is called in the store."""
        if self._run_id is None:
            self._experiment_id = self.store.experiment(self._experiment_name)
            set_views(client, self._experiment_id)
            return
        from mlflow.exceptions import MlflowException

        try:
            found = known_as(client, self._run_id)
        except MlflowException as error:
            raise UserError(f"{self.store.shown} gives no runs: {one_line(error)}.") from error
        if found is None:
            raise UserError(f"There is no run {self._run_id!r} in {self.store.shown}.")
        self._run_id = found

    @property
    @rank_zero_experiment
    def experiment(self) -> "MlflowClient":
        """The MLflow client; the first call makes the run."""
        with variable_kept():
            return super().experiment

    @property
    def save_dir(self) -> str:
        """Folder below which Lightning keeps checkpoints, as `save_dir/name/version/checkpoints`."""
        return str(self.store.checkpoints)

    @property
    def name(self) -> str:
        """The experiment's name, which reads better as a folder than its number."""
        return self._experiment_name

    @rank_zero_only
    def log_hyperparams(self, params: Any, *_: Any, **__: Any) -> None:
        """Log parameters, flattened to `model/lr` and cut at 500 characters.

        Raises:
            UserError: The run has other values already: another training is another run.
        """
        from lightning.fabric.utilities.logger import _convert_params

        self._log_params(_convert_params(params))

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log metrics: the epoch once a step, and of a run that goes on nothing for a step that it has already."""
        metrics = {name: value for name, value in metrics.items() if name != "epoch" or step != self._epoch_at}
        if self._known is not None and step is not None:
            metrics = {name: value for name, value in metrics.items() if step > self._last_step(name)}
        self._epoch_at = step if "epoch" in metrics else self._epoch_at
        if metrics:
            super().log_metrics(metrics, step)

    def _last_step(self, name: str) -> int:
        assert self._known is not None
        if name not in self._known:
            history = self.experiment.get_metric_history(self._run(), name)
            self._known[name] = max((each.step for each in history), default=-1)
        return self._known[name]

    @rank_zero_only
    def log_config(self, config: str | Mapping[str, Any]) -> None:
        """Keep the resolved configuration as the artifact `config.yaml`: YAML text, or a mapping to write as YAML."""
        import yaml

        text = config if isinstance(config, str) else yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
        text = text.replace(self.store.uri, self.store.shown)  # a password is nobody's to read
        self.experiment.log_text(self._run(), text, "config.yaml")

    @rank_zero_only
    def log_subject(self, *, network: str, fingerprint: str, tap: str, head: str, seed: int, samples: int = 0) -> None:
        """Log what is audited and by what, as parameters; the fingerprint as a tag too, to search by."""
        found = {"network": network, "tap": tap, "head": head, "seed": seed, "fingerprint": fingerprint}
        self._log_params(found | ({"samples": samples} if samples else {}))
        self.experiment.set_tag(self._run(), "fingerprint", fingerprint)

    @rank_zero_only
    def log_parent(self, parent: Mapping[str, str]) -> None:
        """Say from which head the run's began, as tags, to be searched by."""
        for name, value in parent.items():
            self.experiment.set_tag(self._run(), name, value)

    @rank_zero_only
    def log_shards(self, name: str, manifest_hash: str, *, context: str = "fit", **facts: Any) -> None:
        """Log a shard set as a dataset input of the run: its name, the hash of its manifest, and counts to look at.

        context says what it served for ("fit", "test"); facts are JSON values.
        """
        entries.log_shards(self.experiment, self._run(), {name: manifest_hash}, context=context, facts=facts)

    @rank_zero_only
    def log_file(self, path: Path | str, folder: str | None = None) -> None:
        """Copy a file, or what lies in a folder, to the artifacts of the run."""
        path = Path(path)
        if path.is_dir():
            self.experiment.log_artifacts(self._run(), str(path), folder)
        else:
            self.experiment.log_artifact(self._run(), str(path), folder)

    @rank_zero_only
    def log_evidence(self, evidence: "TableEvidence", context: "Context", **files: Any) -> None:
        """Log evidence on this run: final figures of its one row, pictures, table, page; see `runs.log_evidence`."""
        if len(evidence.rows) == 1:
            entries.log_metrics(self.experiment, self._run(), entries.row_metrics(evidence.rows[0]))
            self.experiment.set_tag(self._run(), "finds", "yes" if evidence.rows[0].finds else "no")
        runs.log_evidence(self.experiment, self._run(), evidence, context, **files)

    def _log_params(self, params: Mapping[str, Any]) -> None:
        from mlflow.exceptions import MlflowException

        try:
            entries.log_params(self.experiment, self._run(), params)
        except MlflowException as error:
            if "Changing param values is not allowed" not in str(error):
                raise
            raise UserError(
                f"The run {self._run()} was made with other parameters: another training is a new run, and "
                "parent_run names the one it comes from."
            ) from error

    def _run(self) -> str:
        run = self.run_id
        if run is None:
            raise RuntimeError("a run id was asked for on a rank other than 0")
        return run
