import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mint_lightning.errors import UserError
from mint_lightning.shards.keys import KeyList, key_hashes
from mint_lightning.shards.manifest import Shard
from mint_lightning.shards.subsets import nested_subset
from tests.unit.test_manifest import manifest

pytestmark = pytest.mark.unit


def key_list(n=40, lanes=4, photos=2):
    """n images of n / photos identities, half of them in partition A, dealt to lanes in turn."""
    rows = np.arange(n)
    partition = np.where(rows < n // 2, "A", "B")
    lane = np.sort(rows[: n // 2] % lanes), np.sort(rows[n // 2 :] % lanes)
    origin = np.empty(n, dtype=object)
    origin[:] = [f"photo ü {row}" for row in rows]
    label = rows // photos
    return KeyList(
        key=np.array([f"faces-{(row * 7919) % 100_003:06d}" for row in rows]),
        source=np.full(n, "faces"),
        identity=np.array([f"person {number}" for number in label]),
        label=label.astype(np.int64),
        partition=partition,
        split=np.full(n, "fit"),
        origin=origin,
        sha256=np.array([f"{row:064x}" for row in rows], dtype="S64"),
        lane=np.concatenate(lane).astype(np.int64),
        shard=(rows >= n // 2).astype(np.int64),
        position=rows.astype(np.int64),
        lanes=lanes,
    )


def saved(folder, keys):
    half = len(keys) // 2
    shards = tuple(Shard(f"{name}.tar", name, "fit", 0, half, 1, "0" * 64) for name in "AB")
    return manifest(keys_sha256=keys.save(folder), lanes=keys.lanes, shards=shards)


def test_round_trip_keeps_every_column_and_its_type(tmp_path):
    keys = key_list()
    loaded = KeyList.load(tmp_path, saved(tmp_path, keys))
    for name, column in vars(keys).items():
        if name == "lanes":
            assert loaded.lanes == column
            continue
        assert getattr(loaded, name).dtype.kind == column.dtype.kind
        assert np.array_equal(getattr(loaded, name), column), name


def test_columns_become_small_ones_whatever_they_are_given_as():
    keys = replace(key_list(), split=np.array(["fit", "test"] * 20))
    assert keys.split[[0, 1]].tolist() == ["fit", "test"]
    assert keys.where(splits=["test"]).tolist() == list(range(1, 40, 2))
    assert len(pickle.dumps(key_list(n=4000))) < 150 * 4000


def test_a_loaded_list_is_written_as_it_was(tmp_path):
    described = saved(tmp_path, key_list())
    loaded = KeyList.load(tmp_path, described)
    assert loaded.save(tmp_path) == described.keys_sha256


def test_equal_lists_give_equal_bytes(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert key_list().save(tmp_path / "a") == key_list().save(tmp_path / "b")


def test_a_changed_or_missing_file_is_refused(tmp_path):
    described = saved(tmp_path, key_list())
    content = bytearray((tmp_path / "keys.parquet").read_bytes())
    content[100] ^= 1
    (tmp_path / "keys.parquet").write_bytes(content)
    with pytest.raises(UserError, match="not the one its manifest names"):
        KeyList.load(tmp_path, described)
    (tmp_path / "keys.parquet").unlink()
    with pytest.raises(UserError, match="There is no key list at"):
        KeyList.load(tmp_path, described)


def test_other_columns_or_bytes_behind_a_right_hash_are_refused(tmp_path):
    import hashlib

    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "keys.parquet"
    pq.write_table(pa.table({"key": ["a"]}), path)
    with pytest.raises(UserError, match="columns key"):
        KeyList.load(tmp_path, manifest(keys_sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    path.write_bytes(b"no parquet")
    with pytest.raises(UserError, match="not a readable parquet"):
        KeyList.load(tmp_path, manifest(keys_sha256=hashlib.sha256(b"no parquet").hexdigest()))


def test_where_combines_its_conditions():
    keys = key_list()
    assert keys.where().tolist() == list(range(40))
    assert keys.where(partitions=["B"]).tolist() == list(range(20, 40))
    assert keys.where(partitions=["A"], identities=["person 3", "person 12"]).tolist() == [6, 7]
    assert keys.where(splits=["fit"], partitions=["A", "B"]).dtype == np.int64
    assert keys.where(partitions=[]).tolist() == []


def test_where_names_what_is_not_there():
    keys = key_list()
    with pytest.raises(UserError, match=r"partition 'C'.*A, B"):
        keys.where(partitions=["A", "C"])
    with pytest.raises(UserError, match="split 'validate'"):
        keys.where(splits=["validate"])
    with pytest.raises(UserError, match="identity 'nobody'"):
        keys.where(identities=["nobody"])
    with pytest.raises(TypeError, match="list of names"):
        keys.where(partitions="A")


def test_rows_of_finds_keys_in_the_order_given():
    keys = key_list()
    rows = [7, 3, 39, 3]
    assert keys.rows_of([str(keys.key[row]) for row in rows]).tolist() == rows
    assert keys.rows_of([]).tolist() == []


def test_rows_of_names_unknown_keys():
    with pytest.raises(UserError, match=r"2 of 3 keys.*'aaa', 'zzz'"):
        key_list().rows_of(["aaa", str(key_list().key[0]), "zzz"])


def test_key_hash_is_sha256_of_the_key():
    import hashlib

    expected = int.from_bytes(hashlib.sha256(b"faces-1").digest()[:8], "big")
    assert int(key_hashes(np.array(["faces-1"]))[0]) == expected


@given(st.integers(1, 9), st.integers(1, 9))
def test_subsets_are_nested_balanced_and_sorted(a, b):
    keys = key_list(n=160, lanes=4)
    rows = keys.where(partitions=["B"])
    small, large = (nested_subset(keys, rows, 4 * each) for each in sorted((a, b)))
    assert set(small) <= set(large) <= set(rows)
    assert np.bincount(keys.lane[large]).tolist() == [max(a, b)] * 4
    assert (np.diff(large) > 0).all()


def test_a_subset_takes_the_smallest_hashes_of_each_lane():
    keys = key_list(n=160, lanes=4)
    rows = keys.where(partitions=["A"])
    chosen = nested_subset(keys, rows, 12)
    for lane in range(4):
        in_lane = rows[keys.lane[rows] == lane]
        smallest = in_lane[np.argsort(key_hashes(keys.key[in_lane]))][:3]
        assert set(chosen[keys.lane[chosen] == lane]) == set(smallest)


def test_keys_settle_hashes_that_tie():
    keys = key_list(n=16, lanes=4)
    vars(keys)["key_hash"] = np.zeros(16, dtype=np.uint64)
    rows = keys.where(partitions=["A"])
    smallest = [min(rows[keys.lane[rows] == lane], key=lambda row: keys.key[row]) for lane in range(4)]
    assert nested_subset(keys, rows, 4).tolist() == sorted(smallest)


@pytest.mark.parametrize(("n", "message"), [(10, "take 8 or 12"), (2, "take 4"), (0, "take 4"), (84, "at most 80")])
def test_subsets_that_cannot_be_drawn(n, message):
    keys = key_list(n=160, lanes=4)
    with pytest.raises(UserError, match=message):
        nested_subset(keys, keys.where(partitions=["A"]), n)
