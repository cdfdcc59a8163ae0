"""Whether an image lies outside what was calibrated on: then there is no answer, however high its score."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mint_lightning.errors import UserError
from mint_lightning.evidence.conformal import conformal_p

COMPONENTS = 128
LEVEL = 0.005
"""Share of photos like those calibrated on that is turned away: few, for each is a question left without an answer."""

_SINGLE = np.float32


@dataclass(frozen=True, eq=False)
class Novelty:
    """A Gaussian model of features of known photos, and how far photos of other people lie from it.

    mean, scale (d,): features are standardised first. components (r, d) float32: principal axes; variances (r,) along
    them; rest: variance along every other axis. distance (m,), identity (m,) int64: of the photos calibrated on.
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    components: NDArray[np.float32]
    variances: NDArray[np.float64]
    rest: float
    distance: NDArray[np.float64]
    identity: NDArray[np.int64]

    @classmethod
    def fit(
        cls, features: ArrayLike, calibration: ArrayLike, identity: ArrayLike, *, components: int = COMPONENTS
    ) -> "Novelty":
        """The model of (n, d) features, and the distances of (m, d) features of (m,) people who are not among them.

        The covariance is shrunk towards a multiple of the identity (Ledoit and Wolf, Journal of Multivariate Analysis
        88, 2004), so n may be below d; beyond the first `components` axes the variance is their mean, which keeps the
        model small enough to be handed on.
        """
        features, calibration = np.asarray(features, np.float64), np.asarray(calibration, np.float64)
        if features.ndim != 2 or len(features) < 2 or features.shape[1:] != calibration.shape[1:]:
            raise UserError(f"Features must be (n, d) and (m, d), not {features.shape} and {calibration.shape}.")
        if not (np.isfinite(features).all() and np.isfinite(calibration).all()):
            raise UserError("Some features are no finite numbers: photos cannot be compared by them.")
        mean, spread = features.mean(axis=0), features.std(axis=0)
        scale = np.where(spread > 1e-9 * (1.0 + np.abs(mean)), spread, 1.0)  # what never varies is compared as it is
        standard = (features - mean) / scale
        values, axes = np.linalg.eigh(standard.T @ standard / len(standard))
        values, axes = values[::-1].clip(min=0.0), axes[:, ::-1]
        shrinkage = ledoit_wolf_shrinkage(standard)
        shrunk = (1.0 - shrinkage) * values + shrinkage * values.mean()
        kept = min(components, len(shrunk))
        rest = float(shrunk[kept:].mean()) if kept < len(shrunk) else float(shrunk[-1])
        codes = np.unique(np.asarray(identity).astype(str), return_inverse=True)[1].astype(np.int64)
        model = cls(
            mean.astype(_SINGLE),
            scale.astype(_SINGLE),
            np.ascontiguousarray(axes[:, :kept].T.astype(_SINGLE)),
            shrunk[:kept],
            max(rest, 1e-12),
            np.zeros(len(calibration)),
            codes,
        )
        object.__setattr__(model, "distance", model.distances(calibration))
        return model

    def distances(self, features: ArrayLike) -> NDArray[np.float64]:
        """(b,) squared Mahalanobis distances of (b, d) features."""
        standard = (np.asarray(features, np.float64) - self.mean) / self.scale
        along = standard @ self.components.T.astype(np.float64)
        left = np.maximum((standard**2).sum(axis=1) - (along**2).sum(axis=1), 0.0)
        return (along**2 / np.maximum(self.variances, 1e-12)).sum(axis=1) + left / self.rest

    def p_values(self, features: ArrayLike) -> NDArray[np.float64]:
        """(b,) conformal p-values: how rarely a photo of somebody else, of those calibrated on, lies as far out."""
        return conformal_p(self.distances(features), self.distance, self.identity)

    def outside(self, features: ArrayLike, level: float = LEVEL) -> NDArray[np.bool_]:
        """(b,) whether each lies outside.

        With fewer identities than `level` needs, only what lies beyond every photo calibrated on is outside.
        """
        return rarely_as_low(-self.distances(features), -self.distance, self.identity, level)


def rarely_as_low(values: ArrayLike, known: ArrayLike, identity: ArrayLike, level: float = LEVEL) -> NDArray[np.bool_]:
    """(b,) whether each of (b,) values is lower than all but a share `level` of (m,) known ones of (m,) people.

    With fewer people than `level` needs, only what is below every known value.
    """
    floor = 1.0 / (np.unique(np.asarray(identity)).size + 1.0)
    p = conformal_p(-np.asarray(values, np.float64), -np.asarray(known, np.float64), identity)
    return p <= max(level, floor * (1.0 + 1e-9))


def ledoit_wolf_shrinkage(features: NDArray[np.float64]) -> float:
    """The weight in [0, 1] of the multiple of the identity, for (n, d) centred features (Ledoit and Wolf, 2004)."""
    count, width = features.shape
    squares = features**2
    gram = features @ features.T if count < width else features.T @ features
    mean = squares.sum() / (count * width)
    total = float((gram**2).sum()) / count**2
    spread = (float((squares.sum(axis=1) ** 2).sum()) / count - total) / count
    distance = total - width * mean**2
    return float(min(max(spread, 0.0), distance) / distance) if distance > 0.0 else 0.0
