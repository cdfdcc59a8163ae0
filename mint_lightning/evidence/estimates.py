"""Figures that carry their n and their interval: the parts that rows, controls and reports are made of."""

from dataclasses import dataclass

from mint_lightning.evidence.document import Document


@dataclass(frozen=True)
class Estimate(Document):
    """A figure that never travels alone: value, interval [low, high] at `level`, images, identities and the method."""

    value: float
    low: float
    high: float
    images: int
    identities: int
    level: float
    method: str


@dataclass(frozen=True)
class OperatingPoint(Document):
    """TPR at a false positive rate fixed on calibrate.

    threshold, tpr and realised_fpr (both on test) are None where `resolvable` is false, and `reason` then says why.
    Where cross-fitted, the threshold is the median of those of the folds.
    """

    fpr_target: float
    resolvable: bool
    threshold: float | None
    tpr: Estimate | None
    realised_fpr: Estimate | None
    reason: str = ""


@dataclass(frozen=True)
class Precision(Document):
    """How often an image that passes the threshold of `fpr_target` is a member's, where a share `prior` of those asked
    about are. `estimate` is bounded below only: its high is 1."""

    prior: float
    fpr_target: float
    estimate: Estimate


@dataclass(frozen=True)
class Epsilon(Document):
    """A lower bound on epsilon at `delta`, in nats, at the one-sided `level`: 0 where nothing better is shown.

    points: operating points tried; fpr_target: of the one that gave the bound, None where it is 0.
    """

    low: float
    delta: float
    level: float
    points: int
    fpr_target: float | None
    images: int
    identities: int


@dataclass(frozen=True)
class ReliabilityBin(Document):
    """Images of neighbouring probabilities: the mean predicted one, and the observed rate of members, both with the
    classes weighing equally."""

    predicted: float
    observed: Estimate


@dataclass(frozen=True)
class Reliability(Document):
    """How true the probabilities of a head are at a prior of one half.

    ece: expected calibration error over `bins`, which errs upwards; debiased: the same less its expected excess.
    """

    ece: Estimate
    debiased: float
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True)
class Slice(Document):
    """A part of the test images: AUC, and the rates at the threshold that calibrate sets for 1 % FPR on all images.

    kind: "external set", "photos per identity", or the name of an attribute; name: which part. Counts are those of the
    part. auc is None where an identity count is too small, which `reason` says; tpr and realised_fpr also where the
    rate is not resolvable.
    """

    kind: str
    name: str
    images: int
    member_identities: int
    external_identities: int
    auc: Estimate | None
    tpr: Estimate | None
    realised_fpr: Estimate | None
    reason: str = ""


@dataclass(frozen=True)
class LeftOut(Document):
    """How often an external set passes that nothing was fitted to or calibrated on, where 1 % of the others does.

    fpr is None, and `reason` says why, where the other sets are too few to set the threshold.
    """

    source: str
    fpr: Estimate | None
    reason: str = ""


@dataclass(frozen=True)
class Lead(Document):
    """A score that needs no fitting, the head that it beats (both best of their kind on validate), and by how much AUC
    on test; p is one-sided."""

    row: str
    over: str
    difference: Estimate
    p: float
