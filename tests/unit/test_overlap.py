"""Duplicates and people within and between shard sets, through the front door."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mint_lightning.cli import main
from mint_lightning.learning.false_matches import false_match_threshold
from mint_lightning.shards import Manifest, open_source, pack, verify
from mint_lightning.shards.near import close_pairs
from mint_lightning.shards.synthetic.faces import draw_photo
from tests.packing import Listed
from tests.shard_sets import open_set

pytestmark = pytest.mark.unit

SIZE = 48


def drawn(person: int, photo: int = 0) -> np.ndarray:
    return draw_photo(0, person, photo, 1.0)


def saved(pixels: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=60)
    return np.asarray(Image.open(stream))


def resized(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((80, 80)))


def cropped(pixels: np.ndarray) -> np.ndarray:
    return pixels[1:-1, 1:-1]


def packed(out: Path, photos: list[tuple[str, np.ndarray]], **settings) -> Path:
    listed = [(person, f"{number}.png", lambda pixels=pixels: pixels) for number, (person, pixels) in enumerate(photos)]
    pack(Listed(listed, name=out.name), out, image_size=SIZE, encoder="png", lanes=2, **settings)
    return out


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> tuple[Path, Path]:
    """Thirty people; and thirty others, with one exact copy and three near duplicates planted."""
    folder = tmp_path_factory.mktemp("sets")
    one = packed(folder / "one", [(f"p{i}", drawn(i, j)) for i in range(30) for j in range(2)])
    planted = [drawn(3), saved(drawn(5)), resized(drawn(7)), cropped(drawn(9))]
    others = [(f"q{i}", drawn(100 + i, j)) for i in range(30) for j in range(2)]
    return one, packed(folder / "two", others + [(f"planted{i}", pixels) for i, pixels in enumerate(planted)])


def pairs_of(file: Path) -> set[tuple[str, str, str]]:
    with file.open() as stream:
        return {(line["kind"], line["identity_a"], line["identity_b"]) for line in csv.DictReader(stream)}


def test_planted_duplicates_are_found_between_sets_and_left_out(pair, tmp_path, capsys) -> None:
    one, two = pair
    out = tmp_path / "clean"
    words = [
        "verify",
        str(one),
        "--against",
        str(two),
        "--csv",
        str(tmp_path / "p.csv"),
        "--json",
        str(tmp_path / "p.json"),
    ]
    assert main([*words, "--write-without", str(out)]) == 0
    assert "1 pairs: exact copies" in capsys.readouterr().out
    planted = {
        ("exact", "p3", "planted0"),
        ("near", "p5", "planted1"),
        ("near", "p7", "planted2"),
        ("near", "p9", "planted3"),
    }
    found = pairs_of(tmp_path / "p.csv")
    assert planted <= found
    assert {p for p in found if p[0] == "exact"} == {("exact", "p3", "planted0")}
    assert json.loads((tmp_path / "p.json").read_text())["found"]["exact"] == 1
    assert verify(out) == []
    manifest, keys = open_set(out)
    before, all_keys = open_set(one)
    gone = {a for _, a, _ in found}
    assert set(keys.identity.tolist()) == set(all_keys.identity.tolist()) - gone
    assert manifest.request["of"] == before.hash
    assert manifest.request["without"]["against"] == Manifest.load(two).hash
    assert len(manifest.request["without"]["keys"]) == len(all_keys) - len(keys)
    rows = all_keys.rows_of(keys.key[:])
    assert np.array_equal(all_keys.sha256[:][rows], keys.sha256[:])
    assert np.array_equal(all_keys.split[:][rows], keys.split[:])
    for split in set(keys.split.tolist()):
        lanes = np.bincount(keys.lane[keys.split[:] == split], minlength=2)
        assert lanes.max() - lanes.min() <= 1


def test_copies_within_a_set_stay_once(tmp_path, capsys) -> None:
    twice = packed(
        tmp_path / "s", [(f"p{i}", drawn(i)) for i in range(10)] + [("p2", drawn(2)), ("p4", saved(drawn(4)))]
    )
    assert main(["verify", str(twice), "--near", "4", "--write-without", str(tmp_path / "once")]) == 0
    said = capsys.readouterr().out
    assert "1 pairs: exact copies" in said
    assert "10 images; 2 of" in said
    assert verify(tmp_path / "once") == []


def test_blocks_give_what_one_product_gives() -> None:
    generator = np.random.default_rng(0)
    one, other = (generator.normal(size=(n, 8)).astype(np.float32) for n in (2100, 2500))
    found = close_pairs(one, other, 15.0)
    first, second = np.nonzero(one @ other.T >= 15.0)
    assert found.found == len(first) > 0
    assert set(zip(found.first, found.second, strict=True)) == set(zip(first, second, strict=True))
    few = close_pairs(one, other, 5.0, most=10)
    assert len(few.value) == 10
    assert few.found > 10
    assert np.allclose(few.value, np.sort((one @ other.T).ravel())[::-1][:10])


def test_the_threshold_has_the_rate_that_it_says() -> None:
    generator = np.random.default_rng(1)
    embedding = generator.normal(size=(2500, 16)).astype(np.float32)
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    label = np.arange(2500) // 2
    found = false_match_threshold(embedding, label, 1e-4)
    differ = np.triu(label[:, None] != label, 1)
    assert found.pairs == differ.sum()
    products = embedding @ embedding.T
    assert found.rate == pytest.approx((products[differ] >= found.threshold).mean(), rel=0.01)
    assert 0 < found.low < found.rate < found.high
    assert found.rate == pytest.approx(1e-4, rel=0.01)


def test_planted_people_are_found_by_a_network(tmp_path, capsys) -> None:
    for name, photos in (("a", 1), ("b", 2)):
        source = open_source(f"synthetic:identities=20,photos={photos},difficulty=plain,seed=3", name=name)
        pack(source, tmp_path / name, image_size=SIZE, encoder="png", lanes=2)
    from safetensors.torch import save_file

    from mint_lightning.audited.architectures import build

    weights = tmp_path / "w.safetensors"
    save_file(build("iresnet_small", {}, 0).module.state_dict(), str(weights))
    words = ["verify", str(tmp_path / "a"), "--against", str(tmp_path / "b"), "--network", "iresnet_small"]
    words += ["--weights", str(weights), "--csv", str(tmp_path / "p.csv")]
    assert main([*words, "--false-match-rate", "0.06"]) == 0
    assert "pairs of different people (20 photos of 20)" in capsys.readouterr().out
    people = [(a, b) for kind, a, b in pairs_of(tmp_path / "p.csv") if kind == "person"]
    same = {a for a, b in people if a == b}
    assert len(same) >= 18
    assert main(words) == 2
    assert "cannot be measured on 190 pairs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ONE", "--against", "/nowhere"], "There is no shard manifest"),
        (["ONE", "--against", "ONE"], "are the same shard set"),
        (["ONE", "--near", "40"], "from 0 to 31"),
        (["ONE", "--network", "iresnet_small"], "--against OTHER"),
        (["ONE", "--csv", "p.csv"], "--near or --against"),
        (["ONE", "--against", "TWO", "--weights", "w.pt"], "--network as well"),
        (["ONE", "--against", "TWO", "--network", "iresnet_small"], "give --weights FILE"),
        (["ONE", "--against", "TWO", "--network", "nothing", "--weights", "w.pt"], "nothing"),
        (["ONE", "--near", "4", "--write-without", "ONE"], "stands in the way"),
    ],
)
def test_bad_input_is_one_sentence(pair, capsys, words, said) -> None:
    places = {"ONE": str(pair[0]), "TWO": str(pair[1])}
    assert main(["verify", *(places.get(word, word) for word in words)]) == 2
    assert said in capsys.readouterr().err
