"""What stands beside a table and is no control: permuted labels, and external sets left out."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mint_lightning.errors import UserError
from mint_lightning.learning.audit import run_table
from mint_lightning.learning.rows import RowSpec
from mint_lightning.shards import Photo, pack
from tests.shard_sets import noise_face
from tests.small_table import Work, faces, settings

pytestmark = pytest.mark.integration

ROWS = [RowSpec("vanilla", ["conv4"]), RowSpec("norm")]


class Sources:
    """Members of one database, externals of two: noise, whose lower half tells the database."""

    name = "sources"

    def describe(self) -> dict[str, object]:
        return {"kind": "sources", "name": self.name}

    def list(self) -> list[Photo]:
        return [
            Photo(source, f"p{person:03d}", f"{photo}.png", partial(noise_face, 7 * person + place, photo, 32))
            for place, source in enumerate(("A", "B", "C"))
            for person in range(120 if source == "A" else 60)
            for photo in range(2)
        ]


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("beside") / "shards"
    pack(Sources(), root, image_size=32, encoder="png", by_database=True)
    return root


def test_both_stand_in_the_evidence_and_are_learnt_once(
    databases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings(tmp_path, permuted=True, left_out=True, pixels=False)
    run = run_table(faces(databases, externals=["B", "C"]), ROWS, given)
    fitted, score = run.evidence.rows
    assert fitted.permuted_auc is not None
    assert score.permuted_auc is None
    assert [each.source for each in fitted.left_out] == [each.source for each in score.left_out] == ["B", "C"]
    assert all("externals of other sets" in each.reason for each in fitted.left_out)  # too few here, and said
    plain = run_table(faces(databases, externals=["B", "C"]), ROWS, replace(given, permuted=False, left_out=False))
    assert plain.evidence.rows[0].auc == fitted.auc
    assert plain.evidence.rows[0].excess == fitted.excess
    work = Work(monkeypatch)
    again = run_table(faces(databases, externals=["B", "C"]), ROWS, given)
    assert not work.epochs
    assert again.evidence.to_json() == run.evidence.to_json()


def test_a_head_left_without_a_set_saw_nothing_of_it(databases: Path, tmp_path: Path) -> None:
    run = run_table(faces(databases, externals=["B", "C"]), ROWS[:1], settings(tmp_path, left_out=True, pixels=False))
    (row,) = run.rows
    for each in row.left_out:
        assert each.scores.key.tolist() == row.audited.key.tolist()
        assert not np.allclose(each.scores.score, row.audited.score)


def test_one_set_cannot_be_left_out(databases: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="two or more sets, but all are of B"):
        run_table(faces(databases, externals=["B"]), ROWS[:1], settings(tmp_path, left_out=True, pixels=False))
