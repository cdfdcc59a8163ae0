"""Heads that were fitted on one network and score another of its form unchanged, at the threshold of the first."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.heads.parts import FRESH_CARDS, FRESH_SHARDS, TABLES
from benchmarks.lfw.parts import CARDS, SHARDS
from datamodules import Faces
from mint_lightning.audited import NetworkSource
from mint_lightning.auditor import Auditor, load_auditor
from mint_lightning.evidence import Estimate, auc_interval, clustered_rate, fpr_threshold
from mint_lightning.heads import of_one
from mint_lightning.learning.collect import score_set
from mint_lightning.learning.rings import Rings
from mint_lightning.learning.rows import slug
from mint_lightning.learning.stored import StoredAAD

STORE = Path("mlruns/activations")
TARGETS = (0.05, 0.01)


@dataclass(frozen=True)
class Carried:
    """A head of the network `fitted` on `scored`: AUC on its people of test, and what passes the threshold at `target`
    that the first network's outsiders of calibrate set, (TPR, FPR) by target; None where these are too few."""

    row: str
    fitted: str
    scored: str
    own: Estimate
    auc: Estimate
    passing: dict[float, tuple[Estimate, Estimate] | None]


def carry(rows: list[str]) -> Iterator[Carried]:
    """Every row both ways, within the development pair and within the fresh one."""
    for shards, (one, two) in ((SHARDS, CARDS.items()), (FRESH_SHARDS, FRESH_CARDS.items())):
        for (fitted, _), (scored, card) in ((one, two), (two, one)):
            for row in rows:
                auditor = load_auditor(TABLES / f"transfer_{fitted}" / "auditors" / slug(row))
                yield _carried(auditor, row, fitted, scored, Faces(str(shards), NetworkSource(card=str(card))))


def _carried(auditor: Auditor, row: str, fitted: str, scored: str, data: Faces) -> Carried:
    requests = of_one(auditor.card.requests)
    stored = StoredAAD.open(STORE, data.network, requests, data.keys, data.manifest.hash)
    rows, photos = data.rows("test"), auditor.card.set_size
    rings = Rings.of(data, stored.rows)
    judged = rings.one_each(rows, photos)
    sets = np.stack([rings.beside(judged, step) if step else judged for step in range(photos)], axis=1)
    places, inverse = np.unique(sets, return_inverse=True)
    aad = stored.take(places)["audited"]
    scores = auditor.score_sets({(view, tap): aad[view][tap] for view, tap in requests}, inverse.reshape(sets.shape))
    there = score_set(data, judged, scores, data.network.name)
    first, own = auditor.calibration, auditor.scores.where(auditor.scores.split == "test")
    own = own.where(~own.unseen)
    passing: dict[float, tuple[Estimate, Estimate] | None] = {}
    for target in TARGETS:
        outsiders = first.score[first.external]
        if len(outsiders) < 10 / target:
            passing[target] = None
            continue
        over = there.score >= fpr_threshold(outsiders, target)
        rates = [clustered_rate(over[side], there.identity[side]) for side in (there.member, there.external)]
        passing[target] = rates[0], rates[1]
    return Carried(
        row=row,
        fitted=fitted,
        scored=scored,
        own=auc_interval(own.score, own.member, own.identity),
        auc=auc_interval(there.score, there.member, there.identity),
        passing=passing,
    )
