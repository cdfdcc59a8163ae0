"""Heads that learn from the store are those that learn from the photos, and the network sees none of these."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from datamodules import Faces
from mint_lightning.auditor import load_auditor
from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.learning.folds import make_folds
from mint_lightning.shards import KeyList
from tests.integration.conftest import CONF, FAST
from tests.small_activations import assert_same_weights, both, head_of, stored, trainer_of, write_store
from tests.small_table import faces, with_broken

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("taps", [["conv4", "outcome"], ["conv4:map"]], ids=["vectors", "maps"])
def test_the_head_and_its_scores_are_those_of_the_photos(
    taps: list[str], shards: Path, store: Path, tmp_path: Path, images: list[int]
) -> None:
    found = []
    for data in both(shards, store, taps):
        images.clear()  # one blank image has told the shapes
        model, trainer = head_of(data), trainer_of(tmp_path)
        trainer.fit(model, data)
        trainer.test(model, data, verbose=False)
        rows, scores = (torch.cat([piece[name] for piece in model.collected]) for name in ("row", "score"))
        found.append((model.head, rows, scores, trainer.validate(model, data, verbose=False)[0]))
        assert trainer.global_step == 3 * data.order().steps > 9
        assert bool(images) == isinstance(data, Faces)
    (head, rows, scores, validated), (again, *others) = found
    assert_same_weights(head, again)
    assert torch.equal(rows, others[0])
    torch.testing.assert_close(others[1], scores, atol=1e-6, rtol=0)
    assert others[2] == pytest.approx(validated, abs=1e-6)


def test_a_fit_on_photos_goes_on_in_the_middle_of_an_epoch_from_the_store(
    shards: Path, store: Path, tmp_path: Path
) -> None:
    photos, activations = both(shards, store, ["conv4"])
    whole, rest = head_of(photos), head_of(activations)
    each_step = ModelCheckpoint(tmp_path, filename="{step}", every_n_train_steps=1, save_top_k=-1)
    trainer_of(tmp_path, enable_checkpointing=True, callbacks=[each_step]).fit(whole, photos)
    step = photos.order().steps + 2
    trainer_of(tmp_path).fit(rest, activations, ckpt_path=tmp_path / f"step={step}.ckpt", weights_only=True)
    assert_same_weights(whole.head, rest.head)


def test_photos_that_cannot_be_decoded_are_left_out_alike(
    shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = faces(shards)
    broken = np.array([data.order().batches(0)[1, 3], data.rows("validate")[5]])
    load = KeyList.load

    monkeypatch.setattr(KeyList, "load", lambda *arguments: with_broken(load(*arguments), broken))
    write_store(shards, tmp_path / "store")
    heads = []
    for data in both(shards, tmp_path / "store", ["conv4"]):
        model = head_of(data)
        trainer_of(tmp_path, 2).fit(model, data)
        assert sorted(data.broken) == sorted(data.keys.key[broken].tolist())
        heads.append(model.head)
    assert_same_weights(*heads)


def test_each_rank_takes_the_part_of_its_lanes(shards: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = stored(shards, store, ["outcome"])
    order, parts, evaluated = data.order(), [], []
    for rank in range(2):
        monkeypatch.setattr(data, "_place", lambda rank=rank: (rank, 2))
        loader = data.train_dataloader()
        assert len(loader) == order.steps
        loader.load_state_dict(loader.state_dict() | {"epoch": 2, "batches": 1})
        parts.append([batch["row"] for batch in loader])
    together = torch.stack([torch.cat(each) for each in zip(*parts, strict=True)])
    assert torch.equal(together, torch.from_numpy(order.batches(2)[1:]))
    for rank in range(3):
        monkeypatch.setattr(data, "_place", lambda rank=rank: (rank, 3))
        evaluation = data.test_dataloader()
        batches = list(evaluation)
        assert len(batches) == len(evaluation)
        evaluated += [row for batch in batches for row in batch["row"].tolist()]
    assert evaluated == make_folds(data, 0, 0)[0].scored.tolist()
    with pytest.raises(UserError, match="use 1, 2, 4 or 8 processes"):
        data.train_dataloader()


def test_the_place_in_another_order_is_refused(shards: Path, store: Path) -> None:
    one, other = (stored(shards, store, ["outcome"], seed=seed).train_dataloader() for seed in (0, 1))
    with pytest.raises(UserError, match="data seed was 0, here it is 1"):
        other.load_state_dict(one.state_dict())


def test_every_view_is_handed_out_as_float32(shards: Path, store: Path) -> None:
    views = ["original", "flip"]
    given = [
        data.on_after_batch_transfer(next(iter(data.val_dataloader())), 0)
        for data in both(shards, store, ["outcome"], views=views)
    ]
    assert torch.equal(given[0]["member"], given[1]["member"])
    for view in views:
        one, other = (batch["aad"]["audited"][view]["outcome"] for batch in given)
        torch.testing.assert_close(other, one, atol=1e-6, rtol=0)
    maps = next(iter(stored(shards, store, ["conv4:map"]).val_dataloader()))["aad"]["audited"]["original"]["conv4:map"]
    assert (maps.dtype, maps.ndim) == (torch.float32, 4)


def test_the_commands_give_what_they_give_on_photos(workspace: Path) -> None:
    names = ("faces_vanilla", "activations_vanilla")
    for name in names:
        config = ["--config", str(CONF / f"{name}.yaml"), *FAST, "--name", f"same_{name}"]
        checkpoint = ["--ckpt_path", f"mlruns/checkpoints/same_{name}/best.ckpt"]
        assert main(["fit", *config]) == 0
        for command in ("validate", "test", "predict"):
            assert main([command, *config, *checkpoint]) == 0
    photos, activations = (load_auditor(Path(f"mlruns/auditors/same_{name}")) for name in names)
    assert photos.head is not None
    assert activations.head is not None
    assert_same_weights(photos.head, activations.head)
    assert photos.card.membership == activations.card.membership
    np.testing.assert_allclose(activations.calibration.score, photos.calibration.score, atol=1e-6)
    one, other = (json.loads(Path(f"mlruns/scores/same_{name}.json").read_text())["rows"][0] for name in names)
    assert one["auc"] == other["auc"]
    of, there = (pq.read_table(f"mlruns/predictions/same_{name}.parquet").to_pandas().set_index("key").score for name
                 in names)  # fmt: skip
    assert 0 < len(there) <= len(of)  # what no table of this workspace has read is not in its store
    assert set(there.index) <= set(of.index)
    np.testing.assert_allclose(there, of[there.index], atol=1e-6)

    from mint_lightning.tracking.store import open_store

    tracking = open_store()
    runs = [run.data for run in tracking.client.search_runs([tracking.experiment("heads")])
            if run.info.run_name == "same_activations_vanilla"]  # fmt: skip
    assert any({"auc", "fit/loss"} <= run.metrics.keys() for run in runs)
