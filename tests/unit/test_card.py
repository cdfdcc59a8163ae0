"""The folder of a trained network: whole or absent, and loadable by what audits it."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from mint_lightning.audited import NetworkSource
from mint_lightning.audited.architectures import Built, build
from mint_lightning.errors import UserError
from mint_lightning.files import sha256_file
from mint_lightning.learning import card as card_module
from mint_lightning.learning.card import MemberList, finished, write_network
from mint_lightning.learning.members import card_folder, trained_on
from tests.shard_sets import open_set, pack_noise

pytestmark = pytest.mark.unit

TINY = {"widths": [4, 4, 4, 4], "embedding": 8, "image_size": 32}


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> MemberList:
    manifest, keys = open_set(pack_noise(tmp_path_factory.mktemp("shards") / "noise", people=40))
    return MemberList(keys, manifest, ["d"], keys.where(["d"])[::-1])


@pytest.fixture(scope="module")
def built() -> Built:
    made = build("iresnet_small", TINY)
    made.module.eval().to(memory_format=torch.channels_last)
    return made


def write(out: Path, members: MemberList, built: Built, request: str = "r1") -> Path:
    return write_network(
        out,
        built.module,
        built,
        name="A",
        architecture="iresnet_small",
        arguments=TINY,
        members=members,
        accuracy={"train_accuracy": 0.5},
        config={"request": request, "epochs": 3},
    )


def test_the_network_comes_back_as_it_was(tmp_path: Path, members: MemberList, built: Built) -> None:
    path = write(tmp_path / "a", members, built)
    network = NetworkSource(card=str(path)).load()
    images = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        expected = built.module(built.preprocessing(images))
    torch.testing.assert_close(network.embed(images), expected)
    assert network.card is not None
    assert network.card.config["epochs"] == 3
    assert network.tap_names == ("conv1", "conv2", "conv3", "conv4", "outcome")


def test_the_list_of_members_is_that_of_the_partition(tmp_path: Path, members: MemberList, built: Built) -> None:
    path = write(tmp_path / "a", members, built)
    table = pq.read_table(tmp_path / "a" / "members.parquet").to_pylist()
    keys = members.keys
    wanted = {(keys.key[row], keys.source[row], keys.identity[row]) for row in members.rows}
    assert {(row["key"], row["source"], row["identity"]) for row in table} == wanted
    said = json.loads(path.read_text())["members"]
    assert said["images"] == len(wanted) == len(table)
    assert said["identities"] == len({row[1:] for row in wanted})
    assert said["sha256"] == sha256_file(tmp_path / "a" / "members.parquet")
    assert said["shards"] == members.manifest.hash


def test_the_audit_finds_the_members_the_card_lists(tmp_path: Path, members: MemberList, built: Built) -> None:
    source = NetworkSource(card=str(write(tmp_path / "a", members, built)))
    listed = trained_on(source.load().card, card_folder(source))
    assert listed is not None
    assert set(listed.keys) == set(members.keys.key[members.rows])
    assert (listed.partitions, listed.partition_hash) == (("d",), members.manifest.partition_hash)


def test_the_order_of_rows_does_not_change_the_list(tmp_path: Path, members: MemberList, built: Built) -> None:
    shuffled = np.random.default_rng(0).permutation(members.rows)
    write(tmp_path / "a", members, built)
    write(tmp_path / "b", MemberList(members.keys, members.manifest, ["d"], shuffled), built)
    assert sha256_file(tmp_path / "a" / "members.parquet") == sha256_file(tmp_path / "b" / "members.parquet")


def test_only_the_same_request_is_finished(tmp_path: Path, members: MemberList, built: Built) -> None:
    out = tmp_path / "a"
    assert not finished(out, "r1")
    write(out, members, built)
    assert finished(out, "r1")
    with pytest.raises(UserError, match=r"holds the network 'A', trained in another way.*overwrite"):
        finished(out, "r2")
    assert not finished(out, "r2", overwrite=True)
    assert finished(out, "r1", overwrite=True)


@pytest.mark.parametrize("file", ["network.safetensors", "members.parquet"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_folder_is_not_finished(
    tmp_path: Path, members: MemberList, built: Built, file: str, damage: str
) -> None:
    write(tmp_path / "a", members, built)
    path = tmp_path / "a" / file
    path.write_bytes(path.read_bytes()[:-1]) if damage == "cut" else path.unlink()
    assert not finished(tmp_path / "a", "r1")


def test_a_folder_of_something_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    with pytest.raises(UserError, match=r"mine exists and holds no network"):
        finished(tmp_path / "mine", "r1", overwrite=True)


@pytest.mark.parametrize("fault", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_fault_while_writing_leaves_what_was_there(
    tmp_path: Path,
    members: MemberList,
    built: Built,
    monkeypatch: pytest.MonkeyPatch,
    fault: BaseException | type[BaseException],
) -> None:
    out = tmp_path / "a"
    write(out, members, built)

    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(card_module, "write_json", fail)
    with pytest.raises((KeyboardInterrupt, UserError)):
        write(out, members, built, request="r2")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert finished(out, "r1")
