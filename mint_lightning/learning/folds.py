"""Which images a head learns from, is chosen on and scores: the four splits once, or identity-grouped folds."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.evidence import folds as identity_folds
from mint_lightning.learning.membership import Membership, Rows
from mint_lightning.shards import KeyList, uniform

VALIDATE_SHARE = 1 / 8


@dataclass(frozen=True)
class Fold:
    """Rows of the key list by use; no identity is in two of them. `number` is None with the four splits."""

    number: int | None
    fit: Rows
    validate: Rows
    scored: Rows


class SplitData(Protocol):
    """What a DataModule tells of its rows."""

    keys: KeyList
    member: NDArray[np.bool_]
    groups: Membership

    def rows(self, *splits: str) -> Rows: ...


def make_folds(data: SplitData, count: int, seed: int) -> list[Fold]:
    """One fold made of the four splits (`count` 0), or `count` folds that between them score every image once.

    Unseen photos are never in fit or validate. With the splits, those of test identities are scored; with folds, all
    of them, each by the head that learnt nothing of that person.
    """
    if count == 0:
        unseen = data.groups.unseen[data.keys.split[data.groups.unseen] == "test"]
        scored = np.sort(np.concatenate([data.rows("calibrate", "test"), unseen]))
        return [Fold(None, data.rows("fit"), data.rows("validate"), scored)]
    if data.groups.no_claim is not None:
        raise UserError(f"folds keep identities apart, but {data.groups.no_claim}: use one or the other.")
    if count < 2:
        raise UserError(f"folds is {count}; it must be 0 (the four splits) or at least 2.")
    used = data.groups.used
    keys = data.keys
    number = identity_folds(keys.source[used], keys.identity[used], data.member[used], k=count, seed=seed)
    is_unseen = np.isin(used, data.groups.unseen)
    people = np.char.add(np.char.add(keys.source[used], "/"), keys.identity[used])
    names, code = np.unique(people, return_inverse=True)
    draws = np.array([uniform("validate", name, seed=seed) for name in names])
    member = data.member[used]
    found = []
    for fold in range(count):
        learn = (number != fold) & ~is_unseen
        validate = np.zeros(len(used), bool)
        for kind in (member, ~member):
            of_kind = np.unique(code[learn & kind])
            if len(of_kind) < 2:
                raise UserError(
                    f"There are too few identities for {count} folds: fold {fold} has one class to validate on."
                )
            # A share of the people and at least one, whom the hash decides: in a small set each alone could draw none.
            chosen = of_kind[np.argsort(draws[of_kind])[: max(1, round(VALIDATE_SHARE * len(of_kind)))]]
            validate |= learn & np.isin(code, chosen)
        found.append(Fold(fold, fit=used[learn & ~validate], validate=used[validate], scored=used[number == fold]))
    return found
