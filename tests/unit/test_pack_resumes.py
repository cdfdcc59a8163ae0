"""A packing that was killed goes on where it was, and ends with the bytes of one that was not."""

import glob
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from mint_lightning.shards import Manifest, Photo, fill, pack
from mint_lightning.shards.image import BrokenImage
from mint_lightning.shards.leftover import JOURNAL, MARK, find
from tests.images import face

ARGUMENTS = {"image_size": 48, "encoder": "png", "lanes": 2, "shard_bytes": 100_000, "max_broken": 0.1}


def slow_face(person: int, photo: int, seconds: float) -> bytes:
    time.sleep(seconds)
    if (person, photo) == (3, 1):
        raise BrokenImage("it is broken")
    return face(person, photo, 48)


@dataclass
class Slow:
    """Photos that take a while."""

    seconds: float
    name: str = "slow"

    def describe(self) -> dict[str, object]:
        return {"kind": "slow", "name": self.name}

    def list(self) -> list[Photo]:
        return [
            Photo(self.name, f"p{i:02d}", f"{i}/{j}", partial(slow_face, i, j, self.seconds))
            for i in range(40)
            for j in range(4)
        ]


def killed(out: Path, photos: int) -> None:
    """Pack in another process and kill it once so many photos are done."""
    code = f"""
        from tests.unit.test_pack_resumes import ARGUMENTS, Slow
        from mint_lightning.shards import pack
        pack(Slow(0.01), {str(out)!r}, **ARGUMENTS)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while _done(out) < photos:
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _done(out: Path) -> int:
    """Images whole in tars: the journal lies in a buffer until there is enough of it."""
    return sum(path.stat().st_size // 10_000 for path in out.parent.glob(f".{glob.escape(out.name)}.*.partial/*.tar"))


def contents(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(root.iterdir())}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("whole") / "set"
    pack(Slow(0), root, **ARGUMENTS)
    return root


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of photos that are encoded in this process."""
    names: list[str] = []
    encode = fill.encode_photos

    def watched(photos, *args, **kwargs):
        names.extend(photo.origin for photo in photos)
        return encode(photos, *args, **kwargs)

    monkeypatch.setattr(fill, "encode_photos", watched)
    return names


def test_killed_twice_it_ends_as_if_never_killed(whole: Path, tmp_path: Path, read: list[str]) -> None:
    out = tmp_path / "set"
    killed(out, 40)
    first = find(out, Manifest.load(whole).request_hash)
    assert 20 < len(first) < 150
    first.close()
    killed(out, 90)
    assert len(list(tmp_path.glob(".set.*.partial"))) == 2
    pack(Slow(0), out, **ARGUMENTS)
    assert 0 < len(read) < 120, "what was done is not done again"
    assert contents(out) == contents(whole)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_what_another_request_left_is_removed(whole: Path, tmp_path: Path, read: list[str]) -> None:
    out = tmp_path / "set"
    killed(out, 40)
    changed = {**ARGUMENTS, "seed": 7}
    pack(Slow(0), out, **changed)
    assert len(read) == 160
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_leftover_that_is_damaged_gives_what_is_whole(whole: Path, tmp_path: Path, read: list[str]) -> None:
    out = tmp_path / "set"
    killed(out, 80)
    (folder,) = tmp_path.glob(".set.*.partial")
    tars = sorted(folder.glob("*.tar"), key=lambda path: -path.stat().st_size)
    os.truncate(tars[0], tars[0].stat().st_size // 2)
    tars[1].write_bytes(b"no tar at all")
    (folder / JOURNAL).write_bytes((folder / JOURNAL).read_bytes()[:-7])
    pack(Slow(0), out, **ARGUMENTS)
    assert contents(out) == contents(whole)


def test_a_packing_that_lives_is_left_alone(whole: Path, tmp_path: Path) -> None:
    import fcntl

    folder = tmp_path / ".set.abcd.partial"
    folder.mkdir()
    (folder / JOURNAL).touch()
    request = Manifest.load(whole).request_hash
    with (folder / MARK).open("w") as mark:
        mark.write(request)
        mark.flush()
        fcntl.flock(mark, fcntl.LOCK_EX)
        pack(Slow(0), tmp_path / "set", **ARGUMENTS)
        assert (folder / MARK).is_file()
    assert contents(tmp_path / "set") == contents(whole)


def test_what_a_set_of_a_longer_name_left_is_not_touched(whole: Path, tmp_path: Path) -> None:
    killed(tmp_path / "set.v2", 40)
    (left,) = tmp_path.iterdir()
    pack(Slow(0), tmp_path / "set", **ARGUMENTS)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([left.name, "set"])
    killed(tmp_path / "set[1]", 40)
    pack(Slow(0), tmp_path / "set[1]", **ARGUMENTS)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([left.name, "set", "set[1]"])
