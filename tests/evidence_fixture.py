"""Evidence drawn from random scores whose truth is known, for everything that shows or stores evidence."""

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np

from mint_lightning.evidence import Estimate, PixelScores, RowEvidence, RowScores, ScoreSet, TableEvidence
from mint_lightning.evidence.table import weigh
from mint_lightning.evidence.types import HeadFigures
from mint_lightning.report.context import Context

# name, head, tap, and by how many standard deviations training photos score higher on the audited network
ROWS = (
    ("Vanilla conv1", "vanilla", "conv1", 0.0),
    ("Vanilla conv4", "vanilla", "conv4", 0.45),
    ("Vanilla outcome", "vanilla", "outcome", 0.05),
    ("CNN conv4", "cnn", "conv4", 0.9),
    ("Embedding norm", "score", "", -0.05),
    ("Flip agreement", "score", "", 0.6),
)


def score_set(
    seed: int, effect: float = 0.0, *, network: str = "demo", people: int = 400, photos: int = 5, unseen: bool = True
) -> ScoreSet:
    """Scores of `people` members and as many externals, half of them in calibrate; members score `effect` higher.

    Photos of one person share a part of their score. With unseen, every fourth member has two more photos that the
    network never saw and that score half as far up. Keys and people are the same for every seed.
    """
    rng = np.random.default_rng(seed)
    columns: dict[str, list] = {"member": [], "unseen": [], "identity": [], "split": [], "key": []}
    for number in range(2 * people):
        member = number < people
        extra = 2 if unseen and member and number % 4 == 0 else 0
        for photo in range(photos + extra):
            columns["member"].append(member and photo < photos)
            columns["unseen"].append(photo >= photos)
            columns["identity"].append(f"demo/person{number:04d}")
            columns["split"].append("calibrate" if number % 2 else "test")
            columns["key"].append(f"demo-{number:04d}-{photo}")
    arrays = {name: np.array(column) for name, column in columns.items()}
    shared = rng.normal(0.0, 0.5, 2 * people)[np.unique(arrays["identity"], return_inverse=True)[1]]
    lift = effect * (arrays["member"] + 0.5 * arrays["unseen"])
    return ScoreSet(score=lift + shared + rng.normal(0.0, 0.9, len(shared)), network=network, **arrays)


def row_scores(seed: int = 0, rows=ROWS, *, twins: int = 3, references: int = 0, **sizes) -> tuple[RowScores, ...]:
    """A table of rows as `ROWS` gives them, each with untrained twins and references that know nothing."""
    found = []
    for number, (name, head, tap, effect) in enumerate(rows):
        draw = seed * 10_000 + number * 100
        found.append(
            RowScores(
                name=name,
                head=head,
                tap=tap,
                seed=0,
                samples=0 if head == "score" else 4000,
                audited=score_set(draw, effect, **sizes),
                twins=tuple(score_set(draw + 1 + k, network=f"twin {k}", **sizes) for k in range(twins)),
                references=tuple(
                    score_set(draw + 50 + k, network=f"reference {k}", **sizes) for k in range(references)
                ),
                validate_auc=0.5 + effect / 4,
            )
        )
    return tuple(found)


@cache
def table_evidence(
    seed: int = 0,
    *,
    rows=ROWS,
    random_partition: bool = True,
    controls: bool = True,
    references: int = 0,
    people: int = 400,
) -> TableEvidence:
    """The table of `row_scores`, weighed beside two pixel heads; without controls nothing may be claimed."""
    scores = row_scores(seed, rows, twins=3 if controls else 0, references=references, people=people)
    pixels = [
        PixelScores(name, 0.5, score_set(900 + seed + k, network="pixels", people=people))
        for k, name in enumerate(("pixels", "statistics"))
    ]
    return weigh(scores, pixels if controls else (), random_partition=random_partition)


PLACES = ("conv1", "conv2", "conv3", "conv4", "outcome", "all conv")
SIZES = (1_000, 50_000, 100_000)


@cache
def grid_evidence(
    *, places=PLACES, sizes=SIZES, heads=("vanilla", "cnn"), seeds: int = 3, scores: bool = True
) -> TableEvidence:
    """A table of every place, size and head, figures drawn by rule from one weighed row: fast, and known.

    The deeper the place and the more the samples, the higher the AUC; CNN heads have none on the outcome.
    """
    base = table_evidence(4, rows=(("base", "vanilla", "conv1", 0.0), *ROWS[-2:]), people=400)
    rows = []
    for step, (place, head, size) in enumerate(product(places, heads, sizes)):
        if head == "cnn" and place == "outcome":
            continue
        lift = 0.012 * (places.index(place) - 2) * (1 + sizes.index(size)) + 0.02 * heads.index(head)
        rows.append(_lifted(base.rows[0], head, place, size, lift, seeds, step))
    return replace(base, rows=(*rows, *(base.rows[1:] if scores else ())), level=1 - 0.05 / (len(rows) + 2 * scores))


def _lifted(row: RowEvidence, head: str, place: str, size: int, lift: float, seeds: int, step: int) -> RowEvidence:
    """`row` at another place, its figures `lift` higher and of several seeds."""

    def moved(estimate: Estimate) -> Estimate:
        value = min(0.98, max(0.02, 0.5 + lift))
        return replace(estimate, value=value, low=value - 0.03, high=min(1.0, value + 0.03))

    def alone(role: str, network: str, seed: int, more: float) -> HeadFigures:
        auc = replace(row.auc, value=0.5 + more + 0.004 * seed)
        return HeadFigures(role, network, seed, 0.5 + more, auc, row.accuracy, None, (0.5, 0.5 + more))

    figures = [alone("audited", "demo", seed, lift) for seed in range(seeds)]
    figures += [alone("twin", f"twin {seed}", seed, 0.0) for seed in range(seeds)]
    excess = replace(row.excess, value=lift, low=lift - 0.03, high=lift + 0.03, p=0.5, p_holm=1.0, finds=False)
    if lift > 0.03:
        excess = replace(excess, p=1e-6, p_holm=1e-4, finds=True)
    title = {"vanilla": "Vanilla", "cnn": "CNN"}[head]
    return replace(
        row,
        name=f"{title} {place}, {size} images",
        head=head,
        tap=place,
        samples=size,
        auc=moved(row.auc),
        accuracy=moved(row.accuracy),
        excess=excess,
        validate_auc=0.5 + lift,
        heads=tuple(figures),
        roc=replace(row.roc, tpr=tuple(min(1.0, t ** (1 - min(0.9, 2 * lift)) if t else 0.0) for t in row.roc.tpr)),
    )


def null_evidence(seed: int = 1) -> TableEvidence:
    """A table in which there is nothing to find."""
    return table_evidence(seed, rows=tuple((name, head, tap, 0.0) for name, head, tap, _ in ROWS))


def context(**changes) -> Context:
    """A context in which every field is filled."""
    fields = {
        "title": "Demo table",
        "command": "python -m mint_lightning demo",
        "network": {
            "name": "iresnet_small",
            "architecture": "iresnet_small",
            "fingerprint": "c0ffee" * 10 + "abcd",
            "members": {"photos": 6000, "people": 2000},
        },
        "manifests": {"synthetic": "5eed" * 16},
        "seed": 0,
        "versions": {"python": "3.11.2", "torch": "2.15.0"},
        "date": "2026-11-23 08:00 UTC",
        "git_commit": "0123456789abcdef0123456789abcdef01234567",
        "seconds": {"pack": 21.4, "train the audited network": 118.0, "table": 64.2},
    }
    return Context(**(fields | changes))
