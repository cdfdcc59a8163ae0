"""Which split and which partition an identity belongs to: a pure function of its name and a seed."""

import hashlib
import json
import math
import re
from collections.abc import Mapping

from mint_lightning.errors import UserError

SPLITS = ("fit", "validate", "calibrate", "test")
FRACTIONS = (0.5, 0.1, 0.2, 0.2)
UNSEEN_SUFFIX = "_unseen"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}")


def uniform(*parts: str, seed: int) -> float:
    """A number in [0, 1) that depends on `parts` and `seed` alone, on every machine alike.

    The first 53 bits of the SHA-256 of the JSON list [seed, *parts], in which ("ab", "c") and ("a", "bc") differ.
    """
    text = json.dumps([seed, *parts], separators=(",", ":"), ensure_ascii=True)
    return (int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 11) * 2.0**-53


def split_of(source: str, identity: str, *, seed: int) -> str:
    """The split of a person: one of `SPLITS`, with probabilities `FRACTIONS`, whatever other people there are."""
    return _pick(uniform("split", source, identity, seed=seed), SPLITS, FRACTIONS)


def partition_of(source: str, identity: str, partitions: Mapping[str, float], *, seed: int) -> str:
    """The partition of a person: one of the names in `partitions` (name -> fraction, together 1).

    Independent of the split. The names are taken in sorted order, so the order in which they are given never counts.

    Raises:
        UserError: the fractions are not positive, do not add up to 1, or a name is not a plain word.
    """
    check_partitions(partitions)
    names = sorted(partitions)
    return _pick(uniform("partition", source, identity, seed=seed), names, [partitions[name] for name in names])


def check_partitions(partitions: Mapping[str, float]) -> None:
    """Raise `UserError` unless names are plain words and fractions are positive and add up to 1."""
    if not partitions:
        raise UserError('No partition is named: give at least one, such as {"all": 1.0}.')
    for name, fraction in partitions.items():
        if not _NAME.fullmatch(name) or name.endswith(UNSEEN_SUFFIX):
            raise UserError(
                f"The partition name {name!r} cannot be used: take letters, digits, '-' and '_', at most 41 of them, "
                f"not ending in '{UNSEEN_SUFFIX}' (that ending marks held-out photos)."
            )
        if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 < fraction <= 1:
            raise UserError(f"The fraction of partition {name!r} is {fraction!r}: it must be above 0 and at most 1.")
    total = math.fsum(partitions.values())
    if abs(total - 1) > 1e-6:
        given = ", ".join(f"{name}={fraction:g}" for name, fraction in partitions.items())
        raise UserError(f"The fractions of the partitions ({given}) add up to {total:g}: they must add up to 1.")


def _pick(number: float, names: "list[str] | tuple[str, ...]", fractions: "list[float] | tuple[float, ...]") -> str:
    upper = 0.0
    for name, fraction in zip(names[:-1], fractions[:-1], strict=True):
        upper += fraction
        if number < upper:
            return name
    return names[-1]
