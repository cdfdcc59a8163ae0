"""What goes into the evidence: scores with what is known of each image."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.evidence.document import Document
from mint_lightning.evidence.rates import identity_codes

SPLITS = ("calibrate", "test", "out-of-fold")

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class ScoreSet(Document):
    """The scores one head (or one score) gave on one network: one entry per image, the larger the more like a member.

    score (n,) float64 finite; member (n,) whether it is a training photo; unseen (n,) whether it is an unseen photo of
    a person in D (neither member nor external); identity (n,) "source/person"; split (n,) "calibrate" or "test", or
    "out-of-fold" throughout; key (n,) of the image, unique; network: its name; fold (n,) int64 of cross-fitting, or
    None. Anything else raises `UserError`.
    """

    score: Floats
    member: Bools
    unseen: Bools
    identity: Texts
    split: Texts
    key: Texts
    network: str
    fold: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        columns: dict[str, Any] = {
            "score": np.float64,
            "member": np.bool_,
            "unseen": np.bool_,
            "identity": None,
            "split": None,
        }
        if self.fold is not None:
            columns["fold"] = np.int64
        size = len(self.key)
        object.__setattr__(self, "key", np.asarray(self.key, dtype=str))
        for name, kind in columns.items():
            column = np.asarray(getattr(self, name))
            if column.shape != (size,):
                raise UserError(
                    f"The scores of {self.network!r} have {size} keys but {name} of shape {column.shape}: "
                    "every column must have one entry per image."
                )
            object.__setattr__(self, name, np.asarray(column, dtype=kind or str))
        self._check()

    def _check(self) -> None:
        if (bad := np.flatnonzero(~np.isfinite(self.score))).size:
            raise UserError(
                f"The score of image {str(self.key[bad[0]])!r} on {self.network!r} is {self.score[bad[0]]} "
                f"({bad.size} such scores): every score must be a finite number."
            )
        if (self.member & self.unseen).any():
            both = str(self.key[self.member & self.unseen][0])
            raise UserError(f"The image {both!r} is marked as a member and as an unseen photo: it can be only one.")
        if (strange := ~np.isin(self.split, SPLITS)).any():
            split = str(self.split[strange][0])
            raise UserError(f"The split {split!r} holds no evidence: scores come from {', '.join(SPLITS)}.")
        if len(set(self.key.tolist())) < len(self):
            key = sorted(self.key.tolist())
            twice = next(first for first, second in pairwise(key) if first == second)
            raise UserError(f"The image {twice!r} has two scores on {self.network!r}: every image is scored once.")
        if self.cross_fitted and not (self.split == "out-of-fold").all():
            raise UserError(f"The scores of {self.network!r} mix out-of-fold scores with those of calibrate or test.")

    def __len__(self) -> int:
        return len(self.key)

    @property
    def cross_fitted(self) -> bool:
        """Whether every score is out-of-fold, there being no calibrate and test splits."""
        return bool((self.split == "out-of-fold").any())

    @property
    def external(self) -> Bools:
        """(n,) images of people of whom the network saw none."""
        return ~self.member & ~self.unseen

    @cached_property
    def person(self) -> NDArray[np.int64]:
        """(n,) number of the identity of each image: what figures are clustered by, without comparing names."""
        return identity_codes(self.identity)

    @cached_property
    def source(self) -> Texts:
        """(n,) the external set or database of each image: the part of its identity before the first slash."""
        first = np.unique(self.person, return_index=True)[1]
        return np.array([name.partition("/")[0] for name in self.identity[first].tolist()], dtype=str)[self.person]

    def where(self, rows: NDArray) -> "ScoreSet":
        """The rows of a boolean mask or an index array, as a set of their own."""
        return ScoreSet(
            score=self.score[rows],
            member=self.member[rows],
            unseen=self.unseen[rows],
            identity=self.identity[rows],
            split=self.split[rows],
            key=self.key[rows],
            network=self.network,
            fold=None if self.fold is None else self.fold[rows],
        )
