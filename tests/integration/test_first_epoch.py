"""What standardisation has read the first epoch does not read again, and learns the same from it."""

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from torch import Tensor

from datamodules import Faces
from mint_lightning.audited import AuditedNetwork, NetworkSource
from mint_lightning.learning import VanillaMINT
from tests.membership_set import partitioned_set

pytestmark = pytest.mark.integration

TINY = {"image_size": 32, "widths": [4, 4, 8, 8], "embedding": 8}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return partitioned_set(tmp_path_factory.mktemp("faces") / "set", identities=240)


def fit(data: Faces, folder: Path) -> dict[str, Tensor]:
    model = VanillaMINT([list(shape) for shape in data.shapes], list(data.taps))
    trainer = L.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False,
        enable_model_summary=False, num_sanity_val_steps=0, use_distributed_sampler=False, default_root_dir=folder,
    )  # fmt: skip
    trainer.fit(model, data)
    return dict(model.head.state_dict())


def faces(root: Path, tap: str, images: list[int], monkeypatch: pytest.MonkeyPatch) -> Faces:
    """Photos in random halves; `images` receives the size of every batch that the network reads for AAD."""
    network = NetworkSource(architecture="iresnet_small", arguments=TINY)
    data = Faces(str(root), network, [tap], members=["A"], externals=["B"], batch_size=32, workers=0)
    forward = AuditedNetwork.forward

    def counted(self: AuditedNetwork, pictures: Tensor, *arguments: Any) -> Any:
        images.append(len(pictures))
        return forward(self, pictures, *arguments)

    monkeypatch.setattr(AuditedNetwork, "forward", counted)
    return data


@pytest.mark.parametrize("samples", [4096, 80])  # all of the fit split, or two batches and a half
def test_the_first_epoch_takes_what_was_read_before_it(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: int
) -> None:
    monkeypatch.setattr("mint_lightning.learning.mint.STANDARDISE_IMAGES", samples)
    seen: list[int] = []
    data = faces(root, "conv4", seen, monkeypatch)
    head = fit(data, tmp_path)
    steps, validate = data.order().steps, len(data.rows("validate"))
    assert steps > 3
    again = 0 if samples == 4096 else 16  # a batch that was cut for standardisation is read again whole
    assert sum(seen) == 2 * (32 * steps + validate) + again
    assert not data._standardised

    plain = faces(root, "conv4", [], monkeypatch)
    monkeypatch.setattr(Faces, "_standardised", property(lambda self: {}, lambda self, value: None), raising=False)
    for name, value in fit(plain, tmp_path).items():
        assert torch.equal(head[name], value), name
