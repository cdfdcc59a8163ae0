"""Files are whole or absent; errors are sentences."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mint_lightning.errors import UserError
from mint_lightning.files import atomic_path, held, read_json, sha256_json, write_json

pytestmark = pytest.mark.unit


def fail(path: Path, error: BaseException) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        raise error


def test_nothing_is_left_of_a_failed_write(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_json(target, {"old": 1})
    with pytest.raises(KeyboardInterrupt):
        fail(target, KeyboardInterrupt())
    assert json.loads(target.read_text()) == {"old": 1}
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "set"
    for content in ("one", "two"):
        with atomic_path(target) as folder:
            folder.mkdir()
            (folder / content).write_text(content)
    assert [p.name for p in target.iterdir()] == ["two"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No space left"):
        fail(tmp_path / "x", OSError(errno.ENOSPC, "No space left on device"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b""])
def test_a_damaged_json_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "card.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"card\.json is not valid JSON"):
        read_json(path, "network card")


def test_canonical_hash_ignores_layout() -> None:
    assert sha256_json({"a": 1, "b": [2, "ä"]}) == sha256_json(json.loads('{"b": [2, "\\u00e4"],\n "a": 1}'))
    assert sha256_json({"a": 1}) != sha256_json({"a": 2})


def test_what_one_process_holds_no_other_takes(tmp_path: Path) -> None:
    mark = tmp_path / "a" / ".running"
    with held(mark, "The fit 'a'"):
        with pytest.raises(UserError, match="The fit 'a' is under way in another process"), held(mark, "The fit 'a'"):
            pass
        assert mark.exists()
    assert not mark.exists()
    mark.touch()  # its holder was killed
    with held(mark, "The fit 'a'"):
        assert mark.exists()


HOLDS = """
import multiprocessing, sys, time
from pathlib import Path
from mint_lightning.files import held

with held(Path(sys.argv[1]), "The fit 'a'"):
    multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,), daemon=True).start()
    Path(sys.argv[1] + ".ready").touch()
    time.sleep(60)
"""


def test_the_workers_of_a_process_that_was_killed_hold_nothing(tmp_path: Path) -> None:
    mark = tmp_path / ".running"
    holder = subprocess.Popen([sys.executable, "-c", HOLDS, str(mark)], start_new_session=True)
    try:
        while not Path(f"{mark}.ready").exists():
            time.sleep(0.01)
        with pytest.raises(UserError, match="is under way"), held(mark, "The fit 'a'"):
            pass
        holder.kill()
        holder.wait()
        with held(mark, "The fit 'a'"):
            os.killpg(holder.pid, 0)  # a worker is still there
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
