"""What every auditing head takes and gives, and the dropout that a resumed or distributed run repeats."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, Self

import torch
from torch import Tensor, nn

from mint_lightning.errors import UserError

Request = tuple[str, str]
"""(view, tap) of the AAD that a head reads."""

BATCHNORM: Final = "batchnorm"
CLASS: Final = "class"


def requests_of(views: Sequence[str], taps: Sequence[str]) -> list[Request]:
    """What is read at `taps` in `views`: "batchnorm" and "class" of the photo as it is alone, the others in each."""
    return [(view, tap) for view in views for tap in taps if view == "original" or tap not in (BATCHNORM, CLASS)]


class HeadOutput(NamedTuple):
    """`logit` (B,) float, larger = more like a member; `penalty` scalar, to be added to the mean loss."""

    logit: Tensor
    penalty: Tensor


class Masks(Protocol):
    """What says which units a training step keeps."""

    def kept(self, layer: int, rate: float, shape: Sequence[int]) -> Tensor:
        """True where a unit of `shape` (B, ...) is kept, each with probability 1 - rate."""
        ...


@dataclass(frozen=True)
class Draw:
    """The masks of a training step: rows `first` .. `first + B` of those of (seed, step).

    They are drawn for the whole global batch and then cut, so they do not depend on the number of processes, and
    no generator state has to be stored to resume.
    """

    seed: int
    step: int
    first: int
    total: int

    def kept(self, layer: int, rate: float, shape: Sequence[int]) -> Tensor:
        """Bool (B, ...) on the CPU."""
        generator = torch.Generator().manual_seed(_seed(self.seed, self.step, layer))
        noise = torch.rand((self.total, *shape[1:]), generator=generator)
        return noise[self.first : self.first + shape[0]] >= rate


@dataclass(frozen=True)
class Drawn:
    """Masks that were drawn before, by layer: what a computation that may draw nothing is given."""

    masks: Sequence[Tensor]

    def kept(self, layer: int, rate: float, shape: Sequence[int]) -> Tensor:
        """The mask of that layer."""
        return self.masks[layer]


class SeededDropout(nn.Module):
    """Dropout whose masks are a pure function of (seed, step, layer, position of the sample)."""

    def __init__(self, rate: float, layer: int) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise UserError(f"dropout is {rate}; it must lie in [0, 1).")
        self.rate = rate
        self.layer = layer

    def forward(self, x: Tensor, draw: Masks | None) -> Tensor:
        """(B, ...) -> (B, ...); the identity without a `draw`, in evaluation mode, and at rate 0."""
        if draw is None or not self.training or self.rate == 0:
            return x
        kept = draw.kept(self.layer, self.rate, x.shape).to(device=x.device, dtype=x.dtype)
        return x * kept / (1 - self.rate)


def _seed(*numbers: int) -> int:
    # Neighbouring seeds of torch's generator give related streams; a hash takes the relation away.
    digest = hashlib.sha256(",".join(map(str, numbers)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class Standardise(nn.Module):
    """Shift and scale AAD channel by channel by the statistics of the first fit images, kept with the weights."""

    mean: Tensor
    scale: Tensor
    fitted: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("scale", torch.ones(channels))
        self.register_buffer("fitted", torch.tensor(False))

    def fit(self, aad: Tensor) -> None:
        """Take mean and standard deviation of `aad`, (N, C) or (N, C, H, W), per channel; constant channels keep 1."""
        # One sample at a time in float64 would be exact but slow; float32 maps are summed per channel in float64.
        dims = [d for d in range(aad.ndim) if d != 1]
        mean = aad.mean(dims, dtype=torch.float64)
        square = sum(
            ((part.double() - mean.view(1, -1, *[1] * (aad.ndim - 2))) ** 2).sum(dims) for part in aad.split(512)
        )
        deviation = torch.as_tensor(square / (aad.numel() / aad.shape[1])).sqrt()
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(deviation > 1e-6, deviation, torch.ones_like(deviation)))
        self.fitted.fill_(True)

    def forward(self, aad: Tensor) -> Tensor:
        """(B, C, ...) -> the same shape, in the precision of the head."""
        shape = (1, -1, *[1] * (aad.ndim - 2))
        return (aad.to(self.mean.dtype) - self.mean.view(shape)) / self.scale.view(shape)


class Head(nn.Module):
    """An auditing head on the AAD of one or several taps.

    `shapes` are those of one sample at each tap, (C,) or (C, H, W). A subclass takes the standardised tensors in
    `logits` and returns logits (B,) with its penalty.
    """

    needs_maps = False

    def __init__(self, shapes: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.shapes = tuple(tuple(int(n) for n in shape) for shape in shapes)
        if not self.shapes:
            raise UserError("A head needs at least one tap.")
        for shape in self.shapes:
            if self.needs_maps != (len(shape) == 3):
                wants = 'maps: write the tap as "NAME:map"' if self.needs_maps else 'vectors: write the tap as "NAME"'
                raise UserError(f"{type(self).__name__} got AAD of shape {list(shape)}; it takes {wants}.")
        self.standardise = nn.ModuleList(Standardise(shape[0]) for shape in self.shapes)

    @classmethod
    def reads(cls, taps: Sequence[str], arguments: Mapping[str, Any]) -> list[Request]:
        """What a head of these taps and arguments takes, in its order."""
        return [("original", tap) for tap in taps]

    @classmethod
    def of(cls, shapes: Sequence[Sequence[int]], taps: Sequence[str], arguments: Mapping[str, Any]) -> Self:
        """The untrained head of taps of these shapes; most do not mind how the taps are called."""
        return cls(shapes, **arguments)

    @property
    def input_shapes(self) -> list[tuple[int, ...]]:
        """Of one sample of all that `reads` names, in its order."""
        return list(self.shapes)

    @torch.no_grad()
    def fit_standardisation(self, inputs: Sequence[Tensor]) -> None:
        """Set the standardisation of each tap from AAD of the first fit images, (N, C) or (N, C, H, W) each."""
        for module, aad in zip(self.standardise, inputs, strict=True):
            assert isinstance(module, Standardise)
            module.fit(aad)

    def forward(self, inputs: Sequence[Tensor], draw: Masks | None = None) -> HeadOutput:
        """AAD of each tap, (B, C) or (B, C, H, W), to logits and penalty."""
        return self.logits([module(aad) for module, aad in zip(self.standardise, inputs, strict=True)], draw)

    def logits(self, inputs: Sequence[Tensor], draw: Masks | None) -> HeadOutput:
        """What a subclass fills in."""
        raise TypeError(f"{type(self).__name__} does not define logits()")
