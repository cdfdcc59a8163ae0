"""Several shard sets as one: what is in it, who the members are, and what is refused."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datamodules import Faces
from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.learning.membership import MIXED
from mint_lightning.shards import EvalLoader, Photo, join, pack, verify
from tests.network_card import ARGUMENTS
from tests.shard_sets import NoiseSource, noise_face, open_set
from tests.small_table import NETWORK

LANES = {"lanes": 4, "encoder": "png"}


class Noise(NoiseSource):
    """Noise of a name's own."""

    def __init__(self, name: str, people: int, size: int) -> None:
        super().__init__(people, 2, size)
        self.name = name

    def list(self) -> Sequence[Photo]:
        first = 1000 * sum(map(ord, self.name))
        return [
            Photo(self.name, f"p{i:04d}", f"{k}.png", partial(noise_face, first + i, k, self.size))
            for i in range(self.people)
            for k in range(2)
        ]


def one(root: Path, name: str, people: int = 40, size: int = 32, **more: Any) -> Path:
    pack(Noise(name, people, size), root / name, image_size=size, **{**LANES, "shard_bytes": 20_000} | more)
    return root / name


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("join")
    one(root, "glint", role="members", seed=1)
    one(root, "ijbc", people=50, role="externals")
    one(root, "halves", partitions={"d": 0.5, "e": 0.5})
    one(root, "aligned", aligned=True, role="externals")
    one(root, "small", size=16)
    one(root, "lanes", lanes=2)
    return root


def test_all_photos_are_there_in_their_splits(sets: Path, tmp_path: Path) -> None:
    root = join([sets / "glint", sets / "halves"], tmp_path / "both")
    manifest, keys = open_set(root)
    assert sorted(manifest.partitions) == ["glint", "halves.d", "halves.e"]
    assert verify(root) == []
    for name, partitions in (("glint", ["glint"]), ("halves", ["halves.d", "halves.e"])):
        own_manifest, own = open_set(sets / name)
        rows = keys.rows_of(own.key[:])
        assert set(keys.partition[rows]) == set(partitions)
        for column in ("split", "identity", "origin", "sha256", "lane"):
            assert (getattr(keys, column)[rows] == getattr(own, column)[:]).all(), column
        assert own_manifest.images == len(rows)
    assert len(np.unique(keys.label)) == 80
    seen = np.concatenate(
        [batch["row"].numpy() for batch in EvalLoader(root, keys, np.arange(len(keys)), batch_size=32)]
    )
    assert sorted(seen) == list(range(len(keys)))
    for row in range(0, len(keys), 17):
        shard = manifest.shards[keys.shard[row]]
        assert (shard.partition, shard.split, shard.lane) == (keys.partition[row], keys.split[row], keys.lane[row])


def test_tars_are_linked_and_outlive_their_set(sets: Path, tmp_path: Path) -> None:
    root = join([sets / "glint", sets / "ijbc"], tmp_path / "both")
    manifest, _ = open_set(root)
    tar = manifest.shards[0].name
    assert (root / tar).stat().st_ino == (sets / tar.partition(".")[0] / tar.partition(".")[2]).stat().st_ino


def test_the_same_sets_are_joined_once(sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    root = join([sets / "glint", sets / "ijbc"])
    stamp = (root / "manifest.json").stat().st_mtime_ns
    assert join([sets / "glint", sets / "ijbc"]) == root
    assert (root / "manifest.json").stat().st_mtime_ns == stamp


def test_roles_decide_until_a_run_says_otherwise(sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = [str(sets / "ijbc"), str(sets / "glint")]
    data = Faces(given, NETWORK, workers=0, batch_size=32)
    assert set(data.keys.partition[data.groups.members]) == {"glint"}
    assert set(data.keys.partition[data.groups.externals]) == {"ijbc"}
    assert (data.groups.random_partition, data.groups.no_claim, data.set_name) == (False, None, "ijbc + glint")
    other = Faces(given, NETWORK, members=["ijbc"], externals=["glint"], workers=0, batch_size=32)
    assert set(other.keys.partition[other.groups.members]) == {"ijbc"}
    with pytest.raises(UserError, match="Nothing says who the members are"):
        Faces([str(sets / "glint"), str(sets / "halves")], NETWORK)


def test_sets_of_different_pipelines(sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = [str(sets / "glint"), str(sets / "aligned")]
    with pytest.raises(UserError, match=r"differ in alignment \(as given and declared aligned\).*--realign true"):
        Faces(given, NETWORK)
    data = Faces(given, NETWORK, allow_mixed=True, workers=0, batch_size=32)
    assert data.groups.no_claim == MIXED
    assert data.manifest.alignment == "as given; declared aligned"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["glint"], "two or more"),
        (["glint", "glint"], "folders' names"),
        (["glint", "small"], "differ in image_size"),
        (["glint", "lanes"], "differ in lanes"),
        (["glint", "nowhere"], "no shard manifest"),
    ],
)
def test_what_cannot_be_joined_is_said(sets: Path, names: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said):
        join([sets / name for name in names], tmp_path / "out", allow_mixed=True)
    assert not (tmp_path / "out").exists()


def test_a_photo_in_both_is_refused(sets: Path, tmp_path: Path) -> None:
    pack(Noise("glint", 40, 32), tmp_path / "again", image_size=32, **LANES)
    with pytest.raises(UserError, match="80 photos are in two of the shard sets glint, again"):
        join([sets / "glint", tmp_path / "again"], tmp_path / "out")


def test_a_table_of_two_sets(sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["table", "--data.class_path", "datamodules.Faces", "--data.shards", f"[{sets}/glint, {sets}/ijbc]"]
    network = json.dumps({"architecture": "iresnet_small", "arguments": ARGUMENTS})
    words += ["--data.network", network, "--data.batch_size", "32", "--data.workers", "0", "--rows", "[{head: norm}]"]
    words += ["--twins", "1", "--pixels", "false", "--store", "none", "--register", "false"]
    assert main(words) == 0
    text = (tmp_path / "mlruns/tables/table/table.md").read_text()
    assert "ijbc" in text
