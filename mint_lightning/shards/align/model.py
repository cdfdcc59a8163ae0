"""An ONNX file of a detector, run by OpenCV on the processor; nothing is ever fetched."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.files import sha256_file
from mint_lightning.shards.align.face import Pixels


class OnnxModel:
    """A network that OpenCV runs: unlike onnxruntime it takes photos of any size, where the file names one size.

    Raises:
        UserError: there is no such file, or it is no ONNX model.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise UserError(f"There is no detector at {path}.")
        try:
            self.net = cv2.dnn.readNetFromONNX(str(path))
        except cv2.error as error:
            raise UserError(f"The detector {path} is no ONNX model that can be run.") from error
        self.fingerprint = sha256_file(path)
        self.outputs = list(self.net.getUnconnectedOutLayersNames())

    def __call__(self, blob: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """All outputs for an input (1, 3, H, W), in the order of `outputs`."""
        self.net.setInput(blob)
        return list(self.net.forward(self.outputs))


def scaled_down(photo: Pixels, longest: int) -> tuple[Pixels, float]:
    """The photo with no side above `longest`, and by how much it was scaled."""
    factor = min(1.0, longest / max(photo.shape[:2]))
    if factor == 1.0:
        return photo, 1.0
    size = max(1, round(photo.shape[1] * factor)), max(1, round(photo.shape[0] * factor))
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA), factor
