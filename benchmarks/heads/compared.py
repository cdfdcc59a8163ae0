"""One row of a finished table against another on the same photos, from the scores behind them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from benchmarks.heads.parts import Table
from datamodules import Faces
from mint_lightning.audited import NetworkSource
from mint_lightning.evidence import Difference, Estimate, ScoreSet, auc_difference
from mint_lightning.evidence.calibration import counted, decide_at_fpr
from mint_lightning.learning.rings import Rings
from mint_lightning.report.scores import read_audited


def scores_of(table: Table, row: str) -> ScoreSet:
    """Scores of a row on the network that was audited."""
    return read_audited(table.folder / "scores.parquet", row)


def gap(own: ScoreSet, other: ScoreSet, name: str) -> Difference:
    """AUC of `own` less that of `other` on the images that count and that both have, paired, clustered by identity."""
    own = own.where(counted(own))
    values = aligned(other, own.key)
    return auc_difference(own.score, [values], own.member, own.identity, name=name)


def aligned(scores: ScoreSet, keys: NDArray[np.str_]) -> NDArray[np.float64]:
    """Scores of `keys`, in their order."""
    order = np.argsort(scores.key)
    place = np.searchsorted(scores.key[order], keys)
    assert (scores.key[order][np.minimum(place, len(order) - 1)] == keys).all(), "a photo has no score in the other row"
    return scores.score[order][place]


def over_sets(single: ScoreSet, sets: ScoreSet, photos: int, shards: Path, card: Path) -> ScoreSet:
    """A row of one photo as a row of several: its mean score over the very photos of each set of `sets`."""
    data = Faces(str(shards), NetworkSource(card=str(card)))
    rings = Rings.of(data, np.arange(len(data.keys)))
    names = data.keys.key[:]
    order = np.argsort(names)
    sets = sets.where(~sets.unseen)
    rows = order[np.searchsorted(names[order], sets.key)]
    values = [aligned(single, names[rings.beside(rows, step) if step else rows]) for step in range(photos)]
    return ScoreSet(
        score=np.mean(values, axis=0),
        member=sets.member,
        unseen=sets.unseen,
        identity=sets.identity,
        split=sets.split,
        key=sets.key,
        network=sets.network,
        fold=sets.fold,
    )


def tpr_gap(own: ScoreSet, other: ScoreSet, fpr: float, *, level: float = 0.95) -> Estimate:
    """TPR of `own` less that of `other`, each at its own threshold for `fpr`, on the members that both judge.

    The interval is Student's over identities, from each identity's sum of differences (delete-one jackknife).
    """
    first, second = decide_at_fpr(own, fpr), decide_at_fpr(other, fpr)
    assert (own.key == other.key).all()
    rows = first.judged & second.judged & own.member
    each = first.passed[rows].astype(float) - second.passed[rows]
    code = np.unique(own.identity[rows], return_inverse=True)[1]
    sizes, value = np.bincount(code), float(each.mean())
    spread = (np.bincount(code, weights=each) - sizes * value) / (len(each) - sizes)
    people = len(sizes)
    error = float(np.sqrt((people - 1) / people * (spread**2).sum()))
    reach = float(stdtrit(people - 1, (1 + level) / 2)) * error
    return Estimate(value, value - reach, value + reach, len(each), people, level, "paired, jackknife by identity")
