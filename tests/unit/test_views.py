"""Views of a photo against scipy and by hand."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from mint_lightning.audited import VIEWS, view
from mint_lightning.errors import UserError


def images(photos: int, side: int) -> torch.Tensor:
    return torch.randint(0, 256, (photos, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("side", [16, 32, 112])
def test_a_view_is_bytes_of_the_same_size_and_the_same_each_time(name: str, side: int) -> None:
    pixels = images(3, side)
    found = view(name)(pixels)
    assert found.dtype == torch.uint8
    assert found.shape == pixels.shape
    assert torch.equal(found, view(name)(pixels.clone()))
    assert torch.equal(found[1:2], view(name)(pixels[1:2])), "each photo for itself"
    assert (name == "original") == torch.equal(found, pixels)


def test_the_blur_is_scipys() -> None:
    pixels = images(2, 20)
    kernel = np.array([1, 4, 6, 4, 1]) / 16
    wanted = pixels.double().numpy()
    for axis in (2, 3):
        wanted = ndimage.correlate1d(wanted, kernel, axis=axis, mode="nearest")
    assert np.abs(VIEWS["blur"](pixels).double().numpy() - wanted).max() <= 0.51


def test_the_shift_goes_right_and_down() -> None:
    pixels = images(2, 32)
    found = VIEWS["shift"](pixels)
    assert torch.equal(found[:, :, 2:, 2:], pixels[:, :, :-2, :-2])
    assert torch.equal(found[:, :, 0, 2:], pixels[:, :, 0, :-2]), "edges are repeated"


def test_the_crop_keeps_the_middle() -> None:
    ramp = torch.arange(64, dtype=torch.uint8).repeat(64, 1).expand(1, 3, 64, 64).contiguous()
    found = VIEWS["crop"](ramp)[0, 0, 0].double()
    assert found[0] == 4
    assert found[-1] == 59
    assert torch.equal(found, found.sort().values)


def test_an_unknown_view_is_an_error() -> None:
    with pytest.raises(UserError, match="no view 'mirror'"):
        view("mirror")
