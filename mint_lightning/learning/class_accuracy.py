"""How often a classifier names the class of photos, and its loss on them, in eval mode."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from mint_lightning.audited.precision import autocast
from mint_lightning.errors import UserError
from mint_lightning.evidence import clustered_rate
from mint_lightning.learning.learner import Learner
from mint_lightning.shards import EvalLoader, KeyList

_BATCH = 256


@dataclass(frozen=True)
class ClassAccuracy:
    """Share of photos whose own class has the largest logit, with a 95 % interval clustered by identity; mean loss."""

    accuracy: float
    low: float
    high: float
    loss: float
    images: int
    identities: int


@dataclass(frozen=True)
class Judged:
    """What a classifier made of n photos.

    Attributes:
        rows: int64 (n,), of the key list.
        identity: int64 (n,), labels of the key list.
        right: bool (n,), whether the largest logit is that of the photo's class.
        loss: float64 (n,), cross-entropy.
    """

    rows: NDArray[np.int64]
    identity: NDArray[np.int64]
    right: NDArray[np.bool_]
    loss: NDArray[np.float64]

    def accuracy(self, rows: NDArray[np.int64] | None = None) -> ClassAccuracy:
        """Over all photos, or those of `rows`. Raises `UserError` where these are none."""
        some = np.ones(len(self.rows), bool) if rows is None else np.isin(self.rows, rows)
        if not some.any():
            raise UserError("None of the photos to measure a classifier on can be read: verify the shard set.")
        share = clustered_rate(self.right[some], self.identity[some])
        loss = float(self.loss[some].mean())
        return ClassAccuracy(share.value, share.low, share.high, loss, share.images, share.identities)


def judged(
    model: Learner,
    root: Path,
    keys: KeyList,
    rows: NDArray[np.int64],
    classes: NDArray[np.int64],
    *,
    bf16: bool,
    workers: int = 0,
) -> Judged:
    """By `model`, as it is now, of these rows of the shard set; it is back in the mode it was in afterwards.

    Photos are taken as they are and broken ones left out; the loss is without label smoothing.

    Args:
        classes: int64 (n,), class of each row of the key list.
        bf16: Whether to run under bfloat16 autocast, as in training.
        workers: Processes that decode images.
    """
    loader = EvalLoader(root, keys, rows, batch_size=_BATCH, workers=workers)
    was_training = model.network.training
    seen, right, loss = [np.zeros(0, np.int64)], [np.zeros(0, bool)], [np.zeros(0)]
    model.network.eval()
    try:
        with torch.no_grad(), autocast(model.device.type, bf16):
            for batch in loader:
                if not len(batch["row"]):
                    continue
                where = batch["row"].numpy()
                label = torch.from_numpy(classes[where]).to(model.device)
                logits = model(batch["images"].to(model.device)).float()
                seen.append(where)
                right.append((logits.argmax(1) == label).cpu().numpy())
                loss.append(F.cross_entropy(logits, label, reduction="none").double().cpu().numpy())
    finally:
        model.network.train(was_training)
        loader.close()
    photos = np.concatenate(seen)
    return Judged(photos, keys.label[photos], np.concatenate(right), np.concatenate(loss))
