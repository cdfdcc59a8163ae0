"""Scores with known truth, for the tests of the evidence."""

from dataclasses import replace

import numpy as np

from mint_lightning.evidence import (
    Calibration,
    Claim,
    PixelScores,
    RowScores,
    ScoreSet,
    Verdict,
    error_rate,
    hit_rate,
    judge_p,
    posterior,
    weigh,
)


def clustered(
    generator: np.random.Generator,
    identities: int,
    *,
    shift: float = 0.0,
    correlation: float = 0.0,
    largest: int = 4,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(score, member, identity) of as many identities in each class: normal scores, members `shift` higher."""
    sizes = generator.integers(1, largest + 1, 2 * identities)
    identity = np.repeat(np.arange(2 * identities), sizes)
    member = identity < identities
    person = generator.standard_normal(2 * identities)[identity]
    photo = generator.standard_normal(identity.size)
    score = shift * member + correlation**0.5 * person + (1 - correlation) ** 0.5 * photo
    return score, member, identity


def score_set(
    generator: np.random.Generator,
    *,
    shift: float = 0.0,
    unseen_shift: float | None = None,
    identities: int = 200,
    photos: int = 2,
    sources: tuple[str, ...] = ("db",),
    network: str = "audited",
    out_of_fold: bool = False,
) -> ScoreSet:
    """Members and externals, `identities` of each and split in half, with one unseen photo of each member on test."""
    member = np.repeat(np.arange(2 * identities) < identities, photos)
    person = np.repeat(np.arange(2 * identities), photos)
    test = person % 2 == 0
    unseen = np.zeros(member.size, bool)
    score = generator.standard_normal(member.size) + shift * member
    if unseen_shift is not None:
        extra = np.arange(0, identities, 2)
        person, test = np.append(person, extra), np.append(test, np.ones(extra.size, bool))
        member, unseen = np.append(member, np.zeros(extra.size, bool)), np.append(unseen, np.ones(extra.size, bool))
        score = np.append(score, generator.standard_normal(extra.size) + unseen_shift)
    return ScoreSet(
        score=score,
        member=member,
        unseen=unseen,
        identity=np.array([f"{sources[each // 2 % len(sources)]}/p{each}" for each in person]),
        split=np.where(out_of_fold, "out-of-fold", np.where(test, "test", "calibrate")),
        key=np.array([f"image-{row:05d}" for row in range(score.size)]),
        network=network,
    )


def rescored(scores: ScoreSet, generator: np.random.Generator, network: str, shift: float = 0.0) -> ScoreSet:
    """The same images with other scores: what a control gives."""
    return replace(scores, score=generator.standard_normal(len(scores)) + shift * scores.member, network=network)


def table(
    seed=0, *, shift=1.0, control=0.0, rows=2, references=(), out_of_fold=False, identities=200, unseen=0.5, **options
):
    """(rows, pixel heads, evidence) of a table: the first row `shift` above noise, the others 0, controls `control`."""
    generator = np.random.default_rng(seed)
    base = score_set(
        generator, shift=shift, unseen_shift=unseen, identities=identities, photos=2, out_of_fold=out_of_fold
    )
    found = []
    for number in range(rows):
        audited = base if number == 0 else rescored(base, generator, "audited")
        found.append(
            RowScores(
                name=f"row {number}",
                head="vanilla" if number == 0 else "score",
                tap="conv4",
                seed=0,
                samples=1000,
                audited=audited,
                twins=tuple(rescored(base, generator, f"twin {k}", control) for k in range(3)),
                references=tuple(rescored(base, generator, f"reference {k}", s) for k, s in enumerate(references)),
                complement=rescored(base, generator, "complement", -shift),
                validate_auc=0.7 - 0.1 * number,
            )
        )
    pixels = [
        PixelScores(name, valid, rescored(base, generator, name, control))
        for name, valid in (("dct", 0.5), ("small", 0.6))
    ]
    options.setdefault("random_partition", True)
    return found, pixels, weigh(found, pixels, **options)


def counted(scores):
    """The images that the figures are of."""
    return (scores.split == "test") & ~scores.unseen


def judged(
    score: float, scores: ScoreSet, claim: Claim | None, *, alpha: float = 0.01, outside: bool = False
) -> Verdict:
    """The verdict on a photo of that score, with the rates that `scores` have."""
    calibration = Calibration.of(scores)
    error, hit = error_rate(scores, alpha=alpha), hit_rate(scores, alpha=alpha)
    known = posterior(0.01, hit, error) if hit is not None else None
    p = float(calibration.p_values([score])[0])
    return judge_p(p, calibration.floor, alpha, claim, error, outside=outside, posterior=known)
