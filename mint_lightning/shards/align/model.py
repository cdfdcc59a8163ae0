"""An ONNX file of a detector, run on the processor; nothing is ever fetched."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.files import sha256_file
from mint_lightning.shards.align.face import Pixels


class OnnxModel:
    """One session of onnxruntime.

    Raises:
        UserError: there is no such file, or it is no ONNX model.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        import onnxruntime

        if not path.is_file():
            raise UserError(f"There is no detector at {path}.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads  # its own choice would fight torch's threads for the cores
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises classes of its own, and RuntimeError, by what it stumbles over
            raise UserError(f"The detector {path} is no ONNX model that can be run.") from error
        self.fingerprint = sha256_file(path)
        self.input = self.session.get_inputs()[0].name
        self.outputs = [output.name for output in self.session.get_outputs()]

    def __call__(self, blob: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """All outputs for an input (1, 3, H, W)."""
        return list(self.session.run(self.outputs, {self.input: blob}))


def scaled_down(photo: Pixels, longest: int) -> tuple[Pixels, float]:
    """The photo with no side above `longest`, and by how much it was scaled."""
    factor = min(1.0, longest / max(photo.shape[:2]))
    if factor == 1.0:
        return photo, 1.0
    size = max(1, round(photo.shape[1] * factor)), max(1, round(photo.shape[0] * factor))
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA), factor
