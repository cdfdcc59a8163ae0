"""Rows of several photos of one person in a table: beside their controls, kept, the same in every way of making it."""

from pathlib import Path

import numpy as np
import pytest

from mint_lightning.errors import UserError
from mint_lightning.evidence.scores import similarity
from mint_lightning.learning import placement
from mint_lightning.learning.audit import TableRun, estimate_table, run_table
from mint_lightning.learning.rows import RowSpec
from tests.small_table import Work, assert_same, faces, settings

pytestmark = pytest.mark.integration

PEOPLE = [
    RowSpec("person", ["conv4", "outcome"], arguments={"photos": 2, "views": ["flip"]}),
    RowSpec("similarity", photos=2),
    RowSpec("norm"),
]


@pytest.fixture(scope="module")
def people(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TableRun, Path]:
    store = tmp_path_factory.mktemp("people")
    return run_table(faces(shards, unseen=["A_unseen"]), PEOPLE, settings(store)), store


def test_each_person_is_judged_once(people: tuple[TableRun, Path]) -> None:
    person, score, norm = people[0].rows
    assert (person.photos, score.photos, norm.photos) == (2, 2, 1)
    for row in (person, score):
        judged = row.audited.where(~row.audited.unseen)
        assert len(np.unique(judged.identity)) == len(judged) > 20
        assert row.audited.key.tolist() == person.audited.key.tolist()
        assert set(row.audited.key) < set(norm.audited.key)
    assert people[0].evidence.row("Person of 2 photos conv4 + outcome").auc.images == sum(
        (~person.audited.unseen) & (person.audited.split == "test")
    )
    assert {control.kind for control in people[0].evidence.rows[0].controls} == {"pixels", "twins", "twin"}


def test_similarity_is_that_of_the_embeddings(people: tuple[TableRun, Path], shards: Path) -> None:
    data = faces(shards, unseen=["A_unseen"])
    row = people[0].rows[1].audited
    by_key = {str(key): number for number, key in enumerate(data.keys.key[:])}
    from mint_lightning.learning.rings import Rings

    rings = Rings.of(data, data.groups.used)
    rows = np.array([by_key[key] for key in row.key])
    beside = rings.beside(rows, 1)
    images = {}
    for batch in data.eval_loader(np.unique(np.concatenate([rows, beside]))):
        for place, own in zip(batch["row"].tolist(), data.network.embed(batch["images"]), strict=True):
            images[place] = own.double().numpy()
    wanted = similarity([np.stack([images[r] for r in which.tolist()]) for which in (rows, beside)])
    assert np.allclose(row.score, wanted, atol=1e-5)


def test_the_same_table_from_its_store(people: tuple[TableRun, Path], shards: Path, work: Work) -> None:
    run, store = people
    again = run_table(faces(shards, unseen=["A_unseen"]), PEOPLE, settings(store))
    assert not work.images
    assert not work.epochs
    assert_same(run, again)


def test_folds_judge_everybody_once(shards: Path, tmp_path: Path) -> None:
    run = run_table(faces(shards), PEOPLE, settings(tmp_path, folds=3, permuted=True))
    person = run.rows[0].audited
    assert (person.split == "out-of-fold").all()
    assert len(np.unique(person.identity)) == len(person) > 100
    assert run.rows[0].permuted is not None
    assert len(run.rows[0].permuted) == len(person)


def test_an_estimate_counts_its_heads(shards: Path) -> None:
    found = estimate_table(faces(shards), PEOPLE, settings("none"))
    assert found.heads > 0
    assert found.views == 2


def test_too_few_people_are_refused_before_any_forward(shards: Path, work: Work) -> None:
    row = [RowSpec("person", ["outcome"], arguments={"photos": 9})]
    with pytest.raises(UserError, match="0 people have 9 photos to learn from, too few"):
        run_table(faces(shards), row, settings("none"))
    assert not work.images


def test_what_several_photos_read_must_be_kept(shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for measure in ("measure_disk", "free_disk"):
        monkeypatch.setattr(placement, measure, lambda folder: placement.Disk(10, 1e9, 1e9))
    with pytest.raises(UserError, match="reads several photos at once, so what it reads must be kept"):
        run_table(faces(shards), PEOPLE[1:2], settings("auto", max_memory_gib=1e-9))
