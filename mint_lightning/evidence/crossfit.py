"""Folds for small databases: every image gets one score from a head that never saw its person."""

import hashlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mint_lightning.errors import UserError
from mint_lightning.evidence.rates import identity_codes


def folds(source: ArrayLike, identity: ArrayLike, member: ArrayLike, k: int = 5, seed: int = 0) -> NDArray[np.int64]:
    """(n,) fold numbers 0..k-1 of (n,) images; all images of one (source, identity) lie in one fold.

    Within each source and class the folds are dealt evenly by images: largest identities first, each to the fold that
    has the fewest images of its kind so far, equals ordered by a hash with the seed. So the folds do not depend on
    the order of the images. Fewer than k identities of a class raise `UserError`.
    """
    source, identity = np.asarray(source).astype(str), np.asarray(identity).astype(str)
    member = np.asarray(member, dtype=bool)
    if not source.shape == identity.shape == member.shape:
        raise UserError(
            f"Folds need one source, identity and label per image, not {source.size}, {identity.size}, {member.size}."
        )
    code = identity_codes(np.char.add(np.char.add(source, "\0"), identity)) if source.size else identity_codes(source)
    total = int(code.max(initial=-1)) + 1
    members = np.bincount(code[member], minlength=total)
    sizes = np.bincount(code, minlength=total)
    for name, count in (("members", np.count_nonzero(members)), ("externals", np.count_nonzero(sizes - members))):
        if count < k:
            raise UserError(f"{k} folds need at least {k} identities of each class, but the {name} have {count}.")
    first = np.unique(code, return_index=True)[1]
    kind = [(source[row], members[each] > 0, members[each] < sizes[each]) for each, row in enumerate(first)]
    order = sorted(
        range(total), key=lambda each: (-sizes[each], _hash(str(source[first[each]]), str(identity[first[each]]), seed))
    )
    images = np.zeros(k, np.int64)
    dealt: dict = {}
    place = np.empty(total, np.int64)
    for each in order:
        own = dealt.setdefault(kind[each], np.zeros(k, np.int64))
        place[each] = np.lexsort((np.arange(k), images, own))[0]
        own[place[each]] += sizes[each]
        images[place[each]] += sizes[each]
    return place[code]


def _hash(source: str, identity: str, seed: int) -> bytes:
    return hashlib.sha256("\0".join(("fold", str(seed), source, identity)).encode()).digest()
