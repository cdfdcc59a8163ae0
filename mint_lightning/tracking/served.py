"""A registered auditor at work: images in, one line per image out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from mlflow.pyfunc import PythonModel
from mlflow.types.schema import ColSpec, DataType, Schema

from mint_lightning.audited import NetworkSource
from mint_lightning.auditor import Answers, PhotoBatch, Question, load_auditor, score_photos
from mint_lightning.errors import UserError
from mint_lightning.evidence import error_rate

AT_ONCE = 64
ANSWER = Schema(
    [
        ColSpec(DataType.double, "score"),
        ColSpec(DataType.double, "p"),
        ColSpec(DataType.string, "outcome"),
        ColSpec(DataType.double, "error_rate", required=False),
        ColSpec(DataType.string, "sentence"),
    ]
)


@dataclass(frozen=True)
class _Given:
    """Images of one call as photos to be asked about."""

    images: torch.Tensor
    barred: str | None = None
    shards: str | None = None
    detector: str | None = None

    def __len__(self) -> int:
        return len(self.images)

    def batches(self) -> Iterator[PhotoBatch]:
        for start in range(0, len(self), AT_ONCE):
            part = self.images[start : start + AT_ONCE]
            names = [str(start + number) for number in range(len(part))]
            unknown = [""] * len(part)
            yield PhotoBatch(part, names, names, unknown, np.full(len(part), np.nan), unknown)


class RegisteredAuditor(PythonModel):
    """An auditor and the network it audits, from the folders that stand in the model; nothing is unpickled."""

    def load_context(self, context: Any) -> None:
        """Read both and refuse a network other than the one that was audited."""
        self.auditor = load_auditor(Path(context.artifacts["auditor"]))
        self.network = NetworkSource(card=context.artifacts["network"]).load()
        self.auditor.check(self.network)
        self.question = Question()
        self.error = error_rate(self.auditor.scores, alpha=self.question.alpha, fitted=self.auditor.head is not None)

    def predict(self, context: Any, model_input: np.ndarray, params: Any = None) -> pd.DataFrame:
        """One line per image of uint8 (B, H, W, 3), RGB, brought to pixels by the pipeline of the auditor's card.

        score: logit, larger = more like a training photo; p: conformal, against calibration externals; outcome: one of
        the four fixed sentences, as `mint-lightning audit` gives it; error_rate: upper 95 % bound of how often
        outsiders get that outcome, where it has one; sentence: the outcome explained.
        """
        images = _as_images(model_input, int(self.auditor.card.pixels["image_size"]))
        lines = []
        if len(images):
            name = self.auditor.card.name
            networks = {self.auditor.card.fingerprint: self.network}
            scored = score_photos(_Given(images), {name: self.auditor}, networks, torch.device("cpu"))
            for score, said in zip(
                scored.scores[name], Answers(scored, {name: self.auditor}, self.question), strict=True
            ):
                rate = self.error.bound if said.one_in is not None else float("nan")
                lines.append((float(score), said.p, str(said.outcome), rate, said.sentence))
        return pd.DataFrame(lines, columns=ANSWER.input_names())


def _as_images(given: np.ndarray, size: int) -> torch.Tensor:
    """uint8 (B, 3, H, W); any other type or size is a `UserError`, since nothing was calibrated on it."""
    if given.dtype != np.uint8 or given.ndim != 4 or given.shape[1:] != (size, size, 3):
        raise UserError(
            f"The model takes uint8 images of shape (B, {size}, {size}, 3); these are {given.dtype} {given.shape}."
        )
    return torch.from_numpy(np.ascontiguousarray(given.transpose(0, 3, 1, 2)))
