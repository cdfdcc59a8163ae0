"""The p-value of one image: how rarely an outsider scores as high."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mint_lightning.errors import UserError
from mint_lightning.evidence.document import Document
from mint_lightning.evidence.rates import identity_codes
from mint_lightning.evidence.scoreset import ScoreSet


@dataclass(frozen=True, eq=False)
class CalibrationSet(Document):
    """Scores of one external set in calibrate: score (n,) float64, identity (n,) text."""

    name: str
    score: NDArray[np.float64]
    identity: NDArray[np.str_]

    def __post_init__(self) -> None:
        object.__setattr__(self, "score", np.asarray(self.score, dtype=np.float64))
        object.__setattr__(self, "identity", np.asarray(self.identity).astype(str))
        if not self.score.size or self.score.shape != self.identity.shape:
            raise UserError(f"The external set {self.name!r} needs one identity for each of its calibration scores.")
        if not np.isfinite(self.score).all():
            raise UserError(f"The external set {self.name!r} has calibration scores that are no finite numbers.")

    @property
    def identities(self) -> int:
        """K, the identities that calibrate."""
        return int(identity_codes(self.identity).max()) + 1


@dataclass(frozen=True, eq=False)
class Calibration(Document):
    """What an auditor keeps of calibrate to judge one image: the externals' scores, one set per external database."""

    sets: tuple[CalibrationSet, ...]

    @classmethod
    def of(cls, scores: ScoreSet) -> "Calibration":
        """The externals of calibrate (all of them where cross-fitted), by source."""
        rows = scores.where(scores.external & (scores.split != "test"))
        if not len(rows):
            raise UserError(
                f"The scores on {scores.network!r} hold no externals in calibrate: no p-value can be given."
            )
        source = rows.source
        return cls(
            tuple(
                CalibrationSet(str(name), rows.score[source == name], rows.identity[source == name])
                for name in np.unique(source)
            )
        )

    @property
    def floor(self) -> float:
        """The smallest p-value that can be reached: 1 / (K + 1) of the set with the fewest identities."""
        return max(1.0 / (each.identities + 1.0) for each in self.sets)

    def p_values(self, score: ArrayLike) -> NDArray[np.float64]:
        """(n,) p-values of (n,) scores: the largest over the external sets, so that none of them excuses the image."""
        return np.max([conformal_p(score, each.score, each.identity) for each in self.sets], axis=0)

    def without(self, name: str) -> "Calibration":
        """The calibration with one external set left out."""
        return Calibration(tuple(each for each in self.sets if each.name != name))


def conformal_p(score: ArrayLike, calibration: ArrayLike, identity: ArrayLike) -> NDArray[np.float64]:
    """(n,) conformal p-values of (n,) scores against (m,) calibration externals with (m,) identities.

    p = (1 + sum over identities of the share of their images scoring at least s) / (K + 1), so that K identities, not
    their images, are what a new person is exchangeable with. Ties count against the image.
    """
    calibration = np.asarray(calibration, dtype=np.float64)
    code = identity_codes(identity)
    if calibration.shape != code.shape or not code.size:
        raise UserError(f"There are {calibration.size} calibration scores but {code.size} identities: one of each.")
    wanted = np.asarray(score, dtype=np.float64)
    if not np.isfinite(wanted).all():
        raise UserError("A score is not a finite number: no p-value can be given for it.")
    sizes = np.bincount(code)
    order = np.argsort(calibration)
    at_least = np.append(np.cumsum((1.0 / sizes[code[order]])[::-1])[::-1], 0.0)
    place = np.searchsorted(calibration[order], wanted, "left")
    return np.minimum((1.0 + at_least[place]) / (sizes.size + 1.0), 1.0)  # sums of shares may round above 1
