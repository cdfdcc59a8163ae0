"""Heads on several photos, or on several views, that learn from the store of a table."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from mint_lightning.auditor import load_auditor
from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.learning import InvariantMINT, PersonMINT, Recipe, RowSpec
from mint_lightning.learning.audit import run_table
from tests.integration.conftest import CONF, FAST
from tests.small_activations import stored, trainer_of
from tests.small_table import faces, settings

pytestmark = pytest.mark.integration

SETS = RowSpec("person", ["conv4", "outcome"], arguments={"photos": 2, "views": ["flip"]})
VIEWS = RowSpec("invariant", ["conv4", "outcome", "batchnorm"], arguments={"views": ["flip", "blur"]})


@pytest.fixture(scope="module")
def filled(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, float]]]:
    """A table's store, and its scores by row and photo, of heads of one epoch."""
    store = tmp_path_factory.mktemp("sets")
    made = settings(store, recipe=Recipe(epochs=1), twins=0, pixels=False, seeds=1)
    run = run_table(faces(shards), [SETS, VIEWS], made)
    return store, {row.name: dict(zip(row.audited.key, row.audited.score, strict=True)) for row in run.rows}


def person_of(data: object) -> PersonMINT:
    return PersonMINT(data.shapes, SETS.taps, photos=2, views=["flip"])  # type: ignore[attr-defined]


def test_a_person_head_alone_is_that_of_the_table(
    shards: Path, filled: tuple[Path, dict[str, dict[str, float]]], tmp_path: Path
) -> None:
    store, wanted = filled
    data = stored(shards, store, SETS.taps, views=["original", "flip"], photos=2)
    model, trainer = person_of(data), trainer_of(tmp_path, 1)
    trainer.fit(model, data)
    trainer.test(model, data, verbose=False)
    rows, scores = (torch.cat([piece[name] for piece in model.collected]) for name in ("row", "score"))
    known = wanted[SETS.title]
    assert set(data.keys.key[rows.numpy()]) == set(known)
    assert len(np.unique(data.keys.label[rows.numpy()])) == len(rows), "each person once"
    np.testing.assert_allclose(scores, [known[key] for key in data.keys.key[rows.numpy()]], atol=1e-4)


def test_an_invariant_head_takes_batchnorm_of_the_photo_alone(
    shards: Path, filled: tuple[Path, dict[str, dict[str, float]]], tmp_path: Path
) -> None:
    store, wanted = filled
    data = stored(shards, store, VIEWS.taps, views=["original", "flip", "blur"])
    model, trainer = InvariantMINT(data.shapes, VIEWS.taps, views=["flip", "blur"]), trainer_of(tmp_path, 1)
    trainer.fit(model, data)
    trainer.test(model, data, verbose=False)
    rows, scores = (torch.cat([piece[name] for piece in model.collected]) for name in ("row", "score"))
    known = wanted[VIEWS.title]
    np.testing.assert_allclose(scores, [known[key] for key in data.keys.key[rows.numpy()]], atol=1e-4)


def test_a_view_that_is_not_stored_is_told_with_the_command_that_stores_it(
    shards: Path, filled: tuple[Path, dict[str, dict[str, float]]]
) -> None:
    with pytest.raises(UserError, match=r'has no AAD of outcome \(jitter\).*"head": "invariant".*"views": \["jitter"'):
        stored(shards, filled[0], ["outcome"], views=["original", "jitter"])


def test_photos_one_at_a_time_are_refused(shards: Path, tmp_path: Path) -> None:
    data = faces(shards, taps=SETS.taps, views=["original", "flip"])
    with pytest.raises(
        UserError, match=r"reads 2 photos of a person at once, the data gives 1: datamodules.Activations"
    ):
        trainer_of(tmp_path, 1).fit(person_of(data), data)


def test_more_photos_than_people_have_are_refused(
    shards: Path, filled: tuple[Path, dict[str, dict[str, float]]]
) -> None:
    data = stored(shards, filled[0], ["outcome"], photos=32)
    with pytest.raises(UserError, match="0 people have 32 photos to learn from, too few"):
        data.order()


def test_it_is_fitted_by_its_command_and_judges_people(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ["--config", str(CONF / "activations_person.yaml"), *FAST]
    checkpoint = ["--ckpt_path", "mlruns/checkpoints/activations_person/best.ckpt"]
    assert main(["fit", *config]) == 0
    card = load_auditor(Path("mlruns/auditors/activations_person")).card
    assert (card.kind, card.arguments["photos"]) == ("person", 3)
    for command in ("validate", "test", "predict"):
        assert main([command, *config, *checkpoint]) == 0
    rows = pq.read_table("mlruns/predictions/activations_person.parquet").to_pandas()
    outsiders = rows[rows.partition == "externals"]
    assert 0 < outsiders.identity.nunique() == len(outsiders)
    members = rows[rows.partition == "members"]  # a photo held out of training stands for a set of its own
    assert 0 < members.identity.nunique() < len(members) == members.key.nunique()
    asked = ["audit", "--auditor", "mlruns/auditors/activations_person", "--group-by", "identity", "shards/demo"]
    capsys.readouterr()
    assert main(asked) == 0
    assert "photos" in capsys.readouterr().out
    data = ["--data", "datamodules.Faces", "--data.shards", "shards/demo"]
    head = ["--model", "mint_lightning.learning.PersonMINT", "--model.taps", "[outcome]", "--name", "one"]
    assert main(["fit", *head, *data, "--data.network.card", "mlruns/networks/demo/card.json", *FAST]) == 2
    assert "datamodules.Activations gives several" in capsys.readouterr().err
