"""The check that comes before an answer: whether a photo is like those that the auditor was calibrated on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mint_lightning.audited import PixelNetwork
from mint_lightning.audited.weights import load_state
from mint_lightning.errors import UserError
from mint_lightning.evidence.novelty import Novelty

PIXEL_TAPS: Final = ("pixels", "statistics")
_ARRAYS = ("mean", "scale", "components", "variances", "distance", "identity")


@dataclass(frozen=True)
class NoveltyCheck:
    """A model of known photos by their pixels, low-level statistics and outcome of the audited network.

    The outcome alone passes noise and everyday pictures; pixels and statistics know those (benchmarks/evidence.md).
    """

    model: Novelty

    def outside(self, pixels: Sequence[Tensor], embedding: Tensor) -> NDArray[np.bool_]:
        """(B,) whether each image is unlike the photos calibrated on; pixels as `pixel_features` gives them, embedding
        (B, D)."""
        return self.model.outside(joined(pixels, embedding))

    def save(self, path: Path) -> None:
        """Write it as safetensors."""
        from safetensors.torch import save_file

        tensors = {name: torch.from_numpy(np.ascontiguousarray(getattr(self.model, name))) for name in _ARRAYS}
        save_file({**tensors, "rest": torch.tensor([self.model.rest], dtype=torch.float64)}, str(path))

    @classmethod
    def load(cls, path: Path) -> "NoveltyCheck":
        """Read what `save` wrote; `UserError` where it is something else."""
        state: Mapping[str, Tensor] = load_state(path)
        if missing := [name for name in (*_ARRAYS, "rest") if name not in state]:
            raise UserError(f"{path} is no novelty check: it lacks {missing[0]!r}.")
        arrays = {name: state[name].numpy() for name in _ARRAYS}
        return cls(Novelty(**arrays, rest=float(state["rest"][0])))


def pixel_features(images: Tensor) -> list[Tensor]:
    """What the check looks at of uint8 images (B, 3, H, W) beside the network: the same for every auditor."""
    found = _pixels(int(images.shape[-1])).to(images.device)(images, PIXEL_TAPS)["original"]
    return [found[tap] for tap in PIXEL_TAPS]


@cache
def _pixels(side: int) -> PixelNetwork:
    return PixelNetwork((side, side))


def joined(pixels: Sequence[Tensor], embedding: Tensor) -> NDArray[np.float64]:
    """(B, d) features, in the order that the model knows."""
    return torch.cat([*pixels, embedding], dim=1).double().cpu().numpy()
