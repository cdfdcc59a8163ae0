import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mint_lightning.errors import UserError
from mint_lightning.shards import HoldOut, Manifest, partition_of, split_of, writer
from tests.packing import Listed, faces, small

pytestmark = pytest.mark.unit

HALVES = {"A": 0.5, "B": 0.5}


def test_too_many_broken_photos_stop_it_and_leave_nothing(tmp_path):
    photos = [
        (identity, origin, bytes if number % 4 == 0 else reader)
        for number, (identity, origin, reader) in enumerate(faces())
    ]
    with pytest.raises(
        UserError, match=r"of 40 photos cannot be used.*listed: \d+/0 \(the file is empty\).*Nothing was written"
    ):
        small(Listed(photos), tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("photos", "arguments", "message"),
    [
        ([], {}, "no photos"),
        (faces(1, 9), {}, "All photos are of one identity, 'p0'"),
        (faces(3), {}, "3 identities only"),
        (faces(12), {"partitions": {"A": 0.9, "B": 0.1}}, "Partition 'B' gets \\d of the source's 12 identities"),
        ([*faces(), faces()[0]], {}, "1 photos are listed more than once, '0/0' of identity 'p0'"),
        (faces(), {"encoder": "gif"}, "no encoder 'gif'"),
        (faces(), {"image_size": 0}, "image_size = 0"),
        (faces(), {"lanes": 0}, "lanes = 0"),
        (faces(), {"workers": -1}, "workers = -1"),
        (faces(), {"max_broken": 1.5}, "max_broken = 1.5"),
        (faces(), {"partitions": {"A": 0.5}}, "add up to 0.5"),
        (faces(), {"hold_out": HoldOut(1, 3, ("H1",))}, "held out of 'H1': name some of all"),
        (faces(), {"hold_out": HoldOut(1, 3, ())}, "no partition"),
        (faces(), {"hold_out": HoldOut(2, 2, ("all",))}, "Holding out 2 photos"),
    ],
)
def test_what_cannot_be_packed_is_a_sentence_and_leaves_nothing(tmp_path, photos, arguments, message):
    with pytest.raises(UserError, match=message):
        small(Listed(photos), tmp_path / "x", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_the_same_image_on_both_sides_is_refused(tmp_path):
    photos = faces(40, 1)
    people = [identity for identity, _, _ in photos]
    inside = [person for person in people if partition_of("listed", person, HALVES, seed=0) == "A"]
    outside = next(person for person in people if person not in inside)
    copy = (inside[0], "copy", photos[people.index(outside)][2])
    with pytest.raises(UserError, match=r"1 images are on both sides.*remove one"):
        small(Listed([*photos, copy]), tmp_path / "x", partitions=HALVES)
    assert list(tmp_path.iterdir()) == []
    other = next(p for p in people if split_of("listed", p, seed=0) != split_of("listed", inside[0], seed=0))
    with pytest.raises(UserError, match="both sides of a partition or split"):
        small(Listed([*photos, (inside[0], "copy", photos[people.index(other)][2])]), tmp_path / "x")


def test_a_repeated_image_within_one_split_is_counted(tmp_path):
    photos = faces(20, 1)
    manifest = small(Listed([*photos, ("p3", "copy", photos[3][2])]), tmp_path / "x")
    assert manifest.duplicates == 1


def test_a_folder_that_stands_is_kept_unless_it_may_be_overwritten(tmp_path):
    out = tmp_path / "x"
    first = small(Listed(faces()), out)
    with pytest.raises(UserError, match="already is a shard set"):
        small(Listed(faces(30)), out)
    assert Manifest.load(out) == first
    second = small(Listed(faces(30)), out, overwrite=True)
    assert second.images == 60
    assert {path.name for path in out.iterdir()} == {
        "manifest.json",
        "keys.parquet",
        *(shard.name for shard in second.shards),
    }


def test_a_failed_overwrite_keeps_the_old_set(tmp_path):
    first = small(Listed(faces()), tmp_path / "x")
    with pytest.raises(UserError, match="cannot be used so far"):
        small(Listed([*faces(), ("p0", "bad", bytes)]), tmp_path / "x", overwrite=True)
    assert Manifest.load(tmp_path / "x") == first
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_what_is_no_shard_set_is_never_replaced(tmp_path):
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "photo.jpg").write_bytes(b"x")
    with pytest.raises(UserError, match="is no shard set"):
        small(Listed(faces()), tmp_path / "holiday", overwrite=True)
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="is no shard set"):
        small(Listed(faces()), tmp_path / "file", overwrite=True)
    (tmp_path / "empty").mkdir()
    assert small(Listed(faces()), tmp_path / "empty").images == 40


def test_reuse_recognises_the_same_request(tmp_path):
    out = tmp_path / "x"
    first = small(Listed(faces()), out)
    written = (out / "manifest.json").stat().st_mtime_ns
    broken = Listed([(identity, origin, bytes) for identity, origin, _ in faces()])
    assert small(broken, out, reuse=True) == first  # nothing was read again
    assert (out / "manifest.json").stat().st_mtime_ns == written
    with pytest.raises(UserError, match="packed in another way"):
        small(Listed(faces()), out, reuse=True, seed=1)
    assert small(Listed(faces()), out, reuse=True, overwrite=True, seed=1).seed == 1


def test_reuse_does_not_trust_a_set_with_a_missing_tar(tmp_path):
    first = small(Listed(faces()), tmp_path / "x")
    (tmp_path / "x" / first.shards[0].name).unlink()
    with pytest.raises(UserError, match="not whole"):
        small(Listed(faces()), tmp_path / "x", reuse=True)
    small(Listed(faces()), tmp_path / "x", reuse=True, overwrite=True)
    assert (tmp_path / "x" / first.shards[0].name).is_file()


def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    real = writer._Tar.write_bytes
    left = [5]

    def full(self, data):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(self, data)

    monkeypatch.setattr(writer._Tar, "write_bytes", full)
    with pytest.raises(UserError, match="No space left"):
        small(Listed(faces()), tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot be written"):
        small(Listed(faces()), tmp_path / "file" / "x")


def test_a_dead_worker_is_a_sentence_and_leaves_nothing(tmp_path):
    photos = faces()
    photos[7] = (photos[7][0], photos[7][1], partial(os._exit, 9))
    with pytest.raises(UserError, match="worker process died"):
        small(Listed(photos), tmp_path / "x", workers=2)
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_ours_in_a_worker_is_not_taken_for_a_broken_photo(tmp_path):
    photos = faces()
    photos[7] = (photos[7][0], photos[7][1], partial(np.zeros, (4, 4, 3)))
    with pytest.raises(TypeError, match="float64"):
        small(Listed(photos), tmp_path / "x", workers=1)
    assert list(tmp_path.iterdir()) == []


def interrupted():
    raise KeyboardInterrupt


def test_an_interrupt_leaves_nothing(tmp_path):
    photos = faces()
    photos[7] = (photos[7][0], photos[7][1], interrupted)
    with pytest.raises(KeyboardInterrupt):
        small(Listed(photos), tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_stops_the_workers_and_leaves_nothing(tmp_path):
    script = tmp_path / "slow.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import sys, time
            sys.path.insert(0, {str(Path(__file__).parents[2])!r})
            import numpy as np
            from mint_lightning.shards import Photo, pack

            def slow():
                time.sleep(0.05)
                return np.random.randint(0, 256, (16, 16, 3)).astype(np.uint8)

            class Slow:
                name = "slow"
                def describe(self): return {{"kind": "slow"}}
                def list(self): return [Photo("slow", str(i // 5), str(i), slow) for i in range(5000)]

            if __name__ == "__main__":
                pack(Slow(), {str(tmp_path / "out" / "x")!r}, image_size=16, workers=2)
            """
        )
    )
    process = subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("out/.x.*.partial/*.tar")):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in error
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # no worker lives on


def test_a_damaged_manifest_is_replaced_only_where_overwriting_is_allowed(tmp_path):
    first = small(Listed(faces()), tmp_path / "x")
    (tmp_path / "x" / "manifest.json").write_text("{")
    with pytest.raises(UserError, match="not valid JSON"):
        small(Listed(faces()), tmp_path / "x", reuse=True)
    assert small(Listed(faces()), tmp_path / "x", reuse=True, overwrite=True) == first


def test_a_folder_in_a_standing_set_is_refused(tmp_path):
    small(Listed(faces()), tmp_path / "x")
    with pytest.raises(UserError, match="lies in the shard set"):
        small(Listed(faces(30)), tmp_path / "x" / "more")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no /proc")
def test_a_folder_that_takes_no_files_is_refused():
    with pytest.raises(UserError, match="cannot be written"):
        small(Listed(faces()), "/proc/x")
