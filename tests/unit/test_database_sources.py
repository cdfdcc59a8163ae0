"""Each database that `pack` reads, in its own form, packed through the front door from a folder and from archives."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.learning.attributes import read_attributes
from mint_lightning.shards import open_source
from mint_lightning.shards.image import BrokenImage
from mint_lightning.shards.sources import KINDS
from mint_lightning.shards.sources.csvfile import PLACES
from mint_lightning.shards.sources.fddb import ellipse_box
from tests import databases
from tests.archives import write_tar, write_zip
from tests.databases import write_files
from tests.shard_sets import open_set

pytestmark = pytest.mark.unit

# photos found, of them broken, identities that have an image, files skipped
EXPECTED = {
    "lfw": (24, 0, 12, 2),
    "utkface": (13, 0, 13, 1),
    "adience": (13, 1, 12, 0),
    "ijbc": (27, 2, 12, 3),
    "fddb": (25, 1, 12, 1),
    "gandiffface": (24, 0, 12, 0),
    "classes": (12, 0, 12, 0),
    "flat": (12, 0, 12, 0),
}


def pack(source: str, out: Path, *more: str) -> int:
    size = ["--image_size", "16", "--encoder", "png", "--workers", "0", "--max_broken", "0.5"]
    return main(["pack", "--source", source, "--out", str(out), *size, *more])


@pytest.mark.parametrize("kind", EXPECTED)
def test_a_database_is_packed_from_a_folder_and_from_archives_alike(tmp_path: Path, kind: str) -> None:
    files = getattr(databases, "classes" if kind == "flat" else kind)()
    root = write_files(tmp_path / "db", files)
    content = {name: (root / name).read_bytes() for name in files}
    places = [root, write_zip(tmp_path / "db.zip", content), write_tar(tmp_path / "db.tgz", content)]
    hashes = set()
    for number, place in enumerate(places):
        assert pack(f"{kind}:{place}", tmp_path / str(number)) == 0
        manifest, keys = open_set(tmp_path / str(number))
        found, broken, people, skipped = EXPECTED[kind]
        assert manifest.photos == {"found": found, "read": found - broken, "broken": broken}
        assert (len(keys), len(set(keys.identity.tolist())), manifest.skipped["count"]) == (
            found - broken,
            people,
            skipped,
        )
        assert set(keys.source) == {"db"}
        hashes.add(manifest.hash)
    assert len(hashes) == 1
    assert main(["verify", str(tmp_path / "0")]) == 0


def listed(root: Path, kind: str, files: dict) -> dict:
    return {photo.origin: photo for photo in open_source(f"{kind}:{write_files(root, files)}").list()}


def test_boxes_are_where_the_databases_say(tmp_path: Path) -> None:
    photos = listed(tmp_path / "ijbc", "ijbc", databases.ijbc())
    assert photos["img/0.jpg"].box == photos["frames/1.jpg"].box == (4, 5, 24, 26)
    assert (photos["img/200.jpg#2"].box, photos["img/200.jpg#2"].identity) == ((1, 1, 10, 10), "3")
    photos = listed(tmp_path / "fddb", "fddb", databases.fddb())
    np.testing.assert_allclose(photos["2002/08/00/big/img_0#1"].box, (10, 5, 22, 25), atol=1e-3)
    assert photos["2002/08/00/big/img_0#2"].box == (1, 3, 9, 9)
    assert photos["2002/08/00/big/img_0#2"].identity == "2002/08/00/big/img_0"
    photos = listed(tmp_path / "originals", "adience", databases.adience("originals"))
    assert photos["30600@N03/0.1039980_o.jpg"].box == (4, 5, 24, 26)
    for form in ("faces", "aligned"):
        photos = listed(tmp_path / form, "adience", databases.adience(form))
        assert photos["30600@N03/0.1039980_o.jpg"].box is None
        assert photos["30600@N03/1.1039981_o.jpg"].identity == "30600@N03/1"


@pytest.mark.parametrize("angle", np.linspace(-3, 3, 7))
def test_the_box_of_an_ellipse_touches_it(angle: float) -> None:
    turn = np.linspace(0, 2 * np.pi, 20_001)
    x = 30 + 12 * np.cos(turn) * np.cos(angle) - 5 * np.sin(turn) * np.sin(angle)
    y = 40 + 12 * np.cos(turn) * np.sin(angle) + 5 * np.sin(turn) * np.cos(angle)
    np.testing.assert_allclose(ellipse_box(12, 5, angle, 30, 40), (x.min(), y.min(), x.max(), y.max()), atol=1e-5)


def test_attributes_lie_beside_the_manifest_as_table_reads_them(tmp_path: Path) -> None:
    for kind, name, values in (
        ("utkface", "race", {"White": 3, "Black": 3, "Asian": 2, "Indian": 2, "Others": 2, "not said": 1}),
        ("classes", "class", {"stop": 4, "yield": 4, "turn": 4}),
        ("adience", "gender", {"f": 6, "m": 6}),
        ("gandiffface", "group", {"asian_female": 12, "black_male": 12}),
    ):
        assert (
            pack(f"{kind}:{write_files(tmp_path / kind / 'in', getattr(databases, kind)())}", tmp_path / kind / "out")
            == 0
        )
        _, keys = open_set(tmp_path / kind / "out")
        assert Counter(read_attributes(tmp_path / kind / "out/attributes.csv", keys)[name].values()) == values


def test_classes_are_the_folders_sorted(tmp_path: Path) -> None:
    source = open_source(f"classes:{write_files(tmp_path, databases.classes())}")
    assert list(source.classes) == source.describe()["classes"] == ["stop", "turn", "yield"]


def test_a_csv_names_photos_people_boxes_and_attributes(tmp_path: Path) -> None:
    write_files(tmp_path / "db", databases.listed())
    (tmp_path / "secret.png").write_bytes(databases.photo(99))
    assert pack(f"csv:{tmp_path / 'db/who.csv'}", tmp_path / "set") == 0
    manifest, keys = open_set(tmp_path / "set")
    assert manifest.photos == {"found": 15, "read": 12, "broken": 3}
    assert manifest.skipped == {"count": 1, "examples": ["faces/unnamed.png"]}
    lines = [json.loads(line) for line in (tmp_path / "set/broken.jsonl").read_text().splitlines()]
    assert {entry["photo"]: entry["reason"] for entry in lines} == {
        "db: line 14": "there is no such photo below the CSV file",
        "db: line 15": "there is no such photo below the CSV file",
        "db: faces/5.png#2": "line 16 has a box that is none",
    }
    assert Counter(read_attributes(tmp_path / "set/attributes.csv", keys)["camera"].values()) == {"a": 6, "b": 6}
    photos = {photo.origin: photo for photo in open_source(f"csv:{tmp_path / 'db/who.csv'}").list()}
    assert photos["faces/3.png"].box == (1, 2, 30, 31)
    assert photos["faces/3.png"].identity == "person 3"


def test_a_csv_gives_the_five_points_of_a_face_and_no_half_of_them(tmp_path: Path) -> None:
    names = [f"{place}_{side}" for place in PLACES for side in "xy"]
    given = [",".join(map(str, range(10))), ",".join(["nan", *map(str, range(9))]), ",".join(["", *map(str, range(9))])]
    lines = [f"{number}.png,p{number},,,,,{values}" for number, values in enumerate(given)]
    lines += ["3.png,p3,5,5,2,9" + "," * 10, "4.png,p4,inf,5,9,9" + "," * 10, "5.png,p5,1,1,9,9" + "," * 10]
    text = "\n".join([",".join(["photo", "identity", "x0", "y0", "x1", "y1", *names]), *lines])
    files = {"who.csv": text, **{f"{number}.png": databases.photo(number) for number in range(6)}}
    write_files(tmp_path / "db", files)
    photos = open_source(f"csv:{tmp_path / 'db/who.csv'}").list()
    assert photos[0].points == ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9))
    assert photos[5].box == (1, 1, 9, 9)
    assert not any(photo.attributes for photo in photos)
    for photo, reason in zip(photos[1:5], ["not all five points"] * 2 + ["a box that is none"] * 2, strict=True):
        with pytest.raises(BrokenImage, match=reason):
            photo.read()


@pytest.mark.parametrize(
    ("kind", "files", "message"),
    [
        ("lfw", {"x/y.jpg": b"x"}, "no photos as a source of the kind 'lfw'"),
        ("utkface", {"x/y.jpg": b"x"}, "no photos as a source of the kind 'utkface'"),
        ("adience", {"x/y.jpg": b"x"}, "no fold files"),
        ("adience", {"fold_0_data.txt": "user_id\tage\n"}, "needs a first line with the columns user_id"),
        ("ijbc", {"x.csv": "a,b\n1,2\n"}, "no CSV file with the columns SUBJECT_ID"),
        (
            "ijbc",
            {"x.csv": databases.ijbc()["protocols/ijbc_metadata.csv"] + "\n1,2"},
            "has 2 values, its first line 8",
        ),
        ("fddb", {"x.jpg": b"x"}, "no FDDB-fold-01"),
        ("fddb", {"FDDB-fold-01-ellipseList.txt": "a/b\nmany\n"}, "Line 2 .* must be the number of faces in a/b"),
        ("fddb", {"FDDB-fold-01-ellipseList.txt": "a/b\n1\n1 2 3\n"}, "Line 3 .* must be an ellipse"),
        ("fddb", {"FDDB-fold-01-ellipseList.txt": "a/b\n2\n1 2 3 4 5 1\n"}, "Line 3 .* must be an ellipse"),
        ("fddb", {"FDDB-fold-01-ellipseList.txt": b"\xff\xfe"}, "cannot be read as a text"),
        ("flat", {"x.txt": b"x"}, "no photos"),
        ("gandiffface", {"x.png": b"x"}, "no photos"),
    ],
)
def test_what_is_not_the_database_is_a_sentence(tmp_path: Path, kind: str, files: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        open_source(f"{kind}:{write_files(tmp_path / 'db', files)}").list()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("photo,who\na,b\n", "columns photo, identity"),
        ("photo,identity,photo\n", "each once"),
        ("photo,identity\na.png\n", "Line 2 of who.csv has 1 values"),
        ("photo,identity\na.png,\n", "Line 2 .* must have a photo and an identity"),
        ("", "it has none"),
    ],
)
def test_a_csv_that_cannot_be_used_is_a_sentence(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        open_source(f"csv:{write_files(tmp_path / 'db', {'who.csv': text})}/who.csv").list()
    with pytest.raises(UserError, match="no CSV file"):
        open_source(f"csv:{tmp_path}/none.csv")


def test_every_kind_is_named_where_a_kind_is_unknown_in_the_help_and_in_the_docs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(UserError) as raised:
        open_source("carrier pigeon:x")
    assert all(kind in str(raised.value) for kind in KINDS)
    with pytest.raises(SystemExit):
        main(["pack", "--help"])
    shown = capsys.readouterr().out
    assert all(f"  {name}:{kind.example} " in shown for name, kind in KINDS.items())
    docs = (Path(__file__).parents[2] / "docs/databases.md").read_text()
    assert all(f"`{kind}`" in docs for kind in KINDS)
