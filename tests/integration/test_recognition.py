"""Training a network to audit: it learns its members, writes down exactly them, and leaves nothing half-done."""

import json
import signal
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from mint_lightning.audited import NetworkSource, Preprocessing
from mint_lightning.errors import UserError
from mint_lightning.learning.augmentation import flips
from mint_lightning.learning.recogniser import Recognition, class_of_rows
from mint_lightning.learning.recognition import train_audited
from mint_lightning.learning.speed import channels_last_is_safe, choose_format
from mint_lightning.shards import HoldOut, KeyList, Manifest, pack
from mint_lightning.shards.synthetic import SyntheticSource

pytestmark = pytest.mark.integration

TINY = {"widths": [8, 8, 16, 16], "embedding": 32, "image_size": 32}
QUICK: dict[str, Any] = {
    "arguments": TINY,
    "epochs": 2,
    "batch_size": 32,
    "bf16": False,
    "progress": False,
    "accelerator": "cpu",
}


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shards") / "faces"
    pack(
        SyntheticSource(identities=80, photos=4, difficulty="plain"),
        root,
        image_size=32,
        partitions={"members": 0.5, "others": 0.5},
        hold_out=HoldOut(1, 4, ("others",)),
        lanes=4,
    )
    return root


def keys_of(shards: Path) -> KeyList:
    return KeyList.load(shards, Manifest.load(shards))


def card_at(path: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads(path.read_text())
    return card


def test_it_learns_its_members_and_says_what_it_reached(shards: Path, tmp_path: Path) -> None:
    card = card_at(train_audited(shards, out=tmp_path / "a", **{**QUICK, "epochs": 15}))
    people = card["members"]["identities"]
    assert card["accuracy"]["train_accuracy"] > 15 / people
    verified = card["accuracy"]["verification"]
    assert verified["low"] <= verified["accuracy"] <= verified["high"]
    assert verified["auc"] > 0.6  # plain strangers are told apart by what was learnt from others
    losses = [epoch["loss"] for epoch in card["config"]["epochs_log"]]
    assert len(losses) == 15
    assert losses[-1] < 0.7 * losses[0]


def test_the_members_are_all_photos_of_the_partition_whatever_their_split(shards: Path, tmp_path: Path) -> None:
    path = train_audited(shards, out=tmp_path / "a", **QUICK)
    keys = keys_of(shards)
    rows = keys.where(partitions=["members"])
    listed = pq.read_table(path.parent / "members.parquet")["key"].to_pylist()
    assert listed == sorted(keys.key[rows])
    assert set(keys.split[rows]) == {"fit", "validate", "calibrate", "test"}
    assert card_at(path)["members"]["partition_hash"] == Manifest.load(shards).partition_hash


def test_photos_that_no_step_saw_are_no_members(shards: Path, tmp_path: Path) -> None:
    path = train_audited(shards, out=tmp_path / "a", **{**QUICK, "epochs": 1, "batch_size": 64})
    images = len(keys_of(shards).where(partitions=["members"]))
    assert images % 64
    assert card_at(path)["members"]["images"] == images // 64 * 64


def test_the_complement_is_trained_on_the_other_side_without_photos_held_out(shards: Path, tmp_path: Path) -> None:
    card = card_at(train_audited(shards, out=tmp_path / "b", complement=True, **QUICK))
    assert card["members"]["partitions"] == ["others"]
    assert card["members"]["images"] == len(keys_of(shards).where(partitions=["others"]))
    assert card["config"]["complement"] is True


def test_the_same_request_gives_the_same_weights_and_is_not_trained_twice(
    shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = card_at(train_audited(shards, out=tmp_path / "a", name="n", **QUICK))
    torch.manual_seed(123)
    again = card_at(train_audited(shards, out=tmp_path / "b", name="n", workers=2, **QUICK))
    assert first["weights"]["sha256"] == again["weights"]["sha256"]
    other = card_at(train_audited(shards, out=tmp_path / "c", name="n", seed=1, **QUICK))
    assert other["weights"]["sha256"] != first["weights"]["sha256"]

    monkeypatch.setattr(lightning.Trainer, "fit", lambda *_: pytest.fail("trained again"))
    assert card_at(train_audited(shards, out=tmp_path / "a", name="n", **QUICK)) == first


def test_another_request_needs_leave_to_replace(shards: Path, tmp_path: Path) -> None:
    train_audited(shards, out=tmp_path / "a", **QUICK)
    with pytest.raises(UserError, match="trained in another way or on other members"):
        train_audited(shards, out=tmp_path / "a", loss="arcface", **QUICK)
    path = train_audited(shards, out=tmp_path / "a", loss="arcface", overwrite=True, **QUICK)
    assert card_at(path)["config"]["loss"] == "arcface"


def test_training_leaves_torchs_random_state_alone(shards: Path, tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_audited(shards, out=tmp_path / "a", **QUICK)
    torch.testing.assert_close(torch.rand(3), expected)


def test_an_interrupt_leaves_nothing_and_the_next_one_works_too(
    shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Recognition, "on_train_epoch_end", interrupt)
    handler = signal.getsignal(signal.SIGINT)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train_audited(shards, out=tmp_path / "a", **QUICK)
        assert signal.getsignal(signal.SIGINT) is handler
    assert list(tmp_path.iterdir()) == []


def test_a_broken_image_stops_the_training(shards: Path, tmp_path: Path) -> None:
    import shutil

    root = tmp_path / "shards"
    shutil.copytree(shards, root)
    shard = next(shard for shard in Manifest.load(root).shards if shard.partition == "members")
    data = bytearray((root / shard.name).read_bytes())
    at = data.index(b"\xff\xd8\xff") + 300
    data[at : at + 8] = b"\0" * 8
    (root / shard.name).write_bytes(data)
    with pytest.raises(UserError, match=r"The image synthetic-\w+ cannot be read.*list of members must be exact"):
        train_audited(root, out=tmp_path / "a", **QUICK)
    assert not (tmp_path / "a").exists()


def test_a_training_that_diverges_is_said_to(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"diverged.*rate below"):
        train_audited(shards, out=tmp_path / "a", **QUICK, rate=1e30)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"partitions": ["H1"]}, "H1"),
        ({"batch_size": 30}, "use a batch_size of 28 or 32"),
        ({"epochs": 0}, "epochs=0 must be at least 1"),
        ({"loss": "softmax"}, "give cosface or arcface"),
        ({"pairs": "mine"}, "pairs='mine' is not known: give held-out, lfw, none"),
        ({"architecture": "iresnet_smal"}, "did you mean iresnet_small"),
        ({"architecture": "torch.nn:Identity", "arguments": {}}, "embeddings .* are needed"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_a_sentence(
    shards: Path, tmp_path: Path, arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        train_audited(shards, out=tmp_path / "a", **{**QUICK, **arguments})
    assert not (tmp_path / "a").exists()


def test_a_network_of_ones_own_is_trained_too(shards: Path, tmp_path: Path) -> None:
    arguments = {"num_classes": 32}
    path = train_audited(
        shards, out=tmp_path / "a", **{**QUICK, "epochs": 1, "architecture": "timm:test_resnet", "arguments": arguments}
    )
    network = NetworkSource(card=str(path)).load()
    assert network.embed(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape == (2, 32)


def test_flips_are_fair_and_depend_on_seed_step_and_row_alone() -> None:
    rows = np.arange(20_000)
    drawn = flips(rows, 0, 7)
    assert abs(drawn.mean() - 0.5) < 0.02
    np.testing.assert_array_equal(flips(rows[::-1], 0, 7), drawn[::-1])
    for other in (flips(rows, 1, 7), flips(rows, 0, 8), flips(rows, 7, 0)):
        assert abs((drawn == other).mean() - 0.5) < 0.02
    by_step = np.array([flips(np.array([3]), 0, step)[0] for step in range(2000)])
    assert abs(by_step.mean() - 0.5) < 0.06


def test_a_mirrored_image_is_what_the_network_gets() -> None:
    seen = []

    class Spy(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.append(images.clone())
            return self.weight * images.mean((2, 3))

    images = torch.randint(0, 256, (64, 3, 8, 8), dtype=torch.uint8)
    model = Recognition(Spy(), Preprocessing(size=(8, 8)), 3, np.arange(64) % 2, 10, seed=3)
    model.log = lambda *_, **__: None  # type: ignore[method-assign]
    rows = torch.arange(64)
    model.training_step({"images": images, "row": rows, "broken": []}, 0)
    mirrored = flips(rows.numpy(), 3, 0)
    assert 10 < mirrored.sum() < 54
    expected = model.preprocessing(images)
    expected[mirrored] = expected[mirrored].flip(3)
    torch.testing.assert_close(seen[0], expected)


def test_classes_are_numbered_without_gaps() -> None:
    assert class_of_rows(np.array([4, 9, 4, 2, 9]), np.array([1, 2, 4])).tolist() == [-1, 1, 0, -1, 1]


def test_memory_layouts_that_corrupt_gradients_are_never_chosen() -> None:
    narrow = torch.nn.Sequential(torch.nn.Conv2d(8, 16, 1, stride=2))
    wide = torch.nn.Sequential(torch.nn.Conv2d(16, 32, 1, stride=2), torch.nn.Conv2d(32, 8, 3, stride=2))
    cpu = torch.device("cpu")
    assert not channels_last_is_safe(narrow, cpu)
    assert channels_last_is_safe(wide, cpu)
    formats: tuple[Any, ...] = (False, "auto")
    for bf16 in formats:
        images = torch.zeros(2, 8, 32, 32)
        assert not choose_format(narrow, images, bf16)[0].channels_last
