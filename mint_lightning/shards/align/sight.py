"""How sure a detector is that a picture which is said to be an aligned face shows one."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mint_lightning.shards.align.centerface import MULTIPLE, installed
from mint_lightning.shards.align.face import Pixels
from mint_lightning.shards.align.model import OnnxModel
from mint_lightning.shards.align.similarity import TEMPLATE_SIZE

ROOM = 0.25
"""Of the crop's side, laid round it as its edges drawn on: a detector needs room around a face, and more costs time."""


class FaceSight:
    """The largest value of CenterFace's heat map over a crop and its surroundings.

    Unlike finding faces it has no threshold: what is usual for a face is asked of known ones.

    Raises:
        UserError: CenterFace is not installed.
    """

    def __init__(self) -> None:
        self.model = OnnxModel(installed())
        self.fingerprint = self.model.fingerprint

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(B,) in [0, 1] of uint8 crops (B, S, S, 3) RGB, brought to 112 pixels a side first."""
        return np.array([self._sure(crop) for crop in crops], np.float64)

    def _sure(self, crop: Pixels) -> float:
        if crop.shape[0] != TEMPLATE_SIZE:
            shrinks = crop.shape[0] > TEMPLATE_SIZE
            how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            crop = cv2.resize(np.ascontiguousarray(crop), (TEMPLATE_SIZE, TEMPLATE_SIZE), interpolation=how)
        room = round(ROOM * TEMPLATE_SIZE)
        wide = cv2.copyMakeBorder(np.ascontiguousarray(crop), room, room, room, room, cv2.BORDER_REPLICATE)
        side = -(-wide.shape[0] // MULTIPLE) * MULTIPLE
        blob = np.zeros((1, 3, side, side), np.float32)
        blob[0, :, : wide.shape[0], : wide.shape[1]] = wide.transpose(2, 0, 1)
        return float(self.model(blob)[0].max())
