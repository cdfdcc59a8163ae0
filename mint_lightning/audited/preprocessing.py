"""From the bytes of a picture to what a network was trained to see."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from mint_lightning.errors import UserError


@dataclass(frozen=True)
class Preprocessing:
    """What a network expects of its input. It belongs to the network, so that shards hold plain uint8 for all.

    Args:
        size: Height and width in pixels; images of another size are resized (bilinear with antialiasing).
        mean: Subtracted from each channel, on the scale 0..255, in the network's own channel order.
        std: Divides each channel afterwards, on the scale 0..255.
        channels: Order of the channels the network was trained on.
        crop: Cut images of another shape to the middle part of the size's own before they are resized, in place of
            squeezing them: 112x96 of a 112x112 alignment are its middle columns.
    """

    size: tuple[int, int] = (112, 112)
    mean: tuple[float, float, float] = (127.5, 127.5, 127.5)
    std: tuple[float, float, float] = (127.5, 127.5, 127.5)
    channels: Literal["RGB", "BGR"] = "RGB"
    crop: bool = False

    def __post_init__(self) -> None:
        # Cards and YAML give lists; tuples keep the object hashable.
        for name, length in (("size", 2), ("mean", 3), ("std", 3)):
            object.__setattr__(self, name, tuple(getattr(self, name)))
            if len(getattr(self, name)) != length:
                raise UserError(f"preprocessing.{name} needs {length} numbers, not {list(getattr(self, name))}.")
        if min(self.size) < 1:
            raise UserError(f"preprocessing.size must be positive, not {list(self.size)}.")
        if min(self.std) <= 0:
            raise UserError(f"preprocessing.std must be positive, not {list(self.std)}.")
        if self.channels not in ("RGB", "BGR"):
            raise UserError(f"preprocessing.channels must be RGB or BGR, not {self.channels!r}.")

    def __call__(self, images: Tensor) -> Tensor:
        """uint8 RGB (B, 3, H, W) to float32 (B, 3, *size) on the same device."""
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
            raise ValueError(f"images must be uint8 (B, 3, H, W), not {images.dtype} {tuple(images.shape)}")
        prepared = (self._cropped(images) if self.crop else images).float()
        if tuple(prepared.shape[2:]) != self.size:
            prepared = F.interpolate(prepared, self.size, mode="bilinear", antialias=True)
        if self.channels == "BGR":
            prepared = prepared.flip(1)
        mean = prepared.new_tensor(self.mean).view(1, 3, 1, 1)
        return prepared.sub_(mean).div_(prepared.new_tensor(self.std).view(1, 3, 1, 1))

    def _cropped(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        share = min(height / self.size[0], width / self.size[1])
        inner = round(share * self.size[0]), round(share * self.size[1])
        top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
        return images[:, :, top : top + inner[0], left : left + inner[1]]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str) -> "Preprocessing":
        """The reverse of `to_dict`; `where` names the file in the error about a key that does not exist."""
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise UserError(f"{where}: preprocessing has the unknown key {unknown[0]!r}; known are {', '.join(known)}.")
        return cls(**values)
