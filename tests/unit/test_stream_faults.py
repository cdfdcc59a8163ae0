"""Damaged shards: broken images are left out and named, a damaged or missing tar is told in a sentence."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mint_lightning.errors import UserError
from mint_lightning.shards.order import EpochOrder
from mint_lightning.shards.stream import EvalStream, TrainStream
from tests.shard_sets import open_set, pack_noise

pytestmark = pytest.mark.unit


@pytest.fixture
def own_root(tmp_path: Path) -> Path:
    """A shard set to damage."""
    return pack_noise(tmp_path / "noise", lanes=2)


def test_broken_images_are_left_out_and_named(own_root: Path) -> None:
    manifest, keys = open_set(own_root)
    row, changed, small = keys.where(["d"], ["fit"])[[0, 3, 5]]
    for target, edit in {
        row: lambda image: b"no image at all",
        # One byte within the pixels: any decoder would pass it by.
        changed: lambda image: image[:60] + bytes([image[60] ^ 1]) + image[61:],
        small: lambda image: image[:-30],
    }.items():
        rewrite(own_root / manifest.shards[keys.shard[target]].name, f"{keys.key[target]}.png", edit)
    parts = list(TrainStream(own_root, EpochOrder(keys, (keys.where(["d"], ["fit"]),), 4, 0)))
    assert {key for part in parts for key in part["broken"]} <= set(keys.key[[row, changed, small]])
    assert sum(len(part["row"]) + len(part["broken"]) for part in parts) == len(parts) * 4
    (every,) = EvalStream(own_root, keys, keys.where(["d"], ["fit"]), 1000)
    assert every is not None
    assert every["broken"] == keys.key[[row, changed, small]].tolist()
    assert len(every["images"]) == len(every["row"]) == len(keys.where(["d"], ["fit"])) - 3


def rewrite(tar: Path, name: str, edit: Callable[[bytes], bytes]) -> None:
    """Write the tar anew with one file changed."""
    with tarfile.open(tar) as old:
        files = [(info.name, edit(data) if info.name == name else data) for info, data in contents(old)]
    assert name in dict(files)
    with tarfile.open(tar, "w") as new:
        for file, data in files:
            info = tarfile.TarInfo(file)
            info.size = len(data)
            new.addfile(info, io.BytesIO(data))


def contents(tar: tarfile.TarFile) -> list[tuple[tarfile.TarInfo, bytes]]:
    return [(info, stream.read()) for info in tar if (stream := tar.extractfile(info)) is not None]


def whole_epoch(root: Path) -> None:
    _, keys = open_set(root)
    for _ in EvalStream(root, keys, np.arange(len(keys)), 16):
        pass


def test_a_missing_tar_is_named(own_root: Path) -> None:
    tar = sorted(own_root.glob("*.tar"))[3]
    tar.unlink()
    with pytest.raises(UserError, match=f"{tar.name} is missing"):
        whole_epoch(own_root)


@pytest.mark.parametrize("kept", [0, 100, 512, 700, 5000, 5120, 6000])
def test_a_tar_cut_short_anywhere_is_named(own_root: Path, kept: int) -> None:
    tar = sorted(own_root.glob("*.tar"))[2]
    assert tar.stat().st_size > 8000
    tar.write_bytes(tar.read_bytes()[:kept])
    with pytest.raises(UserError, match=tar.name):
        whole_epoch(own_root)


def test_a_tar_cut_at_the_border_of_two_images_is_named(own_root: Path) -> None:
    tar = sorted(own_root.glob("*.tar"))[2]
    with tarfile.open(tar) as whole:
        second = [info for info in whole if info.name.endswith(".png")][1]
    tar.write_bytes(tar.read_bytes()[: second.offset] + bytes(1024))
    with pytest.raises(UserError, match=rf"{tar.name} does not hold {second.name}"):
        whole_epoch(own_root)


def test_a_damaged_header_in_the_middle_is_named(own_root: Path) -> None:
    tar = sorted(own_root.glob("*.tar"))[2]
    with tarfile.open(tar) as whole:
        third = [info for info in whole if info.name.endswith(".png")][2]
    data = bytearray(tar.read_bytes())
    data[third.offset + 20] ^= 255
    tar.write_bytes(bytes(data))
    with pytest.raises(UserError, match=tar.name):
        whole_epoch(own_root)


def test_something_else_in_place_of_a_tar_is_named(own_root: Path) -> None:
    tar = sorted(own_root.glob("*.tar"))[0]
    tar.write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(UserError, match=tar.name):
        whole_epoch(own_root)
