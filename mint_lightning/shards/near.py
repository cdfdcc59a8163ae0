"""Images that look alike, by a perceptual hash, and rows of two matrices that are close."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mint_lightning.errors import UserError
from mint_lightning.progress import progress_bar
from mint_lightning.shards.keys import KeyList

BITS: Final = 64
NEAR: Final = 4
"""On LFW's 13,233 aligned faces 36 of 87.3 million pairs of photos of different people are within 4 bits (436 within
6, 3,308 within 8). Of 1,000 photos saved anew as JPEG of quality 50, reduced to 80 pixels and back, or blurred
slightly, all are; of those cropped by 2 pixels of 112 on each side, 56 %."""
MOST: Final = 100_000

_BLOCK = 2048
_BATCH = 256


@dataclass(frozen=True)
class Pairs:
    """Pairs of rows, the closest first.

    first, second: int64 (n,), rows. value: float32 (n,), what `close_pairs` compared. found: pairs there are in all,
    of which the n closest are kept.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    value: NDArray[np.float32]
    found: int


def perceptual_hashes(root: Path, keys: KeyList) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows that can be decoded, and their 64-bit DCT hashes (Zauner 2010, as ImageHash has it) as signs.

    Returns:
        int64 (n,) rows, rising, and float32 (n, 64) of -1 and 1: a product of two is 64 - 2 x Hamming distance.
    """
    from mint_lightning.shards.loader import EvalLoader

    rows, signs = [np.zeros(0, np.int64)], [np.zeros((0, BITS), np.float32)]
    with progress_bar() as bar:
        done = bar.add_task(f"hashing images of {root.name}", total=len(keys))
        for batch in EvalLoader(root, keys, np.arange(len(keys), dtype=np.int64), batch_size=_BATCH):
            pixels = batch["images"].permute(0, 2, 3, 1).numpy()
            hashes = [perceptual_hash(np.ascontiguousarray(each)) for each in pixels]
            rows.append(batch["row"].numpy())
            signs.append(np.array(hashes, np.float32).reshape(-1, BITS) * 2 - 1)
            bar.advance(done, len(pixels))
    return np.concatenate(rows), np.concatenate(signs)


def perceptual_hash(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The 64 bits of one uint8 image (H, W, 3) RGB."""
    import imagehash
    from PIL import Image

    bits: NDArray[np.bool_] = imagehash.phash(Image.fromarray(image)).hash.ravel()
    return bits


def near_duplicates(
    one: NDArray[np.float32], other: NDArray[np.float32] | None, distance: int, *, most: int = MOST
) -> Pairs:
    """Pairs of hashes (see `perceptual_hashes`) that differ in at most `distance` bits; `value` is the distance.

    Raises:
        UserError: the distance is not between 0 and 31 bits, where all images would be alike.
    """
    if not 0 <= distance < BITS // 2:
        raise UserError(f"near is {distance}: it counts the bits of {BITS} that may differ, from 0 to {BITS // 2 - 1}.")
    found = close_pairs(one, other, BITS - 2 * distance, most=most, what="comparing hashes")
    return Pairs(found.first, found.second, ((BITS - found.value) / 2).astype(np.float32), found.found)


def close_pairs(
    one: NDArray[np.float32],
    other: NDArray[np.float32] | None,
    least: float,
    *,
    most: int = MOST,
    what: str = "comparing",
) -> Pairs:
    """Pairs of a row of `one` (n, d) and one of `other` (m, d) whose product is at least `least`, the largest first.

    With None for `other`, pairs within `one`, each once. Products are made block by block, so that memory does not
    grow with n x m; at most `most` pairs are kept.
    """
    kept = [np.zeros((0, 2), np.int64)]
    values = [np.zeros(0, np.float32)]
    found = held = 0
    for start, at, products in _blocks(one, other, what):
        rows, columns = np.nonzero(products >= least)
        if other is None:
            rising = rows + start < columns + at
            rows, columns = rows[rising], columns[rising]
        found += len(rows)
        held += len(rows)
        kept.append(np.stack([rows + start, columns + at], axis=1))
        values.append(products[rows, columns])
        if held > 2 * most:
            kept, values = _closest(kept, values, most)
            held = most
    (pairs,), (value,) = _closest(kept, values, most)
    return Pairs(pairs[:, 0], pairs[:, 1], value, found)


def _closest(
    kept: list[NDArray[np.int64]], values: list[NDArray[np.float32]], most: int
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.float32]]]:
    pairs, value = np.concatenate(kept), np.concatenate(values)
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -value))[:most]
    return [pairs[order]], [value[order]]


def _blocks(
    one: NDArray[np.float32], other: NDArray[np.float32] | None, what: str
) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    beside = one if other is None else other
    with progress_bar() as bar:
        done = bar.add_task(what, total=len(one))
        for start in range(0, len(one), _BLOCK):
            rows = one[start : start + _BLOCK]
            for at in range(start if other is None else 0, len(beside), _BLOCK):
                yield start, at, rows @ beside[at : at + _BLOCK].T
            bar.advance(done, len(rows))
