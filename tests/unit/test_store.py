"""AAD on disk: what was stored comes back by key, and nothing that is damaged or of something else is taken for it."""

import errno
import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from mint_lightning.audited import Entry, EntryKey, known_entries, store
from mint_lightning.errors import UserError

pytestmark = pytest.mark.unit

KEY = EntryKey(
    network="n", form="f", preprocessing="p", precision="float32", layout="NCHW", view="original", module="layer4",
    reduction="max", dtype="float32", shards="s", code="c",
)  # fmt: skip


def aad(rows: Any, width: int = 3) -> Tensor:
    """Values that tell the row they are of."""
    return torch.as_tensor(rows, dtype=torch.float32)[:, None] + torch.arange(width) / 4


def entry(root: Path, *parts: list[int], key: EntryKey = KEY) -> Entry:
    made = Entry(root, key)
    for rows in parts:
        made.add(np.array(rows), aad(rows))
    return Entry(root, key)


def part_of(made: Entry) -> Path:
    return next(made.folder.glob("*.safetensors"))


@settings(deadline=None, max_examples=50)
@given(
    parts=st.lists(st.lists(st.integers(0, 30), min_size=1, unique=True), min_size=1, max_size=4),
    data=st.data(),
)
def test_what_was_stored_comes_back_in_any_order(
    parts: list[list[int]], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = entry(tmp_path_factory.mktemp("aad"), *parts)
    stored = sorted({row for rows in parts for row in rows})
    assert made.rows.tolist() == stored
    assert made.missing(np.arange(32)).tolist() == sorted(set(range(32)) - set(stored))
    asked = data.draw(st.lists(st.sampled_from(stored), max_size=40))
    assert torch.equal(made.take(np.array(asked, np.int64)), aad(asked))


@pytest.mark.parametrize(("dtype", "shape"), [("float16", (2, 3, 3)), ("bfloat16", (4,)), ("float32", (2, 5))])
def test_values_are_kept_in_their_type_and_given_as_float32(dtype: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    values = torch.randn(5, *shape).to(getattr(torch, dtype))
    made = Entry(tmp_path, replace(KEY, dtype=dtype))
    assert made.shape == (0,)
    made.add(np.array([4, 2, 9, 0, 1]), values.float())
    again = Entry(tmp_path, replace(KEY, dtype=dtype))
    assert (again.shape, again.read(np.array([9])).dtype) == (shape, values.dtype)
    assert torch.equal(again.take(np.array([4, 0])), values[[0, 3]].float())


def test_two_that_write_at_once_leave_one_of_each(tmp_path: Path) -> None:
    one, other = Entry(tmp_path, KEY), Entry(tmp_path, KEY)
    one.add(np.array([1, 2, 3]), aad([1, 2, 3]))
    other.add(np.array([3, 2, 1]), aad([3, 2, 1]))  # the very same images
    other.add(np.array([2, 5]), aad([2, 5]))
    one.refresh()
    assert one.rows.tolist() == [1, 2, 3, 5]
    assert torch.equal(one.take(np.array([5, 2, 3])), aad([5, 2, 3]))
    assert len(list(one.folder.glob("*.safetensors"))) == 2


def test_what_is_not_stored_is_not_made_up(tmp_path: Path) -> None:
    made = entry(tmp_path, [3, 5])
    for asked in ([4], [3, 9], [0]):
        with pytest.raises(UserError, match="lacks images"):
            made.take(np.array(asked))
    with pytest.raises(UserError, match="lacks images"):
        Entry(tmp_path, replace(KEY, view="flip")).take(np.array([3]))


@pytest.mark.parametrize("left", [0, 4, 60, -1])
def test_the_images_of_a_truncated_part_are_computed_anew(left: int, tmp_path: Path) -> None:
    entry(tmp_path, [7])
    made = entry(tmp_path, [1, 2, 3])
    path = next(each for each in made.folder.glob("*.safetensors") if each.name.startswith("0000000001"))
    path.write_bytes(path.read_bytes()[:left])
    again = Entry(tmp_path, KEY)
    assert (again.damaged, again.rows.tolist()) == ([path], [7])
    again.add(np.array([1, 2]), aad([1, 2]))  # other images than the damaged part had, so another name
    assert not path.exists()
    whole = Entry(tmp_path, KEY)
    assert (whole.damaged, whole.rows.tolist()) == ([], [1, 2, 7])
    assert torch.equal(whole.take(np.array([2, 7])), aad([2, 7]))


def test_a_part_without_its_tensors_is_damaged(tmp_path: Path) -> None:
    path = part_of(entry(tmp_path, [1]))
    save_file({"rows": torch.tensor([1])}, path, {"key": KEY.hash})
    assert Entry(tmp_path, KEY).damaged == [path]


def test_an_entry_whose_description_was_removed_gets_it_back(tmp_path: Path) -> None:
    made = entry(tmp_path, [1, 2])
    (made.folder / "entry.json").unlink()
    assert Entry(tmp_path, KEY).rows.tolist() == [1, 2]
    assert known_entries(tmp_path) == [KEY]


@pytest.mark.parametrize("what", ["of another view", "without a key", "of another type", "of other lengths"])
def test_a_part_of_something_else_is_refused(what: str, tmp_path: Path) -> None:
    path = part_of(entry(tmp_path, [1, 2]))
    rows, values, meta = torch.tensor([1, 2]), aad([1, 2]), {"key": KEY.hash}
    if what == "of another view":
        path.write_bytes(part_of(entry(tmp_path, [1, 2], key=replace(KEY, view="flip"))).read_bytes())
    else:
        values = values.half() if what == "of another type" else values[:1] if what == "of other lengths" else values
        save_file({"rows": rows, "aad": values}, path, {} if what == "without a key" else meta)
    with pytest.raises(UserError, match=rf"{path.name} belongs to another entry: remove it"):
        Entry(tmp_path, KEY)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({**asdict(KEY), "schema_version": 1, "network": "m"}, r"its network is 'm', not 'n'"),
        ({**asdict(KEY), "schema_version": 2}, "its schema_version is 2, not 1"),
        ({name: value for name, value in asdict(KEY).items() if name != "view"} | {"schema_version": 1}, "its view is"),
        (None, "is no entry"),
        ([1], "is no entry"),
    ],
)
def test_the_folder_of_another_entry_is_refused(content: Any, words: str, tmp_path: Path) -> None:
    made = entry(tmp_path, [1])
    (made.folder / "entry.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=words) as refused:
        Entry(tmp_path, KEY)
    assert "remove the folder" in str(refused.value)
    (made.folder / "entry.json").write_text("{")
    with pytest.raises(UserError, match="not valid JSON"):
        Entry(tmp_path, KEY)


def test_known_entries_are_those_that_are_whole(tmp_path: Path) -> None:
    keys = [replace(KEY, view=view) for view in ("flip", "original")]
    for key in keys:
        entry(tmp_path, [1], key=key)
    for name, content in (("a", "null"), ("b", "[1]"), ("c", '{"view": "flip"}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "entry.json").write_text(content)
    assert sorted(known_entries(tmp_path), key=lambda key: key.view) == keys
    assert known_entries(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
    ids=["disk", "quota", "as safetensors tells it"],
)
def test_a_full_disk_is_told_and_leaves_nothing_half(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = entry(tmp_path, [1, 2])
    before = sorted(made.folder.iterdir())

    def full(tensors: Any, path: str, metadata: Any) -> None:
        Path(path).write_bytes(b"half")
        raise error

    monkeypatch.setattr(store, "save_file", full)
    with pytest.raises(UserError, match="No space left"):
        made.add(np.array([3]), aad([3]))
    assert sorted(made.folder.iterdir()) == before
    assert Entry(tmp_path, KEY).rows.tolist() == [1, 2]


def test_what_a_kill_left_half_written_is_ignored(tmp_path: Path) -> None:
    made = entry(tmp_path, [1, 2])
    for name in (f".{part_of(made).name}.0123abcd.partial", ".tmpAbC123"):
        (made.folder / name).write_bytes(part_of(made).read_bytes()[:50])
    assert Entry(tmp_path, KEY).missing(np.array([1, 2, 3])).tolist() == [3]
    (tmp_path / "killed").mkdir()  # before its entry.json
    assert known_entries(tmp_path) == [KEY]


def test_others_may_read_what_the_umask_lets_them(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        path = part_of(entry(tmp_path, [1]))
    finally:
        os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o644
