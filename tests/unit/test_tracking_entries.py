"""What a run of the tracking store holds, and the view that shows it."""

import json
import zlib
from base64 import b64decode

import pytest

from mint_lightning.tracking import entries
from mint_lightning.tracking.store import open_store
from mint_lightning.tracking.view import COLUMNS, TAG, set_view
from tests.evidence_fixture import table_evidence
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
    assert "references_auc" not in found


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


def test_the_saved_view_shows_metrics_that_are_logged_and_is_set_once(store_root):
    store = open_store(store_root)
    experiment = store.experiment("faces")
    set_view(store.client, experiment)
    tag = store.client.get_experiment(experiment).tags[TAG]
    set_view(store.client, experiment)
    assert store.client.get_experiment(experiment).tags[TAG] == tag
    packed = json.loads(tag)["state"].removeprefix("deflate;")
    state = json.loads(zlib.decompress(b64decode(packed)))
    assert state["selectedColumns"] == list(COLUMNS)
    row = table_evidence(2, references=2, random_partition=False).row("CNN conv4")
    logged = {f"metrics.`{name}`" for name in entries.row_metrics(row)}
    logged |= {f"params.`{name}`" for name in entries.row_params(row)} | {"tags.`finds`", "tags.`table`"}
    assert set(COLUMNS) <= logged
    assert state["orderByKey"] in logged
