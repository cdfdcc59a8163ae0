"""A whole table weighed: every row beside its controls, every figure with its interval, and the claim."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from mint_lightning.errors import UserError
from mint_lightning.evidence.aside import left_out_rate, permuted_auc
from mint_lightning.evidence.calibration import FPR_TARGETS, counted, decide_by_accuracy, operating_point
from mint_lightning.evidence.claim import row_claim, table_claim
from mint_lightning.evidence.comparison import bonferroni_level, excess, holm
from mint_lightning.evidence.controls import REFERENCE_ALPHA, Comparison, PixelScores, aligned, compare
from mint_lightning.evidence.curves import histogram, roc_curve
from mint_lightning.evidence.epsilon import epsilon_bound
from mint_lightning.evidence.heads import figures_of
from mint_lightning.evidence.lead import score_lead
from mint_lightning.evidence.outcome import Claim
from mint_lightning.evidence.precision import precisions
from mint_lightning.evidence.reliability import reliability
from mint_lightning.evidence.rowscores import RowScores
from mint_lightning.evidence.scoreset import Bools, ScoreSet, Texts
from mint_lightning.evidence.slices import slices
from mint_lightning.evidence.statistics import auc_interval, balanced_accuracy
from mint_lightning.evidence.types import Estimate, GroupSize, ReferenceTest, RowEvidence, TableEvidence
from mint_lightning.evidence.words import FACES, checked_subject


def weigh(
    rows: Sequence[RowScores],
    pixels: Sequence[PixelScores] = (),
    *,
    random_partition: bool,
    partition_declared: bool = False,
    no_claim: str | None = None,
    attributes: Mapping[str, Mapping[str, str]] | None = None,
    subject: str = FACES,
) -> TableEvidence:
    """The evidence of a table of rows on one audited network.

    Each row stands beside the pixel head with the best validate AUC, the mean of its twins, and each reference. Holm's
    adjustment runs over the rows that have controls; the intervals shown hold together over all rows.
    random_partition: members and externals are random identity partitions of one shard set and the partition's hash
    is in the network's card; partition_declared: only the user says so; no_claim: why nothing may be claimed whatever
    the figures, where that is so; attributes: name -> image key -> value, such as the class: parts of the images to
    slice by, beside external sets and photos per identity; subject: what the photos show, "faces" or "objects": then an
    identity is a photo or a track, never a person, and the words say so.

    No row, two rows of one name, one class only, or a control or an attribute that lacks an image of its row raise
    `UserError`.
    """
    names = [row.name for row in rows]
    if not names:
        raise UserError("A table needs at least one row of scores.")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"Two rows are named {twice!r}: every row needs a name of its own.")
    level = bonferroni_level(len(rows))
    compared = [compare(row, pixels, level) for row in rows]
    adjusted = _over_rows([each.p if each.terms else None for each in compared])
    tests = _adjust_tests([each.reference_test for each in compared])
    claim_of = partial(
        row_claim,
        random_partition=random_partition,
        partition_declared=partition_declared,
        no_claim=no_claim,
        subject=checked_subject(subject),
    )
    weighed = tuple(
        _weigh_row(
            row,
            comparison,
            p_holm,
            test,
            level,
            claim_of,
            _columns(row.audited, attributes or {}),
        )
        for row, comparison, p_holm, test in zip(rows, compared, adjusted, tests, strict=True)
    )
    largest = max(rows, key=lambda row: len(row.audited))
    audited = largest.audited
    return TableEvidence(
        rows=weighed,
        claim=table_claim(weighed, subject),
        groups=_groups(audited, largest.photos),
        external_sets=tuple(np.unique(audited.source[audited.external]).tolist()),
        level=level,
        random_partition=random_partition,
        partition_declared=partition_declared,
        no_claim=no_claim,
        lead=score_lead(rows),
        subject=subject,
        pixel_heads=tuple(figures_of(head, control.scores) for control in pixels for head in control.heads),
    )


def _weigh_row(
    row: RowScores,
    comparison: Comparison,
    p_holm: float | None,
    test: ReferenceTest | None,
    level: float,
    claim_of: Callable[..., Claim],
    attributes: Mapping[str, Texts],
) -> RowEvidence:
    scores, images = row.audited, counted(row.audited)
    figured = scores.score[images], scores.member[images], scores.person[images]
    auc = auc_interval(*figured, level=level)
    operating = tuple(operating_point(scores, fpr, level=level) for fpr in FPR_TARGETS)
    decisions = decide_by_accuracy(scores)
    above = None
    if comparison.terms:
        above = excess(comparison.terms, chance=comparison.chance, p_holm=p_holm, not_run=comparison.not_run)
    unseen, photo = _unseen_auc(scores, level), _photo_auc(scores, level)
    judged = scores.split != "calibrate"
    return RowEvidence(
        name=row.name,
        head=row.head,
        tap=row.tap,
        seed=row.seed,
        samples=row.samples,
        network=scores.network,
        validate_auc=row.validate_auc,
        cross_fitted=scores.cross_fitted,
        auc=auc,
        accuracy=_accuracy(scores, images, decisions.passed, level),
        accuracy_logit0=_accuracy(scores, images, scores.score >= 0.0, level) if row.has_logit else None,
        threshold=decisions.threshold,
        operating=operating,
        precision=precisions(operating),
        epsilon=epsilon_bound(scores, level=level),
        reliability=reliability(*figured, level=level) if row.has_logit else None,
        slices=slices(scores, attributes, level=level),
        controls=comparison.controls,
        excess=above,
        reference_test=test,
        unseen_auc=unseen,
        photo_auc=photo,
        complement_auc=_complement_auc(row, level),
        roc=roc_curve(*figured, level=level),
        histogram=histogram(scores.score[judged], scores.member[judged], scores.unseen[judged]),
        claim=claim_of(row.name, auc, above, test, unseen_auc=unseen, photo_auc=photo),
        heads=tuple(figures_of(head, scores) for head in row.heads),
        permuted_auc=permuted_auc(row.permuted, level),
        left_out=tuple(left_out_rate(each, level) for each in row.left_out),
        photos=row.photos,
    )


def _columns(scores: ScoreSet, attributes: Mapping[str, Mapping[str, str]]) -> dict[str, Texts]:
    """Attributes by key as (n,) columns of the images of `scores`."""
    columns = {}
    for name, values in attributes.items():
        if missing := [key for key in scores.key.tolist() if key not in values]:
            raise UserError(
                f"The attribute {name!r} lacks {len(missing)} of {len(scores)} images, {missing[0]!r} first."
            )
        columns[name] = np.array([values[key] for key in scores.key.tolist()], dtype=str)
    return columns


def _over_rows(p_values: list[float | None]) -> list[float | None]:
    """Holm's adjustment of the rows that were tested; the others stay None."""
    adjusted = iter(holm([p for p in p_values if p is not None]).tolist())
    return [None if p is None else next(adjusted) for p in p_values]


def _adjust_tests(tests: list[ReferenceTest | None]) -> list[ReferenceTest | None]:
    adjusted = _over_rows([None if test is None else test.p for test in tests])
    return [
        None if test is None or p is None else replace(test, p_holm=p, passes=p < REFERENCE_ALPHA)
        for test, p in zip(tests, adjusted, strict=True)
    ]


def _accuracy(scores: ScoreSet, images: Bools, passed: Bools, level: float) -> Estimate:
    return balanced_accuracy(passed[images], scores.member[images], scores.person[images], 0.5, level=level)


def _unseen_auc(scores: ScoreSet, level: float) -> Estimate | None:
    """Unseen photos of test people against test externals."""
    rows = (scores.split != "calibrate") & ~scores.member
    if not (rows & scores.unseen).any():
        return None
    return auc_interval(scores.score[rows], scores.unseen[rows], scores.person[rows], level=level)


def _photo_auc(scores: ScoreSet, level: float) -> Estimate | None:
    """Training photos against unseen photos of the test people who have both: the same ones on either side."""
    judged = scores.split != "calibrate"
    both = np.intersect1d(scores.person[judged & scores.unseen], scores.person[judged & scores.member])
    rows = judged & ~scores.external & np.isin(scores.person, both)
    if not rows.any():
        return None
    return auc_interval(scores.score[rows], scores.member[rows], scores.person[rows], level=level)


def _complement_auc(row: RowScores, level: float) -> Estimate | None:
    if row.complement is None:
        return None
    audited = row.audited.where(~row.audited.unseen)
    scores = aligned(row.complement, audited, f"the complement of the row {row.name!r}")
    images = counted(scores)
    return auc_interval(scores.score[images], scores.member[images], scores.person[images], level=level)


def _groups(scores: ScoreSet, photos: int) -> tuple[GroupSize, ...]:
    """n by split and group; `photos` is how many each score is of."""
    groups = {"members": scores.member, "externals": scores.external, "unseen": scores.unseen}
    sizes = []
    for split in ("calibrate", "test", "out-of-fold"):
        for name, group in groups.items():
            identities = scores.person[group & (scores.split == split)]
            if identities.size:
                sizes.append(GroupSize(name, split, int(identities.size) * photos, int(np.unique(identities).size)))
    return tuple(sizes)
