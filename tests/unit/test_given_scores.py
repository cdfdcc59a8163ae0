"""Scores of any tool, read and written in the forms of others, and weighed."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from mint_lightning.bundle.forms import read_form, write_forms
from mint_lightning.bundle.given import of_scores
from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.evidence import ScoreSet
from mint_lightning.report.scores import SCORES, write_scores
from tests.evidence_fixture import row_scores

pytestmark = pytest.mark.unit


def attack(people: int = 300, photos: int = 2, seed: int = 0, effect: float = 1.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    member = np.repeat(np.arange(people) % 2 == 0, photos)
    shared = np.repeat(rng.normal(size=people), photos)
    return {
        "score": rng.normal(size=people * photos) + shared + effect * member,
        "member": member.astype(int),
        "identity": np.repeat([f"person{number}" for number in range(people)], photos),
        "key": np.array([f"photo{number}" for number in range(people * photos)]),
    }


def to_csv(path: Path, columns: dict[str, np.ndarray]) -> Path:
    with path.open("w", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(columns)
        lines.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
    return path


def test_a_table_of_scores_is_weighed_and_its_bundle_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    columns = attack()
    to_csv(tmp_path / "other.csv", columns)
    assert main(["audit", "--scores", "other.csv"]) == 0
    assert "other" in capsys.readouterr().out
    (row,) = json.loads(Path("mlruns/audits/scores/evidence.json").read_text())["rows"]
    assert row["auc"]["value"] == pytest.approx(roc_auc_score(columns["member"], columns["score"]))
    assert (row["auc"]["images"], row["auc"]["identities"]) == (600, 300)
    assert row["excess"] is None, "no control was given"
    assert not json.loads(Path("mlruns/audits/scores/bundle.json").read_text())["may_claim"]
    assert main(["verify-bundle", "mlruns/audits/scores"]) == 0


def test_controls_of_a_table_count(tmp_path: Path) -> None:
    columns, rng = attack(seed=1), np.random.default_rng(2)
    parts = []
    for role, network in (("audited", "net"), ("twin", "twin 0"), ("twin", "twin 1"), ("pixels", "raw pixels")):
        score = columns["score"] if role == "audited" else rng.normal(size=600)
        parts.append(pa.table({**columns, "score": score, "role": [role] * 600, "network": [network] * 600}))
    pq.write_table(pa.concat_tables(parts), tmp_path / "attack.parquet")
    source = of_scores(tmp_path / "attack.parquet", command="x", partition_declared=True)
    (row,) = source.evidence.rows
    assert {control.kind for control in row.controls} == {"pixels", "twins", "twin"}
    assert row.excess is not None
    assert row.finds
    assert source.evidence.claim.may_claim
    undeclared = of_scores(tmp_path / "attack.parquet", command="x")
    assert not undeclared.evidence.claim.may_claim
    from mint_lightning.bundle.check import check_bundle
    from mint_lightning.bundle.folder import write_bundle

    assert list(check_bundle(write_bundle(tmp_path / "bundle", source)))


def test_our_own_scores_come_back(tmp_path: Path) -> None:
    rows = row_scores(people=60)
    write_scores(tmp_path / SCORES, rows)
    found = of_scores(tmp_path / SCORES, command="x").evidence
    assert [row.name for row in found.rows] == [row.name for row in rows]
    for given_row, row in zip(found.rows, rows, strict=True):
        judged = (row.audited.split == "test") & ~row.audited.unseen
        assert given_row.auc.value == pytest.approx(
            roc_auc_score(row.audited.member[judged], row.audited.score[judged])
        )


def scores_of(columns: dict[str, np.ndarray]) -> ScoreSet:
    size = len(columns["score"])
    return ScoreSet(
        score=columns["score"], member=columns["member"].astype(bool), unseen=np.zeros(size, bool),
        identity=columns["identity"], split=np.full(size, "out-of-fold"), key=columns["key"], network="net",
    )  # fmt: skip


@pytest.mark.parametrize("form", ["art", "sacroml", "privacyguard"])
def test_each_form_keeps_every_rate(form: str, tmp_path: Path) -> None:
    columns = attack(people=40)
    write_forms(tmp_path, "row", scores_of(columns))
    path = tmp_path / form / ("row" if form == "privacyguard" else "row.npz")
    found = read_form(path)
    assert roc_auc_score(found.member, found.score) == pytest.approx(roc_auc_score(columns["member"], columns["score"]))
    assert found.member.sum() == columns["member"].sum()
    people = {"privacyguard": 40}.get(form, 80)  # the others do not say who is on a photo
    assert len(np.unique(found.identity)) == people
    if form == "sacroml":
        both = np.load(path)["y_pred_proba"]
        assert np.allclose(both.sum(axis=1), 1)
        assert 0 < both.min() < both.max() < 1


def test_forms_are_written_beside_a_bundle(tmp_path: Path) -> None:
    to_csv(tmp_path / "other.csv", attack(people=40))
    from mint_lightning.bundle.check import check_bundle
    from mint_lightning.bundle.folder import write_bundle

    out = write_bundle(tmp_path / "bundle", of_scores(tmp_path / "other.csv", command="x"), forms=True)
    assert (out / "forms/art/other.npz").is_file()
    assert (out / "forms/privacyguard/other/df_train_merge.csv").is_file()
    assert list(check_bundle(out))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"score": None}, "has no column score"),
        ({"member": None}, "has no column member"),
        ({"member": np.full(80, 2)}, "member is '2'; it must be 1 or 0"),
        ({"member": np.ones(80, int)}, "identities of each class, but the externals have 0"),
        ({"score": np.array(["x"] * 80)}, "every score must be a number"),
        ({"score": np.array([np.inf] * 80)}, "must be a finite number"),
        ({"key": np.array(["same"] * 80)}, "every image is scored once"),
        ({"split": np.array(["fit"] * 80)}, "holds no evidence"),
        ({"role": np.array(["judge"] * 80)}, "has the role 'judge'"),
        ({"colour": np.array(["red"] * 80)}, "has the column 'colour'"),
        ({"role": np.array(["twin"] * 80)}, "has no scores of the audited network"),
        ({"network": np.array(["a"] * 40 + ["b"] * 40)}, "scores of several audited networks"),
    ],
)
def test_bad_tables_are_one_sentence(
    change: dict[str, np.ndarray | None], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = {name: value for name, value in {**attack(people=40), **change}.items() if value is not None}
    path = to_csv(tmp_path / "other.csv", columns)
    assert main(["audit", "--scores", str(path), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_other_bad_input_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 no more")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    np.savez(tmp_path / "pickled.npz", attack_proba=np.array([{}], dtype=object), attack_true=np.ones(1))
    np.savez(tmp_path / "sizes.npz", attack_proba=np.zeros(4), attack_true=np.ones(3))
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "gap.csv").write_text("score,member\n0.5,1\n,0\n")
    (tmp_path / "folder").mkdir()
    for name, reason in (
        ("nowhere.csv", "There are no scores"), ("broken.npz", "cannot be read"), ("other.npz", "holds a; scores are"),
        ("pickled.npz", "nothing pickled"), ("sizes.npz", "of the same photos"), ("empty.csv", "cannot be read"),
        ("gap.csv", "empty cells"), ("folder", "df_train_merge.csv"),
    ):  # fmt: skip
        assert main(["audit", "--scores", str(tmp_path / name), "--out", str(tmp_path / "out")]) == 2, name
        error = capsys.readouterr().err
        assert reason in error, (name, error)
        assert error.count("\n") == 1
    assert main(["audit", "--scores", "x.csv", "--auditor", "a", "me.jpg"]) == 2
    assert "neither photos nor an auditor" in capsys.readouterr().err
    assert main(["audit"]) == 2
    assert "give --auditor and photos, or --scores FILE" in capsys.readouterr().err


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_bytes_are_scores_or_one_sentence(tmp_path: Path, content: bytes) -> None:
    for name in ("fuzz.csv", "fuzz.npz", "fuzz.parquet"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError):
            of_scores(tmp_path / name, command="x")
