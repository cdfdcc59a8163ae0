"""Shard sets at an address: the same images as the local set, whatever goes wrong on the way."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.shards import join, transfer
from mint_lightning.shards.remote import local_set
from mint_lightning.shards.stream import EvalStream
from tests.served import Server, served
from tests.shard_sets import open_set, pack_noise

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "WAIT", 0.01)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_noise(tmp_path_factory.mktemp("sets") / "noise", people=40, lanes=2)


@pytest.fixture
def server(packed: Path, tmp_path: Path) -> Iterator[Server]:
    shutil.copytree(packed, tmp_path / "there" / "noise")
    with served(tmp_path / "there") as found:
        yield found


def images(root: Path) -> np.ndarray:
    _, keys = open_set(root)
    batches = list(EvalStream(root, keys, np.arange(len(keys)), 16))
    return np.concatenate([batch["images"].numpy() for batch in batches if batch is not None])


def kept(cache: Path) -> int:
    return sum(path.stat().st_size for path in cache.rglob("*.tar"))


def test_the_same_images_and_each_tar_comes_once(packed: Path, server: Server, tmp_path: Path) -> None:
    root = local_set(f"{server.address}/noise", tmp_path / "cache")
    assert root.name == "noise"
    assert kept(tmp_path / "cache") == 0, "tars come when they are opened"
    for _ in range(2):
        np.testing.assert_array_equal(images(root), images(packed))
    assert set(server.tars().values()) == {1}
    assert len(server.tars()) == len(open_set(packed)[0].shards)
    assert local_set(f"{server.address}/noise/", tmp_path / "cache") == root


def test_the_cache_stays_within_its_bound(packed: Path, server: Server, tmp_path: Path) -> None:
    most = 50_000
    assert kept(packed) > 2 * most
    root = local_set(f"{server.address}/noise", tmp_path / "cache", most)
    _, keys = open_set(root)
    for batch in EvalStream(root, keys, np.arange(len(keys)), 16):
        assert batch is not None
        assert kept(tmp_path / "cache") <= most
    first = open_set(root)[0].shards[0].name
    assert not (root / first).exists(), "the one that was not used for longest has left"
    np.testing.assert_array_equal(images(root), images(packed))
    with pytest.raises(UserError, match="more than the 5,000 that the cache"):
        images(local_set(f"{server.address}/noise", tmp_path / "small", 5_000))


def test_a_server_that_dies_half_way_and_comes_back(packed: Path, server: Server, tmp_path: Path) -> None:
    def fault(path: str, time: int) -> str | None:
        return ("cut", "503", None)[min(time, 3) - 1] if path.endswith(".tar") else None

    server.fault = fault
    root = local_set(f"{server.address}/noise", tmp_path / "cache")
    np.testing.assert_array_equal(images(root), images(packed))
    assert set(server.tars().values()) == {3}
    assert not list((tmp_path / "cache").rglob(".*.partial"))


def test_a_server_that_falls_silent(
    packed: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a tar comes and then nothing: it is asked again, and after so many times a sentence says so."""
    monkeypatch.setattr(transfer, "_SILENCE", 0.15)
    root = local_set(f"{server.address}/noise", tmp_path / "cache")
    first = sorted(open_set(packed)[0].shards, key=lambda shard: shard.name)[0].name
    server.fault = lambda path, time: "silent" if path.endswith(first) and time == 1 else None
    np.testing.assert_array_equal(images(root), images(packed))
    assert server.tars()[f"/noise/{first}"] == 2
    (root / first).unlink()
    server.fault = lambda path, time: "silent" if path.endswith(".tar") else None
    with pytest.raises(UserError, match="after 6 tries"):
        images(local_set(f"{server.address}/noise", tmp_path / "again"))


def test_a_server_that_stays_away(server: Server, tmp_path: Path) -> None:
    root = local_set(f"{server.address}/noise", tmp_path / "cache")
    for fault, said in (("cut", "after 6 tries"), ("500", "after 6 tries"), ("404", "There is nothing at"),
                        ("403", r"may not be read \(HTTP 403\)")):  # fmt: skip
        server.fault = lambda path, time, fault=fault: fault  # type: ignore[misc]
        with pytest.raises(UserError, match=f"{said}|{server.address}/noise/d-.*tar.*{said}"):
            images(root)
        assert not list((tmp_path / "cache").rglob(".*.partial"))


def test_a_tar_that_is_not_the_one_is_refused(server: Server, tmp_path: Path) -> None:
    tar = sorted((tmp_path / "there" / "noise").glob("*.tar"))[0]
    data = bytearray(tar.read_bytes())
    data[700] ^= 1
    tar.write_bytes(data)
    root = local_set(f"{server.address}/noise", tmp_path / "cache")
    with pytest.raises(UserError, match=f"{tar.name} is not the file that its manifest names: its hash differs"):
        images(root)
    assert not (root / tar.name).exists()
    tar.write_bytes(data + b"more")
    with pytest.raises(UserError, match=f"{tar.name} is not the file"):
        images(root)


def test_the_set_at_the_address_is_packed_anew(packed: Path, server: Server, tmp_path: Path) -> None:
    address, cache = f"{server.address}/noise", tmp_path / "cache"
    images(local_set(address, cache))
    shutil.rmtree(tmp_path / "there" / "noise")
    pack_noise(tmp_path / "there" / "noise", lanes=2, seed=3)
    np.testing.assert_array_equal(images(local_set(address, cache)), images(tmp_path / "there" / "noise"))


def one_epoch(root: Path) -> bytes:
    return images(root).tobytes()


def test_processes_that_need_the_same_tars_at_once(packed: Path, server: Server, tmp_path: Path) -> None:
    root = local_set(f"{server.address}/noise", tmp_path / "cache")
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        assert set(pool.map(one_epoch, [root] * 2)) == {images(packed).tobytes()}
    assert set(server.tars().values()) == {1}


def test_processes_that_share_a_cache_that_is_too_small(packed: Path, server: Server, tmp_path: Path) -> None:
    tight = local_set(f"{server.address}/noise", tmp_path / "tight", 40_000)
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        assert set(pool.map(one_epoch, [tight] * 2)) == {images(packed).tobytes()}
    assert kept(tmp_path / "tight") <= 40_000
    assert not list((tmp_path / "tight").rglob(".*.partial"))


def test_joined_with_a_local_set(packed: Path, server: Server, tmp_path: Path) -> None:
    pack_noise(tmp_path / "other", lanes=2, size=16, people=30, photos=3)
    with pytest.raises(UserError, match="are in two of the shard sets"):
        join([f"{server.address}/noise", tmp_path / "other"], tmp_path / "joined", cache=tmp_path / "cache")
    (tmp_path / "mine").mkdir()
    from tests.images import face_folder

    people = face_folder(tmp_path / "faces", identities=30, photos=2, size=16)
    words = ["--source", f"folder:{people}", "--image-size", "16", "--encoder", "png", "--lanes", "2"]
    assert main(["pack", *words, "--workers", "0", "--out", str(tmp_path / "mine" / "faces")]) == 0
    sets = [f"{server.address}/noise", tmp_path / "mine" / "faces"]
    root = join(sets, tmp_path / "joined", cache=tmp_path / "cache", cache_bytes=60_000)
    both = len(open_set(packed)[1]) + 60
    assert len(images(root)) == both
    assert 0 < kept(tmp_path / "cache") <= 60_000
    assert not list(root.glob("noise*.tar")), "they stay in the cache"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("{}/nowhere", "There is nothing at"),
        ("nosuch://host/set", "cannot be opened"),
        ("http://127.0.0.1:1/set", "after 6 tries"),
        ("pipe:touch {} http://x/y", "no shard manifest"),
        ("filecache::memory://x/y", "no shard manifest"),
        ("http://x/y::file:///etc", "chains addresses"),
    ],
)
def test_addresses_of_nothing(
    address: str, said: str, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    words = address.format(tmp_path / "shell" if address.startswith("pipe") else server.address)
    assert main(["shift", words, str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "shell").exists()


def test_packed_to_an_address_and_verified_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    words = ["pack", "--source", "synthetic:identities=12,photos=2", "--lanes", "2", "--workers", "0"]
    assert main([*words, "--out", "memory://bucket/drawn"]) == 0
    assert main([*words, "--out", str(tmp_path / "drawn")]) == 0
    assert main(["verify", "memory://bucket/drawn"]) == 0
    np.testing.assert_array_equal(images(local_set("memory://bucket/drawn")), images(tmp_path / "drawn"))
    assert not list((tmp_path / "cache/mint_lightning").glob("outgoing/*"))
    capsys.readouterr()
    assert main([*words, "--out", "memory://bucket/drawn"]) == 2
    assert "already is a shard set at memory://bucket/drawn" in capsys.readouterr().err
    assert main([*words, "--out", "memory://bucket/drawn", "--overwrite"]) == 0
    assert main([*words, "--out", "http://host/drawn"]) == 2
    assert "Nothing can be written to http://host/drawn" in capsys.readouterr().err
