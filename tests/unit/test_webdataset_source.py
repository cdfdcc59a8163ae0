"""WebDataset tars as a source: others', ours, and damaged ones."""

import json
from pathlib import Path

import pytest
from webdataset.writer import TarWriter

from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.shards.image import BrokenImage
from mint_lightning.shards.sources.webdataset import WebDatasetSource
from tests.archives import tar_bytes, write_tar
from tests.images import encoded, face
from tests.shard_sets import open_set, pack_noise

pytestmark = pytest.mark.unit


def pack(source: object, out: Path, *more: str) -> int:
    size = ["--image_size", "16", "--encoder", "png", "--workers", "0"]
    return main(["pack", "--source", f"webdataset:{source}", "--out", str(out), *size, *more])


def reason(photo: object) -> str:
    with pytest.raises(BrokenImage) as raised:
        photo.read()
    return str(raised.value)


@pytest.mark.parametrize("who", ["cls", "identity", "label"])
def test_tars_of_others(tmp_path: Path, who: str) -> None:
    (tmp_path / "tars").mkdir()
    for tar in range(3):
        with TarWriter(str(tmp_path / f"tars/train-{tar:03d}.tar")) as writer:
            for number in range(12):
                facts = {"cls": number % 8} if who == "cls" else {"json": {who: f"p{number % 8}"}}
                image = face(number % 8, 10 * tar + number, 16)
                writer.write({"__key__": f"{number:04d}", "png": encoded(image), "txt": "a face", **facts})
    assert pack(tmp_path / "tars", tmp_path / "a") == 0
    assert pack(f"{tmp_path}/tars/train-{{000..002}}.tar", tmp_path / "b", "--name", "tars") == 0
    (manifest, keys), (other, _) = open_set(tmp_path / "a"), open_set(tmp_path / "b")
    assert manifest.hash == other.hash
    assert (len(keys), len(set(keys.identity.tolist()))) == (36, 8)
    assert {"train-000/0000", "train-002/0011"} <= set(keys.origin)
    assert len(WebDatasetSource(f"{tmp_path}/tars/train-*.tar").list()) == 36
    assert WebDatasetSource(f"{tmp_path}/tars/train-*.tar").name == "train"
    with pytest.raises(UserError, match=r"no tar at .*train-003.tar"):
        WebDatasetSource(f"{tmp_path}/tars/train-{{000..003}}.tar").list()


def test_our_own_keep_sources_names_and_alignment(tmp_path: Path) -> None:
    pack_noise(tmp_path / "set")
    assert pack(tmp_path / "set", tmp_path / "again") == 0
    (manifest, keys), (again, found) = open_set(tmp_path / "set"), open_set(tmp_path / "again")
    people = [sorted(zip(each.source, each.identity, each.origin, each.sha256, strict=True)) for each in (keys, found)]
    assert people[0] == people[1]
    assert again.alignment == manifest.alignment
    (tmp_path / "set" / manifest.shards[2].name).unlink()
    with pytest.raises(UserError, match=f"lacks {manifest.shards[2].name}"):
        WebDatasetSource(tmp_path / "set").list()


def test_names_that_are_no_texts_or_lead_out_are_not_taken_over(tmp_path: Path) -> None:
    facts = {"source": "x\ud800", "identity": "p\udfff", "origin": "../../y.png"}
    image = {"a.png": encoded(face(0)), "a.json": json.dumps(facts).encode()}
    (photo,) = WebDatasetSource(write_tar(tmp_path / "x.tar", image)).list()
    assert (photo.source, photo.identity, photo.origin) == ("x", "p\\udfff", "a")
    image["a.json"] = json.dumps(facts | {"origin": "y.png"}).encode()
    (photo,) = WebDatasetSource(write_tar(tmp_path / "x.tar", image)).list()
    assert (photo.source, photo.origin) == ("x\\ud800", "y.png")


def test_without_any_facts_each_sample_is_an_identity(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", {f"{number}.png": encoded(face(number)) for number in range(5)})
    assert [(photo.identity, photo.origin) for photo in WebDatasetSource(path).list()][:2] == [("0", "0"), ("1", "1")]


def test_samples_that_are_not_whole_are_broken_and_count(tmp_path: Path) -> None:
    image = encoded(face(0))
    files = {
        "a.png": image, "a.cls": b"3",
        "b.png": image,
        "c.png": image, "c.json": b"{",
        "d.png": image, "d.json": b"[1]",
        "e.png": image, "e.json": json.dumps({"identity": [1]}).encode(),
        "f.png": image, "f.jpg": image, "f.cls": b"1",
        "g.cls": b"1",
        "h.png": image, "h.json": b"[" * 100_000,
        "i.png": image, "i.pickle": b"never opened", "i.cls": b"1",
    }  # fmt: skip
    source = WebDatasetSource(write_tar(tmp_path / "x.tar", files))
    photos = {photo.origin: photo for photo in source.list()}
    assert source.skipped == ["g"]
    assert photos["a"].read() == photos["i"].read() == image
    assert {key: reason(photos[key]) for key in "bcdefh"} == {
        "b": "it has no .cls and no .json that says who it is, as others do",
        "c": "its .json is damaged",
        "d": "its .json is no object",
        "e": "who it is must be a text or a number, not [1]",
        "f": "its sample has several images, png, jpg",
        "h": "its .json is damaged",
    }


def test_what_is_no_such_set_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pack(tmp_path, tmp_path / "out") == 2
    assert "There are no tars" in capsys.readouterr().err
    (tmp_path / "x.tar").write_bytes(tar_bytes({"a.txt": b"x"}))
    assert pack(tmp_path, tmp_path / "out") == 2
    assert "no samples with an image" in capsys.readouterr().err
    assert pack(f"{tmp_path}/x-{{0..9999999}}.tar", tmp_path / "out") == 2
    assert "at most 100,000" in capsys.readouterr().err
