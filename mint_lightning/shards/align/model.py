"""An ONNX file of a detector, run by OpenCV on the processor; nothing is ever fetched."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.files import sha256_file
from mint_lightning.shards.align.face import Face, Pixels


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
        """All outputs for an input (B, 3, H, W), in the order of `outputs`."""
        self.net.setInput(blob)
        return list(self.net.forward(self.outputs))


class OnnxDetector(ABC):
    """A detector whose network is an ONNX file. Photos whose inputs have one size go through it together."""

    name: ClassVar[str]
    batch: ClassVar[int] = 1

    def __init__(self, path: Path, least_score: float) -> None:
        self.model = OnnxModel(path)
        self.fingerprint = self.model.fingerprint
        self.least_score = least_score

    def detect(self, photos: Sequence[Pixels]) -> list[list[Face]]:
        """Faces of each photo, uint8 (H, W, 3) RGB, the largest first."""
        inputs = [self.input_of(photo) for photo in photos]
        found: list[list[Face]] = [[] for _ in photos]
        sizes: dict[tuple[int, ...], list[int]] = {}
        for place, (blob, _) in enumerate(inputs):
            sizes.setdefault(blob.shape, []).append(place)
        for places in sizes.values():
            for start in range(0, len(places), self.batch):
                some = places[start : start + self.batch]
                outputs = self.model(np.stack([inputs[place][0] for place in some]))
                for number, place in enumerate(some):
                    own = [each.reshape(len(some), -1, *each.shape[1:])[number] for each in outputs]
                    found[place] = self.faces_of(own, inputs[place][1])
        return found

    @abstractmethod
    def input_of(self, photo: Pixels) -> tuple[NDArray[np.float32], float]:
        """The network's input (3, H, W), and by how much the photo was scaled for it."""

    @abstractmethod
    def faces_of(self, outputs: list[NDArray[np.float32]], factor: float) -> list[Face]:
        """The faces in the network's outputs for one photo, in its pixels."""


def scaled_down(photo: Pixels, longest: int) -> tuple[Pixels, float]:
    """The photo with no side above `longest`, and by how much it was scaled."""
    factor = min(1.0, longest / max(photo.shape[:2]))
    if factor == 1.0:
        return photo, 1.0
    size = max(1, round(photo.shape[1] * factor)), max(1, round(photo.shape[0] * factor))
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA), factor
