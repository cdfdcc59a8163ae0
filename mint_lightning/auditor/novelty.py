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
from mint_lightning.evidence.novelty import LEVEL, Novelty, rarely_as_low
from mint_lightning.shards.align import FaceSight

PIXEL_TAPS: Final = ("pixels", "statistics")
_ARRAYS = ("mean", "scale", "components", "variances", "distance", "identity")


@dataclass(frozen=True, eq=False)
class KnownFaces:
    """How sure a detector was of each photo calibrated on: sure (m,) float64, identity (m,) int64; fingerprint: sha256
    of the detector's file."""

    sure: NDArray[np.float64]
    identity: NDArray[np.int64]
    fingerprint: str

    def outside(self, sure: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(B,) whether the detector is less sure than of all but half a percent of those."""
        return rarely_as_low(sure, self.sure, self.identity, LEVEL)


@dataclass(frozen=True)
class NoveltyCheck:
    """A model of known photos by their pixels, low-level statistics and outcome of the audited network; faces: what a
    face detector says of them, None of objects, and where it does not see them as faces or was not there.

    The model passes most everyday pictures, the detector passes none; the model knows noise, borders and other cameras
    (benchmarks/evidence.md).
    """

    model: Novelty
    faces: KnownFaces | None = None

    def outside(
        self, pixels: Sequence[Tensor], embedding: Tensor, sure: NDArray[np.float64] | None = None
    ) -> NDArray[np.bool_]:
        """(B,) whether each image is unlike the photos calibrated on.

        pixels as `pixel_features` gives them, embedding (B, D); sure (B,) as `face_sight` gives it, which a check with
        faces needs.
        """
        far = self.model.outside(joined(pixels, embedding))
        if self.faces is None:
            return far
        if sure is None:
            raise UserError("The novelty check needs what a face detector says of the photos.")
        return far | self.faces.outside(sure)

    def save(self, path: Path) -> None:
        """Write it as safetensors."""
        from safetensors.torch import save_file

        tensors = {name: torch.from_numpy(np.ascontiguousarray(getattr(self.model, name))) for name in _ARRAYS}
        tensors["rest"] = torch.tensor([self.model.rest], dtype=torch.float64)
        if self.faces is not None:
            tensors["face_sure"] = torch.from_numpy(np.ascontiguousarray(self.faces.sure))
            tensors["face_identity"] = torch.from_numpy(np.ascontiguousarray(self.faces.identity))
            digest = np.frombuffer(bytes.fromhex(self.faces.fingerprint), np.uint8)
            tensors["face_detector"] = torch.from_numpy(digest.copy())
        save_file(tensors, str(path))

    @classmethod
    def load(cls, path: Path) -> "NoveltyCheck":
        """Read what `save` wrote; `UserError` where it is something else."""
        state: Mapping[str, Tensor] = load_state(path)
        if missing := [name for name in (*_ARRAYS, "rest") if name not in state]:
            raise UserError(f"{path} is no novelty check: it lacks {missing[0]!r}.")
        arrays = {name: state[name].numpy() for name in _ARRAYS}
        faces = None
        if "face_sure" in state:
            parts = [state.get(name, torch.empty(0)) for name in ("face_sure", "face_identity", "face_detector")]
            if parts[0].shape != parts[1].shape or parts[2].dtype != torch.uint8 or not parts[0].numel():
                raise UserError(f"{path} is no novelty check: what it says of faces is not whole.")
            faces = KnownFaces(parts[0].numpy(), parts[1].numpy(), parts[2].numpy().tobytes().hex())
        return cls(Novelty(**arrays, rest=float(state["rest"][0])), faces)


def pixel_features(images: Tensor) -> list[Tensor]:
    """What the check looks at of uint8 images (B, 3, H, W) beside the network: the same for every auditor."""
    found = _pixels(int(images.shape[-1])).to(images.device)(images, PIXEL_TAPS)["original"]
    return [found[tap] for tap in PIXEL_TAPS]


def face_sight(images: Tensor) -> NDArray[np.float64]:
    """(B,) how sure CenterFace is of each uint8 image (B, 3, H, W); `UserError` where it is not installed."""
    return _sight()(images.permute(0, 2, 3, 1).cpu().numpy())


def face_detector() -> str:
    """sha256 of the detector that `face_sight` asks; `UserError` where it is not installed."""
    return _sight().fingerprint


@cache
def _sight() -> FaceSight:
    return FaceSight()


@cache
def _pixels(side: int) -> PixelNetwork:
    return PixelNetwork((side, side))


def joined(pixels: Sequence[Tensor], embedding: Tensor) -> NDArray[np.float64]:
    """(B, d) features, in the order that the model knows."""
    return torch.cat([*pixels, embedding.flatten(1).to(pixels[0].device)], dim=1).double().cpu().numpy()
