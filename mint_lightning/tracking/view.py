"""Saved views for MLflow's list of runs, because it shows neither parameters nor metrics until each is asked for."""

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


@dataclass(frozen=True)
class View:
    """A saved view: key in addresses, name, which runs, the metric that sorts them, columns and their widths."""

    key: str
    name: str
    runs: str
    order: str
    columns: Mapping[str, int]

    @property
    def tag(self) -> str:
        """The tag of the experiment that holds it."""
        return f"mlflow.sharedViewState.{self.key}"


# What is compared, in reading order: what the row is, whether it finds, by how much, how sure.
ROW_COLUMNS = {
    "params.`tap`": 90,
    "params.`head`": 80,
    "tags.`finds`": 60,
    "metrics.`auc`": 75,
    "metrics.`auc_low`": 75,
    "metrics.`auc_high`": 75,
    "metrics.`pixels_auc`": 90,
    "metrics.`twins_auc`": 85,
    "metrics.`references_auc`": 115,
    "metrics.`excess`": 75,
    "metrics.`excess_low`": 90,
    "metrics.`p_holm`": 75,
    "metrics.`tpr_at_1pct_fpr`": 120,
    "metrics.`balanced_accuracy`": 135,
    "metrics.`seed_auc_sd`": 95,
    "metrics.`n`": 70,
    "params.`samples`": 80,
    "params.`seed`": 60,
    "params.`network`": 120,
    "tags.`table`": 160,
}
CELL_COLUMNS = {
    "params.`tap`": 90,
    "params.`head`": 80,
    "params.`samples`": 80,
    "params.`role`": 85,
    "params.`seed`": 60,
    "metrics.`auc`": 75,
    "metrics.`auc_low`": 75,
    "metrics.`auc_high`": 75,
    "metrics.`validate_auc`": 100,
    "metrics.`epoch`": 70,
    "metrics.`balanced_accuracy`": 135,
    "metrics.`tpr_at_1pct_fpr`": 120,
    "metrics.`n`": 70,
    "params.`network`": 120,
    "tags.`finds`": 60,
    "tags.`row`": 140,
    "tags.`table`": 160,
}
LAYERS = View("layers", "Layers", "tags.kind != 'table' and tags.kind != 'cell'", "excess", ROW_COLUMNS)
CELLS = View("cells", "Cells", "tags.kind = 'cell'", "auc", CELL_COLUMNS)
VIEWS = (LAYERS, CELLS)
NOTE = """**Views → Layers** (top right) lists all rows by excess; a row finds membership where `p_holm` < 0.05.
The excess is the lead of a row's AUC over the best control. A row is a head at a tap, or a score without fitting; where
several seeds were trained, it is the mean of their logits.

**Views → Cells** lists every head alone: one seed, at one tap, on one network. `role` says whether that network is the
audited one or a control (twin, reference, complement, pixels); `finds` is that of the row, since no head decides alone.
Type `tags.kind = 'cell' and params.tap = 'conv4'` into the search field to narrow it down, click a column to sort, or
open the charts beside the list to plot.

The run of a table, above its rows and cells, holds the report, pictures, scores and auditors."""

OURS = NOTE.partition("\n")[0]


def set_views(client: "MlflowClient", experiment_id: str) -> None:
    """Give an experiment its saved views and a note on how to read them, unless it has them.

    A browser's own columns are kept in the browser; a saved view is a tag of the experiment, so everybody has it.
    """
    tags = client.get_experiment(experiment_id).tags
    for view in VIEWS:
        state = _pack(_state(view))
        if view.tag not in tags or json.loads(tags[view.tag]).get("state") != state:
            now = 0  # the list of views is sorted by age; ours come last, after those people made
            saved = {"name": view.name, "createdAt": now, "updatedAt": now, "state": state}
            client.set_experiment_tag(experiment_id, view.tag, json.dumps(saved))
    note = tags.get("mlflow.note.content")
    if note is None or (note != NOTE and note.startswith(OURS)):  # a note of the user's stays
        client.set_experiment_tag(experiment_id, "mlflow.note.content", NOTE)


def view_url(server: str, experiment_id: str, view: View = LAYERS) -> str:
    """Address of the runs of an experiment on an MLflow server, columns and order as in the saved view."""
    place = f"{server.rstrip('/')}/#/experiments/{experiment_id}/runs"
    return f"{place}?workflowType=machine_learning&viewStateShareKey={view.key}"


def _state(view: View) -> dict[str, Any]:
    return {
        "searchFilter": view.runs,
        "orderByKey": f"metrics.`{view.order}`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": list(view.columns),
        "columnOrder": list(view.columns),
        "columnWidths": dict(view.columns),
    }


def _pack(state: dict[str, Any]) -> str:
    """A view's state in the form MLflow's page reads: zlib, base64, and a mark in front."""
    text = json.dumps(state, separators=(",", ":"))
    return f"deflate;{base64.b64encode(zlib.compress(text.encode(), 9)).decode()}"
