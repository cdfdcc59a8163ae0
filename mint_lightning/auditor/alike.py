"""The same picture given twice: as several photos of a person it would count for more than it is."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mint_lightning.shards.near import NEAR, perceptual_hash


@dataclass(frozen=True)
class Looks:
    """By which pictures are known again, face by face: digests of the pixels, and perceptual hashes (n,) of 64 bits."""

    digests: list[bytes]
    bits: NDArray[np.uint64]

    @classmethod
    def joined(cls, parts: Sequence["Looks"]) -> "Looks":
        """Those of several batches."""
        bits = np.concatenate([np.zeros(0, np.uint64), *(part.bits for part in parts)])
        return cls([digest for part in parts for digest in part.digests], bits)

    def distinct(self, faces: Sequence[int]) -> tuple[int, ...]:
        """Those of `faces` that show another picture than all before them: neither the same pixels nor a hash within
        4 bits of 64, as a photo saved anew, reduced or blurred has (`shards/near.py` says how often)."""
        kept: list[int] = []
        known: set[bytes] = set()
        for face in faces:
            apart = np.bitwise_count(self.bits[kept] ^ self.bits[face])
            if self.digests[face] in known or apart.min(initial=64) <= NEAR:
                continue
            known.add(self.digests[face])
            kept.append(face)
        return tuple(kept)


def looks_of(images: Tensor) -> Looks:
    """Of uint8 images (B, 3, H, W)."""
    pixels = np.ascontiguousarray(images.permute(0, 2, 3, 1).cpu().numpy())
    digests = [hashlib.sha256(each.tobytes()).digest() for each in pixels]
    signs = np.stack([perceptual_hash(each) for each in pixels])
    return Looks(digests, np.packbits(signs, axis=1).view(np.uint64).ravel())
