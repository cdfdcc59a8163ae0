"""The same figures on parts of the test images: is it found everywhere, or only in a few?"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mint_lightning.errors import UserError
from mint_lightning.evidence.calibration import Decisions, counted, decide_at_fpr, unresolvable
from mint_lightning.evidence.comparison import bonferroni_level
from mint_lightning.evidence.estimates import Estimate, Slice
from mint_lightning.evidence.rates import clustered_rate
from mint_lightning.evidence.scoreset import Bools, ScoreSet, Texts
from mint_lightning.evidence.statistics import auc_interval

EXTERNAL_SET, PHOTOS = "external set", "photos per identity"
SIZES = (("1 photo", 1, 1), ("2 to 3 photos", 2, 3), ("4 to 9 photos", 4, 9), ("10 or more photos", 10, np.inf))
LEAST_IDENTITIES = 10
SLICE_FPR = 0.01


def slices(
    scores: ScoreSet, attributes: Mapping[str, ArrayLike] | None = None, *, level: float = 0.95
) -> tuple[Slice, ...]:
    """Figures of parts of the images that figures are of (`counted`): by external set, by photos per identity, and by
    each attribute.

    An external set stands against all members. Photos of an identity are those among the scored images. attributes:
    name -> (n,) text of each image, such as its class; one of another length raises `UserError`. The threshold is
    that of all images, so the rates say whom the one rule hits. Of a kind with one part only there is none, as it
    would repeat the row. The intervals of one kind hold together at `level` (Bonferroni over its parts that have
    figures). Fewer than ten identities of a class in a part: "too few" in place of figures.
    """
    decisions = None if unresolvable(scores, SLICE_FPR) else decide_at_fpr(scores, SLICE_FPR)
    found: list[Slice] = []
    for kind, parts in _kinds(scores, attributes or {}):
        if len(parts) < 2:
            continue
        enough = sum(not part.reason for part in parts)
        each = bonferroni_level(enough, level=level)
        found += [_slice(scores, decisions, kind, part, each) for part in parts]
    return tuple(found)


class _Part(NamedTuple):
    name: str
    rows: Bools
    members: int
    externals: int
    reason: str


def _part(scores: ScoreSet, name: str, rows: Bools) -> _Part:
    groups = rows & scores.member, rows & scores.external
    members, externals = (int(np.count_nonzero(np.bincount(scores.person[group]))) for group in groups)
    few, of = min((members, "members"), (externals, "externals"))
    people = "identity" if few == 1 else "identities"
    reason = f"too few: {few} {people} of {of}, {LEAST_IDENTITIES} needed" if few < LEAST_IDENTITIES else ""
    return _Part(name, rows, members, externals, reason)


def _kinds(scores: ScoreSet, attributes: Mapping[str, ArrayLike]) -> Iterator[tuple[str, list[_Part]]]:
    images = counted(scores)
    names = np.unique(scores.source[images & scores.external]).tolist()
    # A single set needs no masks: it is every image, and is passed over by the caller.
    sets = [images & (scores.member | (scores.source == name)) for name in names] if len(names) > 1 else []
    yield EXTERNAL_SET, [_part(scores, str(name), rows) for name, rows in zip(names, sets, strict=False)]
    size = np.bincount(scores.person[images], minlength=int(scores.person.max()) + 1)[scores.person]
    bands = [(name, images & (size >= low) & (size <= high)) for name, low, high in SIZES]
    yield PHOTOS, [_part(scores, name, rows) for name, rows in bands if rows.any()]
    for kind, values in attributes.items():
        column = _column(scores, kind, values)
        named = [(str(value), images & (column == value)) for value in np.unique(column[images])]
        yield kind, [_part(scores, name, rows) for name, rows in named]


def _column(scores: ScoreSet, kind: str, values: ArrayLike) -> Texts:
    column = np.asarray(values).astype(str)
    if column.shape != (len(scores),):
        raise UserError(
            f"The attribute {kind!r} has the shape {column.shape}, but there are {len(scores)} scores on "
            f"{scores.network!r}: give one value for each image."
        )
    return column


def _slice(scores: ScoreSet, decisions: Decisions | None, kind: str, part: _Part, level: float) -> Slice:
    rows, images = part.rows, int(np.count_nonzero(part.rows))
    if part.reason:
        return Slice(kind, part.name, images, part.members, part.externals, None, None, None, part.reason)

    def rate(group: Bools) -> Estimate | None:
        if decisions is None:
            return None
        return clustered_rate(decisions.passed[rows & group], scores.person[rows & group], level=level)

    area = auc_interval(scores.score[rows], scores.member[rows], scores.person[rows], level=level)
    tpr, fpr = rate(scores.member), rate(scores.external)
    return Slice(kind, part.name, images, part.members, part.externals, area, tpr, fpr)
