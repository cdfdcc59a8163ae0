"""Shares of images (TPR, FPR) and of identities, with intervals."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, stdtrit

from mint_lightning.errors import UserError
from mint_lightning.evidence.estimates import Estimate


def clopper_pearson(successes: float, trials: float, *, level: float = 0.95) -> tuple[float, float]:
    """Exact (low, high) of a binomial share (Clopper and Pearson, Biometrika 26, 1934).

    successes in [0, trials] need not be whole: effective sizes and shares are not. No trials know nothing: (0, 1).
    """
    if not 0.0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials")
    tail = (1.0 - level) / 2.0
    failures = trials - successes
    low = float(betaincinv(successes, failures + 1.0, tail)) if successes > 0 else 0.0
    high = float(betaincinv(successes + 1.0, failures, 1.0 - tail)) if failures > 0 else 1.0
    return low, high


def identity_codes(identity: ArrayLike) -> NDArray[np.int64]:
    """(n,) integers 0, 1, ... in order of first appearance, one per identity (text or integers)."""
    identity = np.asarray(identity)
    if identity.dtype.kind in "iu" and identity.ndim == 1:
        _, first, place = np.unique(identity, return_index=True, return_inverse=True)
        rank = np.empty(first.size, np.int64)
        rank[np.argsort(first)] = np.arange(first.size)
        return rank[place]
    table: dict = {}
    names = identity.tolist()
    return np.fromiter((table.setdefault(name, len(table)) for name in names), dtype=np.int64, count=len(names))


def effective(sizes: NDArray) -> float:
    """How many equally large identities (I,) identities of unequal sizes are worth (Kish): (sum)^2 / sum of squares."""
    total = float(sizes.sum())
    return total * total / float(sizes.astype(np.float64) @ sizes) if total else 0.0


def clustered_rate(flags: ArrayLike, identity: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Mean of (n,) flags (bool, or shares in [0, 1]), images counting equally, the interval clustered by identity.

    One image per identity: Clopper-Pearson. Several: Clopper-Pearson on the effective number of images p (1 - p) /
    variance, the variance being the delete-one-identity jackknife's (Korn and Graubard, Survey Methodology 24,
    1998), which keeps its coverage near 0 and 1 where a normal interval fails. Where that collapses (none or all, or
    no spread between identities): Clopper-Pearson with n = identities. No images raise `UserError`.
    """
    flags = np.asarray(flags, dtype=np.float64)
    code = identity_codes(identity)
    if flags.shape != code.shape or not flags.size:
        raise UserError(f"A rate needs one identity per image: there are {flags.size} images, {code.size} identities.")
    sizes = np.bincount(code)
    images, identities = int(flags.size), int(sizes.size)
    value = float(flags.mean())
    if images == identities and np.isin(flags, (0.0, 1.0)).all():
        low, high = clopper_pearson(round(value * images), images, level=level)
        return Estimate(value, low, high, images, identities, level, "Clopper-Pearson")
    spread = (np.bincount(code, weights=flags) - sizes * value) / np.maximum(1.0 - sizes / images, 1e-9)
    variance = float(spread @ spread) / images**2 * (1.0 - 1.0 / identities)
    if value in (0.0, 1.0) or variance < 1e-24:
        low, high = clopper_pearson(min(value, 1.0) * identities, identities, level=level)
        return Estimate(value, low, high, images, identities, level, "Clopper-Pearson, n = identities")
    tail = (1.0 + level) / 2.0
    penalty = stdtrit(images - 1, tail) / stdtrit(max(effective(sizes) - 1.0, 1.0), tail)
    size = min(value * (1.0 - value) / variance * float(penalty) ** 2, float(images))
    low, high = clopper_pearson(value * size, size, level=level)
    return Estimate(value, low, high, images, identities, level, "Clopper-Pearson on the effective number")


def identity_rate(flags: ArrayLike, identity: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Mean over identities of the share of their flagged images: each identity counts once, however many photos.

    The interval is Clopper-Pearson's with n = identities: shares in [0, 1] vary no more than coin flips of that mean.
    """
    flags = np.asarray(flags, dtype=np.float64)
    code = identity_codes(identity)
    if flags.shape != code.shape or not flags.size:
        raise UserError(f"A rate needs one identity per image: there are {flags.size} images, {code.size} identities.")
    shares = np.bincount(code, weights=flags) / np.bincount(code)
    low, high = clopper_pearson(min(float(shares.sum()), float(shares.size)), shares.size, level=level)
    method = "Clopper-Pearson, identities weighing equally"
    return Estimate(float(shares.mean()), low, high, int(flags.size), int(shares.size), level, method)
