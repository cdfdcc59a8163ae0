"""From five points to a face of one size: the similarity to a template, and one border for every photo."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from mint_lightning.errors import UserError
from mint_lightning.shards.align.face import Pixels
from mint_lightning.shards.image import BrokenImage

TEMPLATE_SIZE: Final = 112
TEMPLATE: Final = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where the five points lie in a face of 112 x 112 pixels, as ArcFace (Deng et al., CVPR 2019) and most networks since
have them."""

BORDERS: Final = {
    "replicated": cv2.BORDER_REPLICATE,
    "reflected": cv2.BORDER_REFLECT_101,
    "black": cv2.BORDER_CONSTANT,
}
"""What may fill the area outside a photo, and OpenCV's name of it."""

BORDER: Final = "replicated"
"""The default, for every photo alike: its outermost pixels drawn on. Black, as is usual, tells databases whose photos
are cut close from those with room around the face; a mirror image would show a part of the face twice."""

FARTHEST: Final = 13.0
"""Root mean square distance of the fitted points from the template, in pixels of 112, above which they are no face."""

LEAST_FACE: Final = 22.0
"""Side, in pixels of the photo, of the smallest face that is worth anything: eight pixels from eyes to mouth."""

OUTSIDE: Final = 1
"""Of the five points, how many may lie outside the photo."""


def similarity(points: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """(2, 3) matrix of the rotation, scale and shift that bring (n, 2) points nearest to (n, 2) targets.

    Least squares, without reflection (Umeyama, IEEE PAMI 13, 1991). Points in one place raise `UserError`.
    """
    points, target = np.asarray(points, np.float64), np.asarray(target, np.float64)
    if points.shape != target.shape or points.ndim != 2 or not np.isfinite(points).all():
        raise UserError(f"{points.shape} points cannot be laid on {target.shape}: give as many, all finite.")
    centre, middle = points.mean(axis=0), target.mean(axis=0)
    own, wanted = points - centre, target - middle
    spread = float((own**2).sum())
    if spread < 1e-12:
        raise UserError("All points lie in one place.")
    # In the plane, a rotation with a scale is a complex factor: no singular values are needed.
    factor = complex(float((own * wanted).sum()), float((own[:, 0] * wanted[:, 1] - own[:, 1] * wanted[:, 0]).sum()))
    a, b = factor.real / spread, factor.imag / spread
    turn = np.array([[a, -b], [b, a]])
    return np.column_stack([turn, middle - turn @ centre])


def align(
    photo: Pixels,
    points: ArrayLike,
    size: int = TEMPLATE_SIZE,
    *,
    border: str = BORDER,
    least_face: float = LEAST_FACE,
) -> Pixels:
    """uint8 (size, size, 3): the face of a photo, uint8 (H, W, 3) RGB, whose five points (5, 2) are brought to the
    template.

    border: one of `BORDERS`; least_face: side of the smallest face that is taken, in pixels of the photo.

    Where the face is shrunk to half or less, the photo is averaged down first: taking single pixels of a large photo
    would make it look sharper, and noisier, than a small photo of the same face.

    Raises:
        BrokenImage: the points cannot be those of a face.
    """
    points = np.asarray(points, np.float64)
    template = TEMPLATE * (size / TEMPLATE_SIZE)
    try:
        matrix = similarity(points, template)
    except UserError as error:
        raise BrokenImage(f"its face has no five points ({str(error).rstrip('.')})") from error
    left = points @ matrix[:, :2].T + matrix[:, 2] - template
    off = float(np.sqrt((left**2).sum(axis=1).mean())) * TEMPLATE_SIZE / size
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if off > FARTHEST:
        raise BrokenImage(f"the five points of its face lie {off:.0f} pixels of 112 from where a face has them")
    side = size / scale if scale > 0 else 0.0
    if side < least_face:
        raise BrokenImage(f"its face is {side:.0f} pixels wide, at least {least_face:g} are needed")
    inside = ((points >= -1) & (points <= np.array(photo.shape[1::-1]))).all(axis=1)
    if np.count_nonzero(~inside) > OUTSIDE:
        raise BrokenImage(f"{np.count_nonzero(~inside)} of the five points of its face lie outside the photo")
    shrink = int(1.0 / scale)
    if shrink >= 2:
        sides = max(1, round(photo.shape[1] / shrink)), max(1, round(photo.shape[0] / shrink))
        ratio = np.array(sides) / np.array(photo.shape[1::-1])
        photo = cv2.resize(photo, sides, interpolation=cv2.INTER_AREA)
        matrix = similarity((points + 0.5) * ratio - 0.5, template)
    return cv2.warpAffine(photo, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=BORDERS[border])
