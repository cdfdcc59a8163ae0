"""A saved view for MLflow's list of runs, because it shows neither parameters nor metrics until each is asked for."""

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

KEY = "layers"
TAG = f"mlflow.sharedViewState.{KEY}"
# What is compared, in reading order, with widths in pixels: what the row is, whether it finds, by how much, how sure.
COLUMNS = {
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
    "metrics.`n`": 70,
    "params.`samples`": 80,
    "params.`seed`": 60,
    "params.`network`": 120,
    "tags.`table`": 160,
}
NOTE = """**Views → Layers** (top right) lists all rows by excess; a row finds membership where `p_holm` < 0.05.
The excess is the lead of a row's AUC over the best control. A row is a head at a tap, or a score without fitting.
The run of a table, above its rows, holds the report, pictures and scores."""


def set_view(client: "MlflowClient", experiment_id: str) -> None:
    """Give an experiment the saved view "Layers" and a note on how to read it, unless it has them.

    A browser's own columns are kept in the browser; a saved view is a tag of the experiment, so everybody has it.
    """
    tags = client.get_experiment(experiment_id).tags
    state = _pack(_state())
    if TAG not in tags or json.loads(tags[TAG]).get("state") != state:
        now = 0  # the list of views is sorted by age; ours comes last, after those people made
        view = {"name": "Layers", "createdAt": now, "updatedAt": now, "state": state}
        client.set_experiment_tag(experiment_id, TAG, json.dumps(view))
    if "mlflow.note.content" not in tags:
        client.set_experiment_tag(experiment_id, "mlflow.note.content", NOTE)


def view_url(server: str, experiment_id: str) -> str:
    """Address of the rows of an experiment on an MLflow server, columns and order as in the saved view."""
    return (
        f"{server.rstrip('/')}/#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={KEY}"
    )


def _state() -> dict[str, Any]:
    return {
        "searchFilter": "tags.kind != 'table'",
        "orderByKey": "metrics.`excess`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": list(COLUMNS),
        "columnOrder": list(COLUMNS),
        "columnWidths": COLUMNS,
    }


def _pack(state: dict[str, Any]) -> str:
    """A view's state in the form MLflow's page reads: zlib, base64, and a mark in front."""
    text = json.dumps(state, separators=(",", ":"))
    return f"deflate;{base64.b64encode(zlib.compress(text.encode(), 9)).decode()}"
