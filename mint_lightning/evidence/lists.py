"""Answers about many people at once: which may be listed so that few of those listed are wrong."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mint_lightning.errors import UserError


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """(k,) adjusted p-values (q-values): of all with q <= f at most a share f is wrong, on average.

    Benjamini and Hochberg (JRSS B 57, 1995). It holds for p-values of one calibration set too, which depend on each
    other positively (Bates et al., Annals of Statistics 51, 2023). One p-value per person, not per photo.
    """
    p = np.asarray(p, dtype=np.float64)
    if not ((p >= 0.0) & (p <= 1.0)).all():
        raise UserError("A p-value must lie between 0 and 1.")
    order = np.argsort(p, kind="stable")[::-1]
    raw = p[order] * p.size / np.arange(p.size, 0, -1)
    adjusted = np.empty(p.size)
    adjusted[order] = np.minimum(np.minimum.accumulate(raw), 1.0)
    return adjusted
