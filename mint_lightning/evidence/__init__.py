"""Scores to what they prove: pure functions on numpy arrays, frozen dataclasses out."""

from mint_lightning.evidence.aside import LeftOutScores
from mint_lightning.evidence.calibration import FPR_TARGETS, accuracy_threshold, counted, fpr_threshold, operating_point
from mint_lightning.evidence.comparison import Difference, auc_difference, bonferroni_level, excess, holm
from mint_lightning.evidence.conformal import Calibration, CalibrationSet, conformal_p
from mint_lightning.evidence.controls import PixelScores
from mint_lightning.evidence.crossfit import folds
from mint_lightning.evidence.epsilon import epsilon_bound
from mint_lightning.evidence.estimates import Epsilon, Lead, LeftOut, Precision, Reliability, ReliabilityBin, Slice
from mint_lightning.evidence.heads import HeadScores
from mint_lightning.evidence.lists import benjamini_hochberg
from mint_lightning.evidence.outcome import Claim, Outcome
from mint_lightning.evidence.passing import ErrorRate, error_rate, hit_rate
from mint_lightning.evidence.persons import PersonCalibration, PersonP
from mint_lightning.evidence.posterior import Posterior, posterior
from mint_lightning.evidence.precision import PRIORS, precision
from mint_lightning.evidence.rates import clopper_pearson, clustered_rate, identity_rate
from mint_lightning.evidence.reliability import reliability
from mint_lightning.evidence.rowscores import RowScores
from mint_lightning.evidence.scores import agreement, embedding_norm
from mint_lightning.evidence.scoreset import ScoreSet
from mint_lightning.evidence.slices import slices
from mint_lightning.evidence.statistics import auc, auc_interval, balanced_accuracy, bootstrap_auc
from mint_lightning.evidence.table import weigh
from mint_lightning.evidence.types import (
    ControlEvidence,
    Curve,
    Estimate,
    Excess,
    GroupSize,
    HeadFigures,
    Histogram,
    OperatingPoint,
    ReferenceTest,
    RowEvidence,
    TableEvidence,
)
from mint_lightning.evidence.verdict import Verdict, judge_p

__all__ = [
    "FPR_TARGETS",
    "PRIORS",
    "Calibration",
    "CalibrationSet",
    "Claim",
    "ControlEvidence",
    "Curve",
    "Difference",
    "Epsilon",
    "ErrorRate",
    "Estimate",
    "Excess",
    "GroupSize",
    "HeadFigures",
    "HeadScores",
    "Histogram",
    "Lead",
    "LeftOut",
    "LeftOutScores",
    "OperatingPoint",
    "Outcome",
    "PersonCalibration",
    "PersonP",
    "PixelScores",
    "Posterior",
    "Precision",
    "ReferenceTest",
    "Reliability",
    "ReliabilityBin",
    "RowEvidence",
    "RowScores",
    "ScoreSet",
    "Slice",
    "TableEvidence",
    "Verdict",
    "accuracy_threshold",
    "agreement",
    "auc",
    "auc_difference",
    "auc_interval",
    "balanced_accuracy",
    "benjamini_hochberg",
    "bonferroni_level",
    "bootstrap_auc",
    "clopper_pearson",
    "clustered_rate",
    "conformal_p",
    "counted",
    "embedding_norm",
    "epsilon_bound",
    "error_rate",
    "excess",
    "folds",
    "fpr_threshold",
    "hit_rate",
    "holm",
    "identity_rate",
    "judge_p",
    "operating_point",
    "posterior",
    "precision",
    "reliability",
    "slices",
    "weigh",
]
