"""`train-audited --task classification` killed and begun again: the last network and those on the way, bit for bit."""

import shutil
from pathlib import Path

import pytest
import torch

from mint_lightning.learning.classifier import Classification
from tests.integration.test_classification import card_in, keys_of, shards, train

pytestmark = pytest.mark.integration
__all__ = ["shards"]  # a fixture


class Lost(Exception):
    pass


def weights_in(folder: Path) -> bytes:
    return (folder / "network.safetensors").read_bytes()


@pytest.mark.parametrize("step", [3, 4, 13])
def test_a_training_that_was_killed_goes_on_to_the_same_bits(
    step: int, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--epochs", "4", "--checkpoints", "[1, 2]", "--validated", "true", "--augment", "crop_flip")
    whole = tmp_path / "whole" / "a"
    assert train(shards, whole, *words) == 0
    judged = Classification.judged

    def lost(model: Classification, output: torch.Tensor, label: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if model.training and model.global_step == step:
            raise Lost
        return judged(model, output, label)

    monkeypatch.setattr(Classification, "judged", lost)
    with pytest.raises(Lost):
        train(shards, tmp_path / "a", *words, "--save_minutes", "1e-9")
    steps = len(keys_of(shards).where(["members"])) // 32
    left = [".a.resume.ckpt", *(f"a_epoch{epoch}" for epoch in (1, 2) if epoch * steps <= step)]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "whole") == left

    seen: list[int] = []
    monkeypatch.setattr(
        Classification, "judged", lambda model, *values: (seen.append(model.global_step), judged(model, *values))[1]
    )
    assert train(shards, tmp_path / "a", *words) == 0
    assert seen[0] in (step, step - 1)  # the last batch of an epoch is not kept
    assert not list(tmp_path.glob(".a*"))
    for name in ("a", "a_epoch1", "a_epoch2", "a_validated"):
        assert weights_in(tmp_path / name) == weights_in(whole.with_name(name))
        assert card_in(tmp_path / name) == card_in(whole.with_name(name))


def test_a_lost_network_of_the_way_is_trained_again_and_a_whole_training_is_not(
    shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--checkpoints", "[1]")
    assert train(shards, tmp_path / "a", *words) == 0
    kept = [weights_in(tmp_path / name) for name in ("a", "a_epoch1")]
    shutil.rmtree(tmp_path / "a_epoch1")
    assert train(shards, tmp_path / "a", *words) == 0
    assert [weights_in(tmp_path / name) for name in ("a", "a_epoch1")] == kept
    monkeypatch.setattr(Classification, "training_step", lambda *_: pytest.fail("trained again"))
    assert train(shards, tmp_path / "a", *words) == 0
    assert train(shards, tmp_path / "a") == 0  # a checkpoint less changes nothing of the last


def test_a_folder_on_the_way_that_is_gone_while_training_is_stopped_begins_it_again(
    shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--epochs", "3", "--checkpoints", "[1]")
    judged = Classification.judged

    def lost(model: Classification, *values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if model.global_step == 7:
            raise Lost
        return judged(model, *values)

    monkeypatch.setattr(Classification, "judged", lost)
    with pytest.raises(Lost):
        train(shards, tmp_path / "a", *words, "--save_minutes", "1e-9")
    monkeypatch.undo()
    shutil.rmtree(tmp_path / "a_epoch1")
    assert train(shards, tmp_path / "a", *words) == 0
    assert (tmp_path / "a_epoch1" / "card.json").is_file()
    assert card_in(tmp_path / "a_epoch1")["config"]["epochs_trained"] == 1
