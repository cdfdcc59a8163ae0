"""The best head of a table in MLflow's model registry: what is registered, and that it answers alone."""

import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mint_lightning.auditor import Answers, Question, Scored, load_auditor
from mint_lightning.auditor.novelty import pixel_features
from mint_lightning.errors import UserError
from mint_lightning.evidence import Calibration, error_rate
from mint_lightning.report.scores import read_audited
from mint_lightning.tracking import open_store
from mint_lightning.tracking.registry import NothingToRegister, model_name, register
from tests.evidence_fixture import table_evidence
from tests.finished_table import finished_table

pytestmark = pytest.mark.integration

ALONE = """
import sys, numpy, mlflow
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
print(model.predict(numpy.load(sys.argv[3])).to_json(orient="records"))
"""


@pytest.fixture(autouse=True)
def _no_uri_from_outside(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    store, folder = open_store(root), root / "table"
    evidence, network = finished_table(folder, name="ResNet: a/b %?")
    found = register(store, run_of(store), folder, evidence)
    return store, folder, evidence, network, found


def run_of(store) -> str:
    return store.client.create_run(store.experiment("tables"), tags={"table": "faces"}).info.run_id


def model_folder(store, name: str, version: str) -> Path:
    return Path(store.client.get_model_version(name, version).source.removeprefix("file://"))


def load(store, uri: str):
    import mlflow

    from mint_lightning.tracking.library import variable_kept

    with variable_kept():
        mlflow.set_tracking_uri(store.uri)
        return mlflow.pyfunc.load_model(uri)


def test_the_head_best_on_validate_is_registered_with_what_decides_about_it(registered):
    store, _, evidence, network, found = registered
    assert found.best
    assert found.uri == f"models:/{model_name(network.name)}@best"
    version = store.client.get_model_version_by_alias(found.name, "best")
    row = evidence.row("Vanilla conv4")
    assert version.tags == {
        "table": "faces",
        "row": "Vanilla conv4",
        "network": "ResNet: a/b %?",
        "fingerprint": network.fingerprint(),
        "shards": "x",
        "validate_auc": f"{row.validate_auc:.4f}",
        "finds": "yes",
        "may_claim": "yes",
        "outcome": "scores like training photos",
    }


def test_it_answers_alone_where_neither_table_nor_network_are(registered, tmp_path):
    store, folder, _, network, found = registered
    images = np.random.default_rng(0).integers(0, 256, (70, 32, 32, 3), dtype=np.uint8)
    auditor = load_auditor(folder / "auditors" / "vanilla_conv4")
    scores = auditor.score(network, torch.from_numpy(images).permute(0, 3, 1, 2).contiguous())
    name, given = auditor.card.name, torch.from_numpy(images).permute(0, 3, 1, 2)
    assert auditor.novelty is not None
    outside = auditor.novelty.outside(pixel_features(given), network(given, ["outcome"])["original"]["outcome"])
    blank = [""] * len(images)
    numbers = [str(number) for number in range(len(images))]
    scored = Scored(numbers, numbers, blank, blank, np.full(70, np.nan), {name: scores}, {name: outside})
    expected = Answers(scored, {name: auditor}, Question())
    np.testing.assert_allclose(
        [each.p for each in expected if not each.outside],
        Calibration.of(auditor.calibration).p_values(scores[~outside]),
    )
    np.save(tmp_path / "images.npy", images)
    hidden = folder.rename(tmp_path / "hidden")
    try:
        done = subprocess.run(
            [sys.executable, "-c", ALONE, store.uri, found.uri, str(tmp_path / "images.npy")],
            capture_output=True, text=True, check=True, cwd=tmp_path,
        )  # fmt: skip
    finally:
        hidden.rename(folder)
    lines = json.loads(done.stdout)
    assert [line["score"] for line in lines] == pytest.approx(scores.tolist(), rel=1e-5)
    assert [line["p"] for line in lines] == pytest.approx([verdict.p for verdict in expected], abs=1e-6)
    assert [line["outcome"] for line in lines] == [str(verdict.outcome) for verdict in expected]


def test_an_outcome_that_accuses_says_how_often_it_errs(registered, monkeypatch):
    store, folder, _, _, found = registered
    model = load(store, found.uri)
    inside = model.unwrap_python_model()
    monkeypatch.setattr(type(inside.auditor), "score_aad", lambda _, aad: np.array([9.0, -9.0, 9.0]))
    images = np.random.default_rng(5).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    images[2] = 0
    high, low, strange = model.predict(images).itertuples(index=False)
    rate = error_rate(read_audited(folder / "scores.parquet", "Vanilla conv4"), fitted=True)
    assert (high.outcome, high.error_rate) == ("scores like training photos", rate.bound)
    assert low.outcome == "not distinguishable"
    assert np.isnan(low.error_rate)
    assert 0 < high.p < 0.01 < low.p <= 1
    assert strange.outcome == "outside the audit"


@pytest.mark.parametrize("shape", [(1, 31, 32, 3), (1, 3, 32, 32)])
def test_other_sizes_are_refused(registered, shape):
    store, *_, found = registered
    with pytest.raises(Exception, match="shape"):
        load(store, found.uri).predict(np.zeros(shape, np.uint8))


def test_nothing_in_it_is_a_pickle(registered):
    store, *_, found = registered
    files = [path for path in model_folder(store, found.name, found.version).rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"MLmodel", "model_code.py", "weights.safetensors", "card.json"}
    for path in files:
        assert path.suffix not in (".pkl", ".pickle", ".pt", ".pth", ".bin"), path
        assert not path.read_bytes().startswith(b"\x80"), path
        assert not zipfile.is_zipfile(path), path


@pytest.mark.parametrize("file", ["weights.safetensors", "head.safetensors"])
def test_a_changed_model_is_refused_when_it_is_loaded(registered, tmp_path, file):
    store, *_, found = registered
    copy = shutil.copytree(model_folder(store, found.name, found.version), tmp_path / "model")
    (path,) = copy.rglob(file)
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(UserError, match=file):
        load(store, str(copy))


def test_another_network_is_refused_by_its_fingerprint(registered, tmp_path):
    store, *_, found = registered
    copy = shutil.copytree(model_folder(store, found.name, found.version), tmp_path / "model")
    (path,) = copy.rglob("card.json")
    card = json.loads(path.read_text())
    path.write_text(json.dumps(card | {"weights": None, "members": {}}))  # random weights, drawn anew
    with pytest.raises(UserError, match="'Vanilla conv4' was made for another network"):
        load(store, str(copy))


def test_the_alias_stays_with_the_better_head_of_the_same_question(registered, tmp_path):
    store, folder, evidence, _, found = registered

    def again(by: float) -> bool:
        rows = tuple(replace(row, validate_auc=row.validate_auc + by) for row in evidence.rows)
        return register(store, run_of(store), folder, replace(evidence, rows=rows)).best

    assert not again(-0.01)
    assert str(store.client.get_model_version_by_alias(found.name, "best").version) == found.version
    assert again(+0.01)


def test_weights_from_a_torch_checkpoint_are_taken_over_as_safetensors(tmp_path):
    store = open_store(tmp_path)
    evidence, network = finished_table(tmp_path / "table")
    card = network.card
    torch.save({"state_dict": network.module.state_dict()}, tmp_path / "weights.pt")
    for path in (tmp_path / "table/auditors").glob("*/auditor.json"):
        from mint_lightning.files import sha256_file

        document = json.loads(path.read_text())
        weights = {"file": str(tmp_path / "weights.pt"), "sha256": sha256_file(tmp_path / "weights.pt")}
        document["network"]["card"] = card.to_dict() | {"weights": weights}
        path.write_text(json.dumps(document))
    found = register(store, run_of(store), tmp_path / "table", evidence)
    assert not list(model_folder(store, found.name, found.version).rglob("*.pt"))
    assert len(load(store, found.uri).predict(np.zeros((3, 32, 32, 3), np.uint8))) == 3


def test_what_cannot_stand_alone_is_not_registered_and_says_why(tmp_path):
    store = open_store(tmp_path)
    evidence, _ = finished_table(tmp_path / "table")

    def why(changed=evidence) -> str:
        with pytest.raises(NothingToRegister) as error:
            register(store, run_of(store), tmp_path / "table", changed)
        return str(error.value)

    assert why(table_evidence()) == "no row of the table has a head that judges one photo"
    folded = replace(evidence, rows=tuple(replace(row, cross_fitted=True) for row in evidence.rows))
    assert "cross-fitted" in why(folded)
    weights = tmp_path / "table/network/weights.safetensors"
    weights.write_bytes(weights.read_bytes() + b"x")
    assert f"{weights} are gone or were changed" in why()
    for path in (tmp_path / "table/auditors").glob("*/auditor.json"):
        document = json.loads(path.read_text())
        document["network"]["card"]["weights"] = None
        path.write_text(json.dumps(document))
    assert why() == "the weights of 'A' are random or lie in no file"
    assert store.client.search_registered_models() == []


def test_names_are_what_the_registry_takes_and_two_networks_never_share_one():
    assert model_name("iresnet100") == "iresnet100"
    odd = ["a/b", "a:b", "a b", "a-b", "ÄÖ", "..", "", "x" * 500, "名前"]
    names = [model_name(name) for name in odd]
    assert len(set(names)) == len(odd)
    assert all(name and len(name) < 100 and not set(name) & set("/:%\"' ") for name in names)
