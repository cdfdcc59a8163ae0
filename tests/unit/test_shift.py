"""A known shift is found by the right statistic, and random halves are not told apart."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from mint_lightning.cli import main
from mint_lightning.shards import open_source, pack
from mint_lightning.shards.synthetic.faces import draw_photo
from tests.packing import Listed

pytestmark = pytest.mark.unit

SIZE, PEOPLE = 64, 80


def plain(pixels: np.ndarray) -> np.ndarray:
    return pixels


def jpeg(pixels: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(pixels).resize((SIZE, SIZE)).save(stream, "JPEG", quality=30)
    return np.asarray(Image.open(stream))


def blur(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(2)))


def border(pixels: np.ndarray) -> np.ndarray:
    small = Image.fromarray(pixels).resize((SIZE, SIZE))
    return np.pad(np.asarray(small)[4:-4, 4:-4], ((4, 4), (4, 4), (0, 0)))


def grey(pixels: np.ndarray) -> np.ndarray:
    return np.repeat(np.asarray(Image.fromarray(pixels).convert("L"))[:, :, None], 3, axis=2)


def packed(out: Path, first: int, change=plain, people: int = PEOPLE, **settings) -> Path:
    photos = [
        (f"p{first + i}", f"{j}.png", lambda i=i, j=j: change(draw_photo(0, first + i, j, 1.0)))
        for i in range(people)
        for j in range(2)
    ]
    wanted = {"image_size": SIZE, "encoder": "png", "lanes": 2} | settings
    pack(Listed(photos, name=out.name), out, **wanted)
    return out


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return packed(tmp_path_factory.mktemp("base") / "base", 0)


def report(words: list[str], folder: Path) -> dict:
    assert main(["shift", *words, "--json", str(folder / "shift.json")]) == 0
    return json.loads((folder / "shift.json").read_text())


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (jpeg, {"blockiness"}),
        (blur, {"sharpness", "spectral slope"}),
        (border, {"constant borders"}),
        (grey, {"grey", "saturation"}),
    ],
)
def test_a_known_shift_is_named(base, tmp_path, change, names) -> None:
    found = report([str(base), str(packed(tmp_path / "other", 500, change))], tmp_path)
    told = {each["name"]: each["auc"]["value"] for each in found["differences"] if each["found"]}
    assert names <= told.keys()
    assert all(abs(told[name] - 0.5) > 0.4 for name in names)
    assert found["pixel_control"]["value"] > 0.9
    assert found["pixel_control"]["low"] > 0.6  # 29 people of test
    assert found["pipeline"] == {}
    assert all(name in found["verdict"] for name in names)


def test_random_halves_are_not_told_apart(tmp_path, capsys) -> None:
    source = open_source("synthetic:identities=240,photos=2,difficulty=hard,seed=5", name="s")
    halves = {"H1": 0.5, "H2": 0.5}
    pack(source, tmp_path / "s", image_size=SIZE, encoder="png", partitions=halves, lanes=2)
    words = [str(tmp_path / "s"), "--partitions", "H1", "H2", "--picture", str(tmp_path / "s.png")]
    found = report(words, tmp_path)
    assert [each["name"] for each in found["differences"] if each["found"]] == []
    assert found["pixel_control"]["low"] < 0.5 < found["pixel_control"]["high"]
    assert found["a"]["people"] + found["b"]["people"] == 240
    assert "No difference was found" in capsys.readouterr().out
    assert Image.open(tmp_path / "s.png").size[0] > 1000


def test_another_pipeline_is_said_first(base, tmp_path, capsys) -> None:
    other = packed(tmp_path / "o", 500, image_size=48, encoder="jpeg95")
    found = report([str(base), str(other), "--limit", "40"], tmp_path)
    assert found["pipeline"] == {"image_size": ["64", "48"], "encoder": ["png", "jpeg95"]}
    assert found["verdict"].startswith("The sets were packed differently (image_size, encoder)")
    assert found["a"]["images"] == found["b"]["images"] == 40
    said = capsys.readouterr().out
    assert said.index("Packed differently") < said.index("sharpness ")


def test_photos_that_were_aligned_otherwise_are_refused_with_the_command_that_helps(base, tmp_path, capsys) -> None:
    other = packed(tmp_path / "crops", 500)
    manifest = json.loads((other / "manifest.json").read_text())
    (other / "manifest.json").write_text(json.dumps({**manifest, "alignment": "aligned crops of elsewhere"}))
    words = [str(base), str(other), "--limit", "40"]
    assert main(["shift", *words]) == 2
    error = capsys.readouterr().err
    assert "differ in alignment (as given and aligned crops of elsewhere)" in error
    assert "mint-lightning pack --source KIND:PATH --realign true --out crops_realigned" in error
    assert "alignment" in report([*words, "--allow-mixed", "true"], tmp_path)["pipeline"]


def test_the_one_that_was_realigned_is_the_pattern(base, tmp_path, capsys) -> None:
    words = (
        "detector=scrfd sha256=0123456789abcdef faces=largest least_face=20.0 least_score=0.5 padding=0.5 realign=True"
    )
    other = packed(tmp_path / "crops", 500)
    manifest = json.loads((other / "manifest.json").read_text())
    (other / "manifest.json").write_text(json.dumps({**manifest, "alignment": words}))
    for sets in ([base, other], [other, base]):
        assert main(["shift", *map(str, sets)]) == 2
        error = capsys.readouterr().err
        assert f"set by it. Bring {base.name} to the pipeline of crops from its crops" in error
        assert "--detector FILE (the SCRFD whose sha256 begins with 0123456789abcdef) --padding 0.5" in error
        assert f"--out {base.name}_realigned" in error


def test_few_people_give_no_control_and_no_mean_image(base, tmp_path) -> None:
    from mint_lightning.learning.shift import look_at

    few = packed(tmp_path / "few", 500, people=6)
    found = report([str(base), str(few)], tmp_path)
    assert found["pixel_control"] is None
    assert "was not fitted" in found["verdict"]
    assert look_at(few, None, 100).mean is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["BASE", "/nowhere"], "There is no shard manifest"),
        (["BASE"], "compares two shard sets"),
        (["BASE", "BASE"], "the same shard set"),
        (["BASE", "--partitions", "all", "H2"], "no image with partition 'H2'"),
        (["BASE", "--partitions", "all", "all"], "takes two partitions"),
        (["BASE", "--partitions", "all"], "takes two partitions"),
    ],
)
def test_bad_input_is_one_sentence(base, capsys, words, said) -> None:
    assert main(["shift", *(str(base) if word == "BASE" else word for word in words)]) == 2
    assert said in capsys.readouterr().err
