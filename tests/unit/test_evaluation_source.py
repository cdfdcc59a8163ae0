"""insightface's evaluation sets: read as they were pickled, and never unpickled."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.shards.sources.evaluation import EvaluationSource
from tests.images import encoded, face
from tests.shard_sets import open_set

pytestmark = pytest.mark.unit


def pairs(people: int = 12) -> tuple[list[bytes], list[bool]]:
    """Of each person two photos that are said to be of one, and one beside another's that is said not to be."""
    images, same = [], []
    for who in range(people):
        images += [encoded(face(who, 0, 16)), encoded(face(who, 1, 16))]
        images += [encoded(face(who, 0, 16)), encoded(face((who + 1) % people, 1, 16))]
        same += [True, False]
    return images, same


def python2(images: list[bytes], same: list[bool]) -> bytes:
    """As Python 2 pickled it: protocol 2, str of its own."""
    body = b"".join(b"T" + len(image).to_bytes(4, "little") + image + b"q\1" for image in images)
    truths = b"".join(b"\x88" if each else b"\x89" for each in same)
    return b"\x80\x02]q\0(" + body + b"e]q\2(" + truths + b"e\x86q\3."


FORMS = {
    **{f"protocol {protocol}": lambda i, s, p=protocol: pickle.dumps((i, s), p) for protocol in (3, 4, 5)},
    "a list": lambda i, s: pickle.dumps([i, s], 4),
    "python 2": python2,
    "arrays": lambda i, s: pickle.dumps(([np.frombuffer(each, np.uint8) for each in i], s), 4),
    "arrays, protocol 5": lambda i, s: pickle.dumps(([np.frombuffer(each, np.uint8)[:, None] for each in i], s), 5),
    "numpy's truth": lambda i, s: pickle.dumps((i, list(np.array(s))), 4),
    "numpy's bytes": lambda i, s: pickle.dumps(([np.bytes_(each) for each in i], s), 4),
}


@pytest.mark.parametrize("form", FORMS)
def test_pairs_become_people(tmp_path: Path, form: str) -> None:
    images, same = pairs()
    (tmp_path / "lfw.bin").write_bytes(FORMS[form](images, same))
    source = EvaluationSource(tmp_path / "lfw.bin")
    photos = source.list()
    assert source.name == "lfw"
    assert [photo.read() for photo in photos] == list(dict.fromkeys(images))
    assert len(source.skipped) == len(images) - len(photos) == 24
    assert source.skipped[0] == "image 02 (the same file as 00)"
    assert [photo.identity for photo in photos[:4]] == ["person00", "person00", "person03", "person03"]
    assert len({photo.identity for photo in photos}) == 12


def test_it_is_packed_through_the_front_door(tmp_path: Path) -> None:
    (tmp_path / "lfw.bin").write_bytes(pickle.dumps(pairs(), 4))
    arguments = ["--image_size", "16", "--encoder", "png", "--out", str(tmp_path / "set"), "--role", "externals"]
    assert main(["pack", "--source", f"bin:{tmp_path / 'lfw.bin'}", *arguments]) == 0
    manifest, keys = open_set(tmp_path / "set")
    assert (len(keys), manifest.duplicates, manifest.skipped["count"]) == (24, 0, 24)


class Evil:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_would_run_something_is_refused_and_runs_nothing(tmp_path: Path, protocol: int) -> None:
    images, same = pairs(2)
    (tmp_path / "x.bin").write_bytes(pickle.dumps(([*images, Evil(tmp_path / "ran")], same), protocol))
    with pytest.raises(UserError, match=r"posix\.mkdir|instruction|_codecs") as raised:
        EvaluationSource(tmp_path / "x.bin").list()
    assert "without executing" in str(raised.value)
    assert not (tmp_path / "ran").exists()


def cyclic() -> object:
    images: list = []
    images.append(images)
    return images, [True]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"hello", "damaged"),
        (b"\xff\xd8\xff", "no pickle"),
        (b"\x80\x04", "cut short"),
        (pickle.dumps(pairs(2), 4)[:-300], "cut short"),
        (b"\x80\x04\x8e" + b"\xff" * 8 + b".", "cut short"),
        (pickle.dumps({"a": 1}, 4), "EMPTY_DICT"),
        (pickle.dumps((1, 2), 4), "no pair of lists"),
        (pickle.dumps(([b"a", b"b", b"c"], [True]), 4), "3 images and 1 pairs"),
        (pickle.dumps(([b"a", b"b"], [1]), 4), "truth values"),
        (pickle.dumps(cyclic(), 4), "no such set"),
        (pickle.dumps(([np.zeros((4, 4, 3), np.uint8)] * 2, [True]), 4), "no row of bytes"),
        (pickle.dumps(([np.zeros(4)] * 2, [True]), 4), "no row of bytes"),
        (b"\x80\x04h\x09.", "damaged"),
        (b"\x80\x04e.", "damaged"),
        (b"\x80\x04K\1b.", "damaged"),
    ],
)
def test_what_is_no_such_set_is_a_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.bin").write_bytes(content)
    with pytest.raises(UserError, match=message):
        EvaluationSource(tmp_path / "x.bin").list()


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no evaluation set at"):
        EvaluationSource(tmp_path / "x.bin").list()
