"""The order of training images: a pure function of (seed, epoch).

Nothing here reads a file or knows a rank or a worker. A global batch is made of equal parts, one from each lane; ranks
and workers only choose lanes, so any number of them sees the same global batches.

Each group of images (members, externals) lies, within a lane, on a circle whose order depends on the seed alone.
Epoch e takes the `count` images that follow the e * count images taken before it, and shuffles them anew: first what is
left of the round under way, then the start of the next. So within an epoch no image comes twice, a larger group goes
on where it stopped, no image comes again before all others of its group and lane have come, and what is dropped at the
end of an epoch, being less than a batch, comes first in the next. Rounds each in a fresh order would not give the first
of these: an epoch at the seam of two rounds would meet some images in both.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.shards.keys import KeyList

WINDOW = 4096


def lane_order(
    keys: KeyList, rows: NDArray[np.int64], *, seed: int, pass_: int, tag: str, window: int = WINDOW
) -> NDArray[np.int64]:
    """Shuffle rows of one lane so that its tars can be read one after the other.

    The shards are shuffled, then their images within a sliding window: up to `window` images it is a uniform
    permutation; of more, an image moves by about `window` places at most, and a reader never holds more than one and a
    half times `window` images. Unlike blocks shuffled one by one, no place in the order waits for a whole block.

    Args:
        keys: the key list.
        rows: rows of one lane, int64, in any order (which does not count), each once.
        seed, pass_, tag: what the order depends on, beside the rows and the lane.
        window: images.

    Returns:
        The same rows, int64, in the new order.
    """
    rows = np.sort(np.asarray(rows, dtype=np.int64))
    if len(rows) == 0:
        return rows
    lane = int(keys.lane[rows[0]])
    shards, place = np.unique(keys.shard[rows], return_inverse=True)
    rank_of_shard = np.empty(len(shards), dtype=np.int64)
    rank_of_shard[_argsort_random(len(shards), seed, pass_, lane, tag, "shards")] = np.arange(len(shards))
    rows = rows[np.argsort(rank_of_shard[place], kind="stable")]
    share = min(1.0, window / len(rows))
    at = (1.0 - share) * np.arange(len(rows)) / len(rows)
    draws = (_random(len(rows), seed, pass_, lane, tag, "images") >> np.uint64(11)) * 2.0**-53
    return rows[np.argsort(at + share * draws, kind="stable")]


@dataclass(frozen=True, eq=False)
class EpochOrder:
    """The batches of every epoch.

    Attributes:
        keys: the key list of the shard set.
        groups: rows (int64, each once, in any order) of the groups that share a batch equally: (members, externals)
            to learn to tell them apart, (members,) to train a network.
        batch_size: images in a global batch, a multiple of lanes x groups.
        seed: the order's own seed.

    Raises:
        UserError: the batch size does not divide so, an image is in two groups, or a lane has too few images for one
            batch.
    """

    keys: KeyList
    groups: tuple[NDArray[np.int64], ...]
    batch_size: int
    seed: int

    def __post_init__(self) -> None:
        unit = self.lanes * len(self.groups)
        if self.batch_size < 1 or self.batch_size % unit:
            near = sorted({max(1, self.batch_size // unit) * unit, max(1, -(-self.batch_size // unit)) * unit})
            raise UserError(
                f"A batch of {self.batch_size} images cannot take equal parts of {len(self.groups)} "
                f"group{'s' if len(self.groups) > 1 else ''} from each of {self.lanes} lanes: "
                f"use a batch_size of {' or '.join(map(str, near))}."
            )
        rows, uses = np.unique(np.concatenate(self.groups), return_counts=True)
        if (uses > 1).any():
            raise UserError(
                f"{int((uses > 1).sum())} images are given twice or in two groups, {self.keys.key[rows[uses > 1][0]]} "
                "among them: members and externals must not overlap."
            )
        if self.steps == 0:
            group, lane = np.unravel_index(self._sizes.argmin(), self._sizes.shape)
            least, names = int(self._sizes.min()), ("members", "externals")
            which = f"the {names[group]} have" if len(self.groups) == 2 else "there are"
            advice = f"use a batch_size of at most {least * unit}" if least else "give more images"
            raise UserError(
                f"A batch of {self.batch_size} takes {self._part} images from each lane"
                f"{' and group' if len(self.groups) > 1 else ''}, but {which} only {least} in lane {lane}: {advice}."
            )

    @property
    def lanes(self) -> int:
        """Number of lanes of the shard set."""
        return self.keys.lanes

    @cached_property
    def steps(self) -> int:
        """Batches in an epoch: what the smallest group of the smallest lane gives, so that all lanes agree."""
        return int(self._sizes.min()) // self._part

    @property
    def _part(self) -> int:
        return self.batch_size // (self.lanes * len(self.groups))

    @cached_property
    def _sizes(self) -> NDArray[np.int64]:
        return np.stack([np.bincount(self.keys.lane[rows], minlength=self.lanes) for rows in self.groups])

    def lane(self, lane: int, epoch: int) -> NDArray[np.int64]:
        """The part of one lane in each batch: int64 (steps, batch_size / lanes), the groups alternating."""
        parts = []
        for number, rows in enumerate(self.groups):
            own = rows[self.keys.lane[rows] == lane]
            circle = lane_order(self.keys, own, seed=self.seed, pass_=0, tag=f"circle {number}")
            count = self.steps * self._part
            start = epoch * count % len(circle)
            arcs = circle[start : start + count], circle[: max(0, start + count - len(circle))]
            order = np.concatenate(
                [
                    lane_order(self.keys, arc, seed=self.seed, pass_=epoch, tag=f"{half} {number}")
                    for half, arc in zip(("old round", "new round"), arcs, strict=True)
                ]
            )
            parts.append(order.reshape(self.steps, self._part))
        return np.stack(parts, axis=2).reshape(self.steps, -1)

    def batches(self, epoch: int) -> NDArray[np.int64]:
        """What all processes see together: int64 (steps, batch_size), the lanes one after the other in each batch."""
        return np.concatenate([self.lane(lane, epoch) for lane in range(self.lanes)], axis=1)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of which images are in which group, whatever the order they were given in."""
        digest = hashlib.sha256()
        for rows in self.groups:
            digest.update(len(rows).to_bytes(8, "little") + np.sort(rows).astype("<i8").tobytes())
        return digest.hexdigest()


def _random(n: int, *parts: int | str) -> NDArray[np.uint64]:
    # The raw output of a counter-based generator is the same on every machine and in every numpy release, which
    # numpy does not promise of Generator.permutation; the key is hashed so that related parts give unrelated streams.
    key = hashlib.sha256(json.dumps(parts).encode()).digest()[:16]
    return np.random.Philox(key=int.from_bytes(key, "little")).random_raw(n)


def _argsort_random(n: int, *parts: int | str) -> NDArray[np.int64]:
    return np.argsort(_random(n, *parts), kind="stable")
