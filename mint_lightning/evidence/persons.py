"""The p-value of several photos of one person: how rarely as many photos of an outsider score as high."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mint_lightning.errors import UserError
from mint_lightning.evidence.conformal import Calibration, CalibrationSet
from mint_lightning.evidence.document import Document
from mint_lightning.evidence.rates import identity_codes

SUBSAMPLES = 32


@dataclass(frozen=True)
class PersonP(Document):
    """What several photos of one person give.

    p; photos given; used: photos k of each comparison; identities: calibrating people with as many photos, of the
    external set that has fewest; floor: the smallest p that they allow, 1 / (identities + 1).
    """

    p: float
    photos: int
    used: int
    identities: int
    floor: float


class PersonCalibration:
    """Calibration externals by person, for p-values of people with any number of photos.

    A person's score is the mean over k photos. p is that of one photo (`conformal_p`) with subsamples of k photos in
    the place of photos: (1 + sum over identities with at least k photos of the share of their k-photo subsamples whose
    mean is at least s) / (K_k + 1), averaged over the given photos' own subsamples of k; the largest over the external
    sets. k is the largest number, up to that of the given photos, for which every set has the identities that alpha
    needs. All subsamples are taken where there are at most 32, else 32 that depend on the two numbers alone.

    With as many photos given as are used it is a conformal p-value. An average of dependent p-values need not be one;
    that it errs no more often than it says, on correlated photos as on independent ones, is shown by simulation
    (tests/slow): averaging draws p towards its mean, away from the small values that count.
    """

    def __init__(self, calibration: Calibration) -> None:
        self.sets = [_People(each) for each in calibration.sets]

    def k_for(self, photos: int, alpha: float) -> int:
        """The number of photos that are compared where `photos` are given: at least one."""
        if photos < 1:
            raise UserError("A person needs at least one photo.")
        enough = 1.0 / alpha - 1.0 - 1e-9
        found = [k for k in range(1, photos + 1) if all(people.count(k) >= enough for people in self.sets)]
        return max(found, default=1)

    def p(self, score: ArrayLike, alpha: float) -> PersonP:
        """The p-value of (m,) scores of m photos of one person, to be held against `alpha`."""
        given = np.asarray(score, dtype=np.float64)
        if given.ndim != 1 or not np.isfinite(given).all():
            raise UserError("The scores of a person's photos must be a list of finite numbers.")
        k = self.k_for(given.size, alpha)
        return self._mean(given[subsamples(given.size, k)].mean(axis=1), int(given.size), k)

    def mean_p(self, scores: ArrayLike) -> PersonP:
        """The same of (r,) scores of one person, each of a set of photos as each entry of the calibration is."""
        return self._mean(np.asarray(scores, dtype=np.float64), 1, 1)

    def _mean(self, means: NDArray[np.float64], photos: int, k: int) -> PersonP:
        p = max(float(people.p_values(means, k).mean()) for people in self.sets)
        identities = min(people.count(k) for people in self.sets)
        return PersonP(p, photos, k, identities, 1.0 / (identities + 1.0))


class _People:
    """One external set by person."""

    def __init__(self, calibration: CalibrationSet) -> None:
        code = identity_codes(calibration.identity)
        order = np.argsort(code, kind="stable")
        self.scores = np.split(calibration.score[order], np.cumsum(np.bincount(code))[:-1])
        self.sizes = np.array([len(own) for own in self.scores])
        self._means: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    def count(self, k: int) -> int:
        """Identities with at least k photos."""
        return int(np.count_nonzero(self.sizes >= k))

    def p_values(self, means: NDArray[np.float64], k: int) -> NDArray[np.float64]:
        """(r,) p-values of (r,) means of k photos."""
        levels, at_least = self._sorted(k)
        place = np.searchsorted(levels, means - _ROUNDING * np.abs(means), "left")
        return np.minimum((1.0 + at_least[place]) / (self.count(k) + 1.0), 1.0)

    def _sorted(self, k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Rising subsample means, and for each the weight, one per identity, of all from there on."""
        if k not in self._means:
            own = [s[subsamples(len(s), k)].mean(axis=1) for s in self.scores if len(s) >= k]
            weights = np.concatenate([np.full(len(means), 1.0 / len(means)) for means in own])
            means = np.concatenate(own)
            order = np.argsort(means, kind="stable")
            self._means[k] = means[order], np.append(np.cumsum(weights[order][::-1])[::-1], 0.0)
        return self._means[k]


_ROUNDING = 1e-12  # equal photos must tie, whatever the order in which they are summed


@lru_cache(maxsize=4096)
def subsamples(photos: int, k: int) -> NDArray[np.int64]:
    """(r, k) places of the subsamples of k out of `photos`: all of them, or 32 drawn from (photos, k) alone."""
    if comb(photos, k) <= SUBSAMPLES:
        return np.array(list(combinations(range(photos), k)), dtype=np.int64)
    generator = np.random.default_rng([photos, k])
    return np.stack([np.sort(generator.choice(photos, k, replace=False)) for _ in range(SUBSAMPLES)])
