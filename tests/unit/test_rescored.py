"""Evidence computed anew from the scores that lie beside it."""

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mint_lightning.bundle.rescored import differences, weighed_again
from mint_lightning.errors import UserError
from mint_lightning.report.scores import (
    ATTRIBUTES,
    HEADS,
    SCORES,
    read_columns,
)
from tests.scored_table import CAMERA, written

pytestmark = pytest.mark.unit


def test_every_figure_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    evidence = written(tmp_path)
    assert evidence.rows[1].permuted_auc is not None
    assert evidence.rows[1].left_out
    assert any(CAMERA in part.kind for part in evidence.rows[0].slices)
    assert weighed_again(tmp_path, evidence).to_json() == evidence.to_json()


def test_one_score_that_changed_is_seen(tmp_path: Path) -> None:
    evidence = written(tmp_path)
    for name in (SCORES, HEADS):
        table = pq.read_table(tmp_path / name)
        whole = table["score"].to_numpy().copy()
        whole[0] += 10  # of test; of calibrate it might move no threshold, which the hashes of a bundle would tell
        changed = table.set_column(table.column_names.index("score"), "score", [whole])
        pq.write_table(changed, tmp_path / name)
        found = list(differences(evidence.to_json(), weighed_again(tmp_path, evidence).to_json()))
        assert found, name
        assert all("recomputed" in each for each in found)
        pq.write_table(table, tmp_path / name)


def test_a_forged_figure_is_named(tmp_path: Path) -> None:
    evidence = written(tmp_path)
    row = evidence.rows[0]
    forged = replace(evidence, rows=(replace(row, auc=replace(row.auc, value=0.9)), *evidence.rows[1:]))
    (found,) = differences(forged.to_json(), weighed_again(tmp_path, forged).to_json())
    assert found.startswith("rows[0].auc.value: 0.9, recomputed 0.")


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    evidence = written(tmp_path)
    (tmp_path / HEADS).rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="The scores of the head of seed 0 of 'Vanilla conv1' on 'demo' are not there"):
        weighed_again(tmp_path, evidence)
    (tmp_path / SCORES).write_bytes(b"PAR1 and nothing")
    with pytest.raises(UserError, match="cannot be read as scores"):
        weighed_again(tmp_path, evidence)


def test_differences_of_documents() -> None:
    assert list(differences({"a": [1.0, 2]}, {"a": [1.0 + 1e-12, 2]})) == []
    assert list(differences({"a": 1.0}, {"a": 1.1})) == ["a: 1.0, recomputed 1.1"]
    assert list(differences({"a": 1.0}, {"b": 1.0})) == [": {'a': 1.0}, recomputed {'b': 1.0}"]
    assert list(differences([1], [1, 2])) == [": [1], recomputed [1, 2]"]
    assert list(differences([True], [1.0])) == []
    assert list(differences([float("nan")], [1.0])) == ["[0]: nan, recomputed 1.0"]


def test_no_attributes_are_none(tmp_path: Path) -> None:
    assert read_columns(tmp_path / ATTRIBUTES) == {}
