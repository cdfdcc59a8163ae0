"""Figures of single images that tell how they were taken, saved and cut, and nothing of who is shown."""

from typing import Final

import torch
from torch import Tensor

STATISTICS: Final[dict[str, tuple[str, str]]] = {
    "sharpness": ("sharpness", "log variance of the Laplacian"),
    "spectral slope": ("sharpness", "fall of the spectrum's power with the frequency, on log axes"),
    "blockiness": ("JPEG traces", "log gradient at the borders of 8x8 blocks less that within"),
    "grey": ("colour", "whether the channels are equal"),
    "red": ("colour", "mean of the red channel"),
    "green": ("colour", "mean of the green channel"),
    "blue": ("colour", "mean of the blue channel"),
    "saturation": ("colour", "mean of (largest - smallest) / largest channel"),
    "constant borders": ("borders", "share of the four outermost lines that have one colour"),
    "repeated borders": ("borders", "share of the four outermost lines that equal the next"),
}
"""Name of each statistic -> what it is of, and what it is."""

_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in JPEG
_BLOCK = 8
_SAME = 2.0  # grey levels that a JPEG of quality 95 leaves between what was equal
_LOWEST = 4  # cycles an image; below, the spectrum is that of a face


def image_statistics(images: Tensor) -> Tensor:
    """float32 (B, 10), in the order of `STATISTICS`, of uint8 RGB images (B, 3, H, W), at least 16 pixels a side."""
    pixels = images.float()
    light = torch.einsum("bchw,c->bhw", pixels, pixels.new_tensor(_LUMINANCE))
    across, down = light.diff(dim=2).abs(), light.diff(dim=1).abs()
    laplacian = light.diff(n=2, dim=2)[:, 1:-1] + light.diff(n=2, dim=1)[:, :, 1:-1]
    largest, smallest = pixels.amax(1), pixels.amin(1)
    lines = [(light[:, 0], light[:, 1]), (light[:, -1], light[:, -2])]
    lines += [(light[:, :, 0], light[:, :, 1]), (light[:, :, -1], light[:, :, -2])]
    columns = [
        laplacian.var((1, 2)).log1p(),
        _slope(light),
        (_blockiness(across.mean(1)) + _blockiness(down.mean(2))) / 2,
        ((largest - smallest).mean((1, 2)) < _SAME).float(),
        *pixels.mean((2, 3)).unbind(1),
        ((largest - smallest) / largest.clamp(min=1)).mean((1, 2)),
        torch.stack([outer.std(1) < _SAME for outer, _ in lines]).float().mean(0),
        torch.stack([(outer - inner).abs().mean(1) < _SAME / 2 for outer, inner in lines]).float().mean(0),
    ]
    return torch.stack(columns, dim=1)


def _blockiness(profile: Tensor) -> Tensor:
    border = torch.arange(1, profile.shape[1] + 1, device=profile.device) % _BLOCK == 0
    return profile[:, border].mean(1).log1p() - profile[:, ~border].mean(1).log1p()


def _slope(light: Tensor) -> Tensor:
    """Least squares over rings of the power spectrum; the window keeps the borders out."""
    height, width = light.shape[1:]
    window = torch.hann_window(height, device=light.device)[:, None] * torch.hann_window(width, device=light.device)
    power = torch.fft.rfft2((light - light.mean((1, 2), keepdim=True)) * window).abs().square()
    y = torch.fft.fftfreq(height, device=light.device)[:, None] * height
    x = torch.fft.rfftfreq(width, device=light.device)[None] * width
    ring = (x.square() + y.square()).sqrt().round().long()
    radii = torch.arange(_LOWEST, min(height, width) // 2, device=light.device)
    mean = torch.stack([power[:, ring == radius].mean(1) for radius in radii], dim=1)
    at = radii.float().log()
    at = at - at.mean()
    return (mean + 1).log() @ at / at.square().sum()
