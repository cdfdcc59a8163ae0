"""A registered auditor at work: images in, one line per image out."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from mlflow.pyfunc import PythonModel
from mlflow.types.schema import ColSpec, DataType, Schema

from mint_lightning.audited import NetworkSource
from mint_lightning.auditor import load_auditor
from mint_lightning.errors import UserError
from mint_lightning.evidence import Calibration, error_rate, judge

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


class RegisteredAuditor(PythonModel):
    """An auditor and the network it audits, from the folders that stand in the model; nothing is unpickled."""

    def load_context(self, context: Any) -> None:
        """Read both and refuse a network other than the one that was audited."""
        self.auditor = load_auditor(Path(context.artifacts["auditor"]))
        self.network = NetworkSource(card=context.artifacts["network"]).load()
        self.auditor.check(self.network)
        self.error = error_rate(self.auditor.scores)
        self.calibration = Calibration.of(self.auditor.calibration)

    def predict(self, context: Any, model_input: np.ndarray, params: Any = None) -> pd.DataFrame:
        """One line per image of uint8 (B, H, W, 3), RGB, brought to pixels by the pipeline of the auditor's card.

        score: logit, larger = more like a training photo; p: conformal, against calibration externals; outcome: one of
        the four fixed sentences; error_rate: upper 95 % bound of how often outsiders get that outcome, where it has
        one; sentence: the outcome explained.
        """
        images = _as_images(model_input, int(self.auditor.card.pixels["image_size"]))
        scores = [self.auditor.score(self.network, images[at : at + AT_ONCE]) for at in range(0, len(images), AT_ONCE)]
        evidence = self.auditor.card.evidence
        claim = evidence.claim if evidence is not None else None
        lines = []
        for score in np.concatenate([*scores, np.empty(0)]):
            verdict = judge(float(score), self.calibration, claim, self.error)
            rate = self.error.bound if verdict.one_in is not None else float("nan")
            lines.append((float(score), verdict.p, str(verdict.outcome), rate, verdict.sentence))
        return pd.DataFrame(lines, columns=ANSWER.input_names())


def _as_images(given: np.ndarray, size: int) -> torch.Tensor:
    """uint8 (B, 3, H, W); any other type or size is a `UserError`, since nothing was calibrated on it."""
    if given.dtype != np.uint8 or given.ndim != 4 or given.shape[1:] != (size, size, 3):
        raise UserError(
            f"The model takes uint8 images of shape (B, {size}, {size}, 3); these are {given.dtype} {given.shape}."
        )
    return torch.from_numpy(np.ascontiguousarray(given.transpose(0, 3, 1, 2)))
