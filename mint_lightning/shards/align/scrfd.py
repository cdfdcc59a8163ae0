"""SCRFD (Guo et al., arXiv 2105.04714), from a file of the user; insightface's packs carry it for research use."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.shards.align.face import Face, Pixels, apart, largest_first
from mint_lightning.shards.align.model import OnnxDetector, scaled_down

SIZE = 640
STRIDES = (8, 16, 32)
ANCHORS = 2
OVERLAP = 0.4


class SCRFD(OnnxDetector):
    """Finds faces by anchors at three scales, in the photo fitted into 640 x 640 pixels, never enlarged.

    Raises:
        UserError: the file is not such a network with five points.
    """

    name = "scrfd"

    def __init__(self, path: Path, *, least_score: float = 0.5) -> None:
        super().__init__(path, least_score)
        if len(self.model.outputs) != 3 * len(STRIDES):
            raise UserError(
                f"The detector {path} has {len(self.model.outputs)} outputs, not the nine of an SCRFD with five points."
            )

    def input_of(self, photo: Pixels) -> tuple[NDArray[np.float32], float]:
        """The photo at the left upper corner of 640 x 640 pixels."""
        small, factor = scaled_down(photo, SIZE)
        blob = np.full((3, SIZE, SIZE), -127.5 / 128, np.float32)
        blob[:, : small.shape[0], : small.shape[1]] = (small.transpose(2, 0, 1).astype(np.float32) - 127.5) / 128
        return blob, factor

    def faces_of(self, outputs: list[NDArray[np.float32]], factor: float) -> list[Face]:
        """See `decode`. The files flatten their outputs without regard to photos: these come one at a time."""
        outputs = [each.reshape(-1, each.shape[-1]) for each in outputs]
        return decode(outputs[:3], outputs[3:6], outputs[6:], self.least_score, factor)


def decode(
    scores: list[NDArray[np.float32]],
    boxes: list[NDArray[np.float32]],
    points: list[NDArray[np.float32]],
    least_score: float,
    factor: float,
) -> list[Face]:
    """Faces from the outputs at strides 8, 16 and 32.

    scores (n, 1); boxes (n, 4): left, up, right and down from the anchor; points (n, 10): across and down from it; all
    in units of the stride, anchors row by row, two at each place. factor: by how much the photo was scaled.
    """
    found = []
    for stride, score, box, five in zip(STRIDES, scores, boxes, points, strict=True):
        side = SIZE // stride
        for place in np.flatnonzero(score[:, 0] >= least_score):
            row, column = divmod(int(place) // ANCHORS, side)
            anchor = np.array([column * stride, row * stride], np.float64)
            reach = box[place].astype(np.float64) * stride
            corners = np.concatenate([anchor - reach[:2], anchor + reach[2:]])
            where = anchor + five[place].astype(np.float64).reshape(5, 2) * stride
            found.append(Face(corners / factor, float(score[place, 0]), where / factor))
    return largest_first(apart(found, OVERLAP))
