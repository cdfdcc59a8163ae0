"""`audit` through the front door: photos, people and shard sets against the demo's auditors."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mint_lightning.auditor import load_auditor
from mint_lightning.cli import main
from mint_lightning.evidence import Calibration, conformal_p
from mint_lightning.shards import EvalLoader, KeyList, Manifest

pytestmark = pytest.mark.integration

TABLE = "mlruns/tables/demo"
AGREEMENT = f"{TABLE}/auditors/flip_agreement"
CNN = f"{TABLE}/auditors/cnn_conv4"


@pytest.fixture
def photos(workspace: Path, tmp_path: Path) -> Path:
    """A folder of folders by person: four people of test with their photos, as PNG."""
    root = Path("shards/demo")
    manifest = Manifest.load(root)
    keys = KeyList.load(root, manifest)
    test = np.flatnonzero(keys.split[:] == "test")
    people = list(dict.fromkeys(keys.identity[test].tolist()))[:4]
    rows = np.array([row for row in test if keys.identity[row] in people])
    for batch in EvalLoader(root, keys, rows, batch_size=64):
        for image, row in zip(batch["images"].numpy(), batch["row"].tolist(), strict=True):
            path = tmp_path / "people" / str(keys.identity[row]) / f"{keys.key[row]}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.transpose(1, 2, 0)).save(path)
    return tmp_path / "people"


def answers(out: Path) -> list[dict[str, str]]:
    with (out / "audit.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def scores_of(row: str) -> dict[str, float]:
    """The scores of the table behind a row, by key."""
    table = pq.read_table(f"{TABLE}/scores.parquet", filters=[("row", "=", row), ("role", "=", "audited")])
    return dict(zip(table["key"].to_pylist(), table["score"].to_pylist(), strict=True))


def test_a_shard_set_gets_an_answer_for_each_photo(workspace: Path, tmp_path: Path, capsys) -> None:
    assert main(["audit", "--auditor", AGREEMENT, "shards/demo", "--out", str(tmp_path / "a")]) == 0
    found = answers(tmp_path / "a")
    manifest = Manifest.load(Path("shards/demo"))
    assert len(found) == len({each["unit"] for each in found}) == manifest.images
    scores = pq.read_table(
        f"{TABLE}/scores.parquet", filters=[("row", "=", "Flip agreement"), ("role", "=", "audited")]
    )
    known = dict(zip(scores["key"].to_pylist(), scores["score"].to_pylist(), strict=True))
    judged = [each for each in found if each["unit"] in known and each["score"]]
    assert len(judged) > 100
    np.testing.assert_allclose([float(e["score"]) for e in judged], [known[e["unit"]] for e in judged], atol=1e-5)
    calibration = Calibration.of(load_auditor(Path(AGREEMENT)).calibration)
    np.testing.assert_allclose(
        [float(e["p"]) for e in judged], calibration.p_values([float(e["score"]) for e in judged]), atol=1e-9
    )
    document = json.loads((tmp_path / "a/audit.json").read_text())
    assert [each["unit"] for each in document["answers"]] == [each["unit"] for each in found]
    assert document["auditors"][0]["limits"]
    assert f"{manifest.images:,} answers, the 30 with the smallest p shown" in " ".join(capsys.readouterr().out.split())


def test_files_score_as_in_the_shard_set(photos: Path, tmp_path: Path) -> None:
    assert main(["audit", "--auditor", CNN, "--aligned", "true", str(photos), "--out", str(tmp_path / "a")]) == 0
    known = scores_of("CNN conv4")
    found = [each for each in answers(tmp_path / "a") if each["score"] and Path(each["unit"]).stem in known]
    assert found
    expected = [known[Path(each["unit"]).stem] for each in found]
    np.testing.assert_allclose([float(each["score"]) for each in found], expected, atol=0.05)  # encoded once more


def test_people_are_judged_by_all_their_photos(photos: Path, tmp_path: Path, capsys) -> None:
    command = ["audit", "--auditor", AGREEMENT, "--aligned=true", str(photos), "--out", str(tmp_path / "a")]
    assert main([*command, "--group-by", "identity", "--alpha", "0.1"]) == 0
    found = answers(tmp_path / "a")
    assert sorted(each["unit"] for each in found) == sorted(path.name for path in photos.iterdir())
    for each in found:
        assert int(each["photos"]) == len(list((photos / each["unit"]).iterdir()))
        assert int(each["used"]) <= int(each["photos"]) - int(each["outside"])
    assert main([*command, "--group-by", "all", "--alpha", "0.1"]) == 0
    (one,) = answers(tmp_path / "a")
    assert int(one["photos"]) == sum(int(each["photos"]) for each in found)
    assert "all photos" in capsys.readouterr().out


def test_several_auditors_are_adjusted_for_one_another(photos: Path, tmp_path: Path) -> None:
    both = ["audit", "--auditor", json.dumps([AGREEMENT, CNN]), "--aligned", "true", str(photos)]
    assert main([*both, "--out", str(tmp_path / "a")]) == 0
    found: dict[str, list[dict[str, str]]] = {}
    for each in answers(tmp_path / "a"):
        found.setdefault(each["unit"], []).append(each)
    for pair in found.values():
        assert {each["auditor"] for each in pair} == {"Flip agreement", "CNN conv4"}
        small, large = sorted(float(each["p"]) for each in pair)
        adjusted = sorted(float(each["p_adjusted"]) for each in pair)
        assert adjusted == pytest.approx([min(1.0, 2 * small), min(1.0, max(2 * small, large))])


def test_an_image_that_is_no_face_is_outside_the_audit(workspace: Path, tmp_path: Path, capsys) -> None:
    generator = np.random.default_rng(0)
    for number in range(3):
        noise = generator.integers(0, 256, (112, 112, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"noise{number}.png")
    given = [str(tmp_path / f"noise{number}.png") for number in range(3)]
    assert main(["audit", "--auditor", AGREEMENT, "--aligned", "true", *given, "--out", str(tmp_path / "a")]) == 0
    assert {each["outcome"] for each in answers(tmp_path / "a")} == {"outside the audit"}
    assert "no answer" in capsys.readouterr().out


def test_an_auditor_is_found_by_table_run_and_model(workspace: Path, photos: Path, tmp_path: Path) -> None:
    run = json.loads(Path(f"{TABLE}/run.json").read_text())
    photo = next(photos.rglob("*.png"))
    told = []
    for number, name in enumerate((TABLE, run["run"], "demo", "models:/demo@best", "models:/demo/1")):
        out = tmp_path / str(number)
        assert main(["audit", "--auditor", name, "--aligned", "true", str(photo), "--out", str(out)]) == 0, name
        told.append(answers(out)[0])
    assert told[0] == told[1]  # the row of the verdict, from folder and store
    assert told[2] == told[3] == told[4]  # the head best on validate


def test_weights_may_lie_elsewhere(workspace: Path, photos: Path, tmp_path: Path, capsys) -> None:
    """An auditor alone, without the network beside it, whose card names a file that is gone."""
    auditor = tmp_path / "alone"
    shutil.copytree(AGREEMENT, auditor)
    weights = Path(load_auditor(auditor).card.network["card"]["weights"]["file"])
    moved = tmp_path / "moved.safetensors"
    command = ["audit", "--auditor", str(auditor), "--aligned", "true", str(photos), "--out", str(tmp_path / "a")]
    shutil.move(weights, moved)
    try:
        assert main(command) == 2
        assert "--weights demo=FILE" in capsys.readouterr().err
        assert main([*command, "--weights", f"demo={moved}"]) == 0
        assert main([*command, "--weights", f"other={moved}"]) == 2
        assert "other" in capsys.readouterr().err
        other = tmp_path / "other.safetensors"
        other.write_bytes(moved.read_bytes()[:-4] + b"\0\0\0\1")
        assert main([*command, "--weights", f"demo={other}"]) == 2
        assert "not those of the card" in capsys.readouterr().err
    finally:
        shutil.move(moved, weights)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Name the photos"),
        (["nothing.jpg"], "no photo, folder or shard set at nothing.jpg"),
        (["shards/demo", "--alpha", "0"], "alpha is 0.0"),
        (["shards/demo", "--fdr", "1.5"], "fdr is 1.5"),
        (["shards/demo", "mlruns"], "by itself"),
        (["mlruns/networks"], "No image is in"),
        (["shards/demo", "--weights", "x"], "NAME=FILE"),
        (["shards/demo", "--out", "shards"], "stands in the way"),
    ],
)
def test_bad_input_is_one_sentence(words: list[str], sentence: str, workspace: Path, tmp_path: Path, capsys) -> None:
    out = [] if "--out" in words else ["--out", str(tmp_path / "out")]
    assert main(["audit", "--auditor", AGREEMENT, *words, *out]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("shards", "is no auditor"),
        ("0" * 32, "no such run"),
        ("nobody", "its models: demo"),
        ("models:/a/b/c", "no run"),
    ],
)
def test_an_auditor_that_is_not_there_is_one_sentence(name: str, sentence: str, workspace: Path, capsys) -> None:
    assert main(["audit", "--auditor", name, "shards/demo"]) == 2
    assert sentence in capsys.readouterr().err


def test_people_without_a_name_are_refused(photos: Path, tmp_path: Path, capsys) -> None:
    photo = str(next(photos.rglob("*.png")))
    assert main(["audit", "--auditor", AGREEMENT, "--aligned", "true", photo, "--group-by", "identity"]) == 2
    assert "Who is on" in capsys.readouterr().err


def test_a_broken_photo_is_left_out_and_named(photos: Path, tmp_path: Path, capsys) -> None:
    good, bad = next(photos.rglob("*.png")), tmp_path / "bad.jpg"
    bad.write_bytes(b"\xff\xd8\xff nothing")
    command = ["audit", "--auditor", AGREEMENT, "--aligned", "true", "--out", str(tmp_path / "a")]
    assert main([*command, str(bad), str(good)]) == 0
    assert len(answers(tmp_path / "a")) == 1
    assert "1 photo could not be used (bad.jpg: " in capsys.readouterr().out
    assert main([*command, str(bad)]) == 2
    assert "No photo can be judged (bad.jpg" in capsys.readouterr().err


def test_the_p_value_is_that_of_the_calibration(workspace: Path) -> None:
    scores = load_auditor(Path(AGREEMENT)).calibration
    externals = scores.where(scores.external)
    p = conformal_p([externals.score.max() + 1.0], externals.score, externals.identity)
    assert p[0] == pytest.approx(1.0 / (len(set(externals.identity.tolist())) + 1))
