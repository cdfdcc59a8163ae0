"""`train-audited` killed at any batch and begun again: it goes on to the same bits."""

import json
from pathlib import Path

import pytest
import torch

from mint_lightning.learning.recogniser import Recognition
from mint_lightning.learning.recognition import train_audited
from tests.integration.test_recognition import QUICK, shards

pytestmark = pytest.mark.integration
__all__ = ["shards"]  # a fixture


@pytest.mark.parametrize("step", [1, 5, 7])
def test_a_training_that_was_killed_goes_on_to_the_same_bits(
    step: int, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lost(Exception):
        pass

    whole = train_audited(shards, out=tmp_path / "whole" / "a", **QUICK)
    count = Recognition._count

    def lost(model: Recognition, *values: torch.Tensor) -> None:
        if model.global_step == step:
            raise Lost
        count(model, *values)

    monkeypatch.setattr(Recognition, "_count", lost)
    with pytest.raises(Lost):
        train_audited(shards, out=tmp_path / "a", **QUICK, save_minutes=1e-9)
    assert [path.name for path in tmp_path.iterdir() if path.name != "whole"] == [".a.resume.ckpt"]
    seen = []
    monkeypatch.setattr(
        Recognition, "_count", lambda model, *values: (seen.append(model.global_step), count(model, *values))
    )
    card = train_audited(shards, out=tmp_path / "a", **QUICK)
    assert seen[0] in (step, step - 1)  # the last batch of an epoch is not kept
    assert not list(tmp_path.glob(".a*"))
    one, other = (path.with_name("network.safetensors").read_bytes() for path in (whole, card))
    assert one == other
    first, second = (json.loads(path.read_text()) for path in (whole, card))
    assert first["config"]["epochs_log"] == second["config"]["epochs_log"]
    assert first["accuracy"] == second["accuracy"]


def test_what_is_no_checkpoint_of_this_training_is_not_gone_on_with(shards: Path, tmp_path: Path) -> None:
    weights = []
    for name, content in (("a", b"nothing"), ("b", b""), ("c", None)):
        resume = tmp_path / f".{name}.resume.ckpt"
        if content is not None:
            resume.write_bytes(content)
        card = train_audited(shards, out=tmp_path / name, **QUICK)
        assert not resume.exists()
        weights.append(card.with_name("network.safetensors").read_bytes())
    assert weights[0] == weights[1] == weights[2]
