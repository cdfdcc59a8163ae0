"""Auditors of several photos of one person: from the table to an answer about a person."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from mint_lightning.auditor import load_auditor
from mint_lightning.cli import main
from mint_lightning.shards import KeyList, Manifest
from tests.integration.conftest import CONF

pytestmark = pytest.mark.integration

ROWS = [
    {"head": "person", "taps": ["conv4", "outcome"], "arguments": {"photos": 3, "views": ["flip"]}, "name": "person"},
    {"head": "similarity", "photos": 3},
]


@pytest.fixture(scope="module")
def table(demo_workspace: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(demo_workspace)
        config = ["--config", str(CONF / "table_faces.yaml"), "--rows", json.dumps(ROWS), "--recipe", '{"epochs": 3}']
        assert main(["table", *config, "--twins", "1", "--seeds", "1", "--name", "persons"]) == 0
    return demo_workspace / "mlruns/tables/persons"


def answers(out: Path) -> dict[str, dict[str, str]]:
    with (out / "audit.csv").open(encoding="utf-8", newline="") as stream:
        return {row["unit"]: row for row in csv.DictReader(stream)}


def test_the_auditors_say_how_many_photos_they_judge(table: Path) -> None:
    cards = {name: load_auditor(table / "auditors" / name).card for name in ("person", "similarity_of_3_photos")}
    assert [card.set_size for card in cards.values()] == [3, 3]
    assert cards["person"].views == ["original", "flip"]
    assert cards["similarity_of_3_photos"].requests == [
        (view, "outcome") for view in ("original", "original+1", "original+2")
    ]


@pytest.mark.parametrize("auditor", ["person", "similarity_of_3_photos"])
def test_people_with_as_many_photos_get_the_scores_of_the_table(
    auditor: str, table: Path, workspace: Path, tmp_path: Path
) -> None:
    place = str(table / "auditors" / auditor)
    assert (
        main(["audit", "--auditor", place, "--group-by", "identity", "shards/demo", "--out", str(tmp_path / "a")]) == 0
    )
    said = answers(tmp_path / "a")
    row = load_auditor(table / "auditors" / auditor).card.name
    scores = pq.read_table(table / "scores.parquet", filters=[("row", "=", row), ("role", "=", "audited")]).to_pandas()
    keys = KeyList.load(Path("shards/demo"), Manifest.load(Path("shards/demo")))
    count = {name: int((keys.identity[:] == name.partition("/")[2]).sum()) for name in scores.identity}
    exactly = [(name, score) for name, score in zip(scores.identity, scores.score, strict=True) if count[name] == 3]
    for name, score in exactly:
        assert np.isclose(float(said[name]["score"]), score, atol=1e-3)
    judged = [each for each in said.values() if each["score"]]
    assert all(int(each["used"]) == 3 for each in judged)
    assert len(judged) > 20
    assert all(0 < float(each["p"]) <= 1 for each in said.values())


def test_photo_by_photo_is_refused(table: Path, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--auditor", str(table / "auditors/person"), "shards/demo", "--out", "unasked"]) == 2
    assert "judges 3 photos of one person at once: give --group-by all" in capsys.readouterr().err
    assert not Path("unasked").exists()


def test_a_person_with_too_few_photos_gets_no_answer(table: Path, workspace: Path, tmp_path: Path) -> None:
    from PIL import Image

    from mint_lightning.shards import EvalLoader

    root = Path("shards/demo")
    keys = KeyList.load(root, Manifest.load(root))
    person = keys.identity[int(np.flatnonzero(keys.split[:] == "test")[0])]
    rows = np.flatnonzero(keys.identity[:] == person)
    for batch in EvalLoader(root, keys, rows, batch_size=64):
        for image, row in zip(batch["images"].numpy(), batch["row"].tolist(), strict=True):
            for folder, kept in (("enough", 4), ("few", 2)):
                if row in rows[:kept]:
                    path = tmp_path / "people" / folder / f"{row}.png"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(image.transpose(1, 2, 0)).save(path)
    asked = ["--group-by", "identity", "--aligned", "true", str(tmp_path / "people"), "--out", str(tmp_path / "b")]
    assert main(["audit", "--auditor", str(table / "auditors/person"), *asked]) == 0
    said = answers(tmp_path / "b")
    few, enough = said["few"], said["enough"]
    assert "Fewer photos are left than the auditor judges together" in few["sentence"]
    assert not few["score"]
    assert enough["score"]
    assert enough["used"] == "3"
