"""Where a face lies in a photo, as a matrix."""

import numpy as np


def moved(angle: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    """The matrix that brings the template to where a face shall be."""
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cosine, -sine, shift[0]], [sine, cosine, shift[1]]])


def applied(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]
