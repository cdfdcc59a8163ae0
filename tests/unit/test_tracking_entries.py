"""What a run of the tracking store holds, and the view that shows it."""

import json
import zlib
from base64 import b64decode
from dataclasses import replace

import pytest

from mint_lightning.tracking import entries
from mint_lightning.tracking.store import open_store
from mint_lightning.tracking.view import CELLS, LAYERS, NOTE, OURS, set_views
from tests.evidence_fixture import table_evidence
from tests.tracked_table import cells_evidence
from tests.unit.conftest import only_run

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("no_tracking_uri")]


def test_params_are_flat_plain_and_within_the_limit():
    flat = entries.flatten({"model": {"lr": 0.1, "widths": [64, 1]}, "empty": {}, "odd key!?": None, "x" * 300: 1})
    assert flat == {"model/lr": 0.1, "model/widths": [64, 1], "empty": {}, "odd key_": None, "x" * 250: 1}
    assert entries.cut("a" * 500) == "a" * 500
    assert entries.cut("a" * 501) == "a" * 499 + "…"


def test_more_params_than_fit_in_one_call_are_all_logged(store_root):
    store = open_store(store_root)
    run = only_run(store).info.run_id
    entries.log_params(store.client, run, {f"p{number}": "v" * 600 for number in range(230)})
    found = store.client.get_run(run).data.params
    assert len(found) == 230
    assert {len(value) for value in found.values()} == {500}


def test_metrics_of_a_row_are_its_evidence():
    row = table_evidence().row("CNN conv4")
    found = entries.row_metrics(row)
    assert found["auc"] == pytest.approx(row.auc.value, abs=5e-5)
    assert (found["auc_low"], found["auc_high"]) == pytest.approx((row.auc.low, row.auc.high), abs=5e-5)
    assert found["excess_low"] == pytest.approx(row.excess.low, abs=5e-5)
    assert found["p_holm"] == pytest.approx(row.excess.p_holm, rel=0.01)
    assert found["tpr_at_1pct_fpr"] == pytest.approx(row.operating[1].tpr.value, abs=5e-5)
    assert found["twins_auc"] == pytest.approx(next(c for c in row.controls if c.kind == "twins").auc.value, abs=5e-5)
    assert found["finds"] == 1.0
    assert found["n"] == row.auc.images
    assert "tpr_at_0.1pct_fpr" not in found  # not resolvable, so not logged
    assert not {name for name in found if name.startswith("tpr_at_0.01pct")}
    assert "references_auc" not in found


def test_metrics_of_a_row_say_what_a_yes_is_worth_under_names_that_mlflow_takes():
    from mlflow.utils.validation import _validate_metric_name

    row = table_evidence().row("CNN conv4")
    points = tuple(replace(point, resolvable=True, tpr=row.auc, realised_fpr=row.auc) for point in row.operating)
    found = entries.row_metrics(replace(row, operating=points))
    assert "tpr_at_0.01pct_fpr_low" in found
    for name in found:
        _validate_metric_name(name)
    for each, prior in zip(row.precision, ("1", "10", "50"), strict=True):
        assert found[f"precision_prior_{prior}"] == pytest.approx(each.estimate.value, abs=5e-5)
        assert found[f"precision_prior_{prior}_low"] == pytest.approx(each.estimate.low, abs=5e-5)
    assert found["epsilon_low"] == pytest.approx(row.epsilon.low, abs=5e-5)
    assert found["ece"] == pytest.approx(row.reliability.ece.value, abs=5e-5)
    assert found["ece_debiased"] <= found["ece"] <= found["ece_high"]
    bare = entries.row_metrics(replace(row, precision=(), epsilon=None, reliability=None))
    assert not {name for name in bare if name.startswith(("precision", "epsilon", "ece"))}


def test_a_row_without_controls_logs_no_excess():
    found = entries.row_metrics(table_evidence(2, controls=False).row("CNN conv4"))
    assert not {"excess", "excess_low", "p_holm", "twins_auc", "pixels_auc"} & set(found)


def test_a_manifest_hash_is_a_dataset_input_in_full(store_root):
    store = open_store(store_root)
    run = only_run(store).info.run_id
    entries.log_shards(store.client, run, {"lfw": "ab" * 32}, context="fit", facts={"images": 7})
    (logged,) = store.client.get_run(run).inputs.dataset_inputs
    assert logged.dataset.name == "lfw"
    assert logged.dataset.digest == ("ab" * 32)[:36]
    assert json.loads(logged.dataset.source)["manifest_sha256"] == "ab" * 32
    assert json.loads(logged.dataset.profile) == {"images": 7}
    assert [tag.value for tag in logged.tags] == ["fit"]


def test_metrics_of_a_head_alone_are_its_figures():
    row = cells_evidence(rows=1).rows[0]
    head = replace(row.heads[0], curve=(0.5, 0.7, 0.6, 0.7))
    found = entries.cell_metrics(head)
    figures = (head.auc.value, head.auc.low, head.auc.high)
    assert (found["auc"], found["auc_low"], found["auc_high"]) == pytest.approx(figures)
    assert found["balanced_accuracy_low"] == round(head.accuracy.low, 4)
    assert found["tpr_at_1pct_fpr_high"] == round(head.tpr_1.high, 4)
    assert found["epoch"] == head.epoch == 1
    assert (found["n"], found["n_people"]) == (head.auc.images, head.auc.identities)
    bare = entries.cell_metrics(replace(head, tpr_1=None, validate_auc=None, curve=()))
    assert not {"tpr_at_1pct_fpr", "validate_auc", "epoch"} & set(bare)
    assert entries.cell_params(head, row) == {
        "tap": "conv1", "head": "vanilla", "samples": 1000, "network": "demo", "seed": 0, "role": "audited"
    }  # fmt: skip


def test_a_row_of_several_seeds_says_how_far_they_lie_apart():
    found = entries.row_metrics(cells_evidence(rows=1, seeds=3).rows[0])
    assert found["seed_auc_max"] - found["seed_auc_min"] == pytest.approx(0.006)
    assert found["seed_auc_sd"] == pytest.approx(0.003)
    assert "seed_auc_sd" not in entries.row_metrics(cells_evidence(rows=1, seeds=1).rows[0])


@pytest.mark.parametrize("view", [LAYERS, CELLS])
def test_a_saved_view_shows_metrics_that_are_logged_and_is_set_once(store_root, view):
    store = open_store(store_root)
    experiment = store.experiment("faces")
    set_views(store.client, experiment)
    tag = store.client.get_experiment(experiment).tags[view.tag]
    set_views(store.client, experiment)
    assert store.client.get_experiment(experiment).tags[view.tag] == tag
    packed = json.loads(tag)["state"].removeprefix("deflate;")
    state = json.loads(zlib.decompress(b64decode(packed)))
    assert state["selectedColumns"] == list(view.columns)
    row = table_evidence(2, references=2, random_partition=False).row("CNN conv4")
    many = cells_evidence(rows=1).rows[0]
    figures, params = entries.row_metrics(row) | entries.row_metrics(many), entries.row_params(row)
    if view is CELLS:
        figures, params = entries.cell_metrics(many.heads[0]), entries.cell_params(many.heads[0], many)
    logged = {f"metrics.`{name}`" for name in figures} | {f"params.`{name}`" for name in params}
    logged |= {"tags.`finds`", "tags.`table`", "tags.`row`"}
    assert set(view.columns) <= logged
    assert state["orderByKey"] in logged


def test_a_note_of_the_users_stays_and_ours_of_an_earlier_version_goes(store_root):
    store = open_store(store_root)
    experiment = store.experiment("faces")

    def note_after(before: str) -> str:
        store.client.set_experiment_tag(experiment, "mlflow.note.content", before)
        set_views(store.client, experiment)
        return store.client.get_experiment(experiment).tags["mlflow.note.content"]

    assert note_after("Mine: **Views → Layers**") == "Mine: **Views → Layers**"
    assert note_after(f"{OURS}\nAs it was put once.") == NOTE
