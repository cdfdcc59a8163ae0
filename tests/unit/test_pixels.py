"""The pixel control: figures that can be computed by hand or by scipy, and the same door as a network's."""

import numpy as np
import pytest
import torch
from scipy.fft import dctn
from scipy.ndimage import convolve
from torch import Tensor

from mint_lightning.audited import STATISTICS, AuditedNetwork, PixelNetwork
from mint_lightning.errors import UserError

pytestmark = pytest.mark.unit


def slices() -> dict[str, slice]:
    """Each statistic's place, by the first words of its description."""
    ends = np.cumsum(list(STATISTICS.values()))
    return {
        name.split(",")[0].split(":")[0].split(" of ")[0].strip(): slice(end - length, end)
        for (name, length), end in zip(STATISTICS.items(), ends, strict=True)
    }


def statistics(images: Tensor) -> dict[str, np.ndarray]:
    vector = PixelNetwork(tuple(images.shape[2:]))(images, ["statistics"])["original"]["statistics"].numpy()
    assert vector.shape[1] == sum(STATISTICS.values())
    assert np.isfinite(vector).all()
    return {name: vector[:, where] for name, where in slices().items()}


@pytest.fixture(scope="module")
def images() -> Tensor:
    """Smooth noise: random small pictures, enlarged."""
    small = torch.rand(20, 3, 14, 14, generator=torch.Generator().manual_seed(0))
    return (torch.nn.functional.interpolate(small, (112, 112), mode="bicubic").clamp(0, 1) * 255).to(torch.uint8)


@pytest.fixture(scope="module")
def found(images: Tensor) -> dict[str, np.ndarray]:
    return statistics(images)


@pytest.fixture(scope="module")
def luminance(images: Tensor) -> np.ndarray:
    return np.einsum("c,nchw->nhw", [0.299, 0.587, 0.114], images.numpy().astype(float))


def test_the_list_and_the_door_are_those_of_a_network(images: Tensor) -> None:
    network = PixelNetwork()
    assert isinstance(network, AuditedNetwork)
    assert network.tap_names == ("pixels", "statistics", "picture")
    shapes = {"pixels": (768,), "statistics": (136,), "picture:map": (3, 32, 32)}
    assert network.aad_shapes(list(shapes)) == shapes
    aad = network(images, ["statistics", "pixels"], ["original", "flip"])
    torch.testing.assert_close(aad["flip"]["pixels"], network(images.flip(3), ["pixels"])["original"]["pixels"])
    assert network.fingerprint() == PixelNetwork().fingerprint()


def test_pixels_are_block_means(images: Tensor) -> None:
    blocks = images.float().view(20, 3, 16, 7, 16, 7).mean((3, 5)).flatten(1) / 255
    torch.testing.assert_close(PixelNetwork()(images, ["pixels"])["original"]["pixels"], blocks)
    odd = images[:, :, :50, :37]
    pooled = torch.nn.functional.adaptive_avg_pool2d(odd.float(), 16).flatten(1) / 255
    torch.testing.assert_close(PixelNetwork((50, 37))(odd, ["pixels"])["original"]["pixels"], pooled)


def test_a_picture_is_the_image_in_small(images: Tensor) -> None:
    def picture(of: Tensor) -> Tensor:
        network = PixelNetwork(tuple(of.shape[2:]))
        network.aad_dtype = "float32"
        return network(of, ["picture:map"])["original"]["picture:map"]

    pooled = torch.nn.functional.adaptive_avg_pool2d(images.float(), 32) / 255
    torch.testing.assert_close(picture(images), pooled)
    small = images[:, :, :20, :24]
    torch.testing.assert_close(picture(small), torch.nn.functional.adaptive_avg_pool2d(small.float(), 20) / 255)


def test_colours(images: Tensor, found: dict[str, np.ndarray]) -> None:
    values = images.numpy().astype(float)
    np.testing.assert_allclose(found["colour means R"], values.mean((2, 3)) / 255, rtol=1e-5)
    np.testing.assert_allclose(found["colour standard deviations R"], values.std((2, 3)) / 255, rtol=1e-4)
    correlation = [np.corrcoef(picture.reshape(3, -1)) for picture in values]
    expected = [[each[0, 1], each[1, 2], each[2, 0]] for each in correlation]
    np.testing.assert_allclose(found["correlations RG"], expected, atol=1e-3)
    sample = values[:, :, ::2, ::2]
    difference = np.abs(sample - sample[:, [1, 2, 0]]).mean((2, 3)) / 255
    np.testing.assert_allclose(found["mean absolute differences RG"], difference, rtol=1e-4)


def test_histogram_is_numpys(images: Tensor, found: dict[str, np.ndarray]) -> None:
    sample = images.numpy()[:, :, ::2, ::2]
    for number in (0, 17):
        counts = [np.histogram(channel, bins=16, range=(0, 256))[0] for channel in sample[number]]
        np.testing.assert_allclose(found["histogram"][number], np.concatenate(counts) / 56**2, rtol=1e-5)


def test_dct_is_scipys(luminance: np.ndarray, found: dict[str, np.ndarray]) -> None:
    blocks = luminance.reshape(20, 14, 8, 14, 8).transpose(0, 1, 3, 2, 4)
    expected = np.log1p(np.abs(dctn(blocks, axes=(3, 4), norm="ortho")).mean((1, 2))).reshape(20, 64)
    np.testing.assert_allclose(found["8x8 DCT"], expected, rtol=1e-3, atol=1e-3)


def test_sharpness_and_noise_are_scipys(luminance: np.ndarray, found: dict[str, np.ndarray]) -> None:
    def filtered(kernel: list[list[int]]) -> np.ndarray:
        return np.stack([convolve(picture, np.array(kernel))[1:-1, 1:-1] for picture in luminance])

    laplacian = filtered([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    immerkaer = filtered([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    np.testing.assert_allclose(found["sharpness"][:, 0], np.log1p((laplacian**2).mean((1, 2))), rtol=1e-3)
    np.testing.assert_allclose(found["noise"][:, 0], np.log1p(np.abs(immerkaer).mean((1, 2))), rtol=1e-3)


def test_gradients_and_blockiness_tell_across_from_down() -> None:
    stripes = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    stripes[0] = ((torch.arange(32) // 8) % 2 * 200).to(torch.uint8)  # steps at 8, 16, 24, from left to right
    stripes[1] = stripes[0].transpose(1, 2)
    values = statistics(stripes)
    step = np.log1p(200 * 3 / 31)
    np.testing.assert_allclose(values["gradients"], [[step, 0], [0, step]], rtol=1e-5)
    edge = np.log1p(200)
    np.testing.assert_allclose(values["blockiness"], [[edge, 0], [0, edge]], rtol=1e-5)


def test_borders_and_extremes() -> None:
    picture = torch.full((1, 3, 32, 32), 100, dtype=torch.uint8)
    picture[:, :, 0] = 0  # one black line at the top, of which every second pixel line is looked at
    picture[:, :, :, -1] = 255
    picture[:, :, 16] = 255
    values = statistics(picture)
    top, bottom = 255 / 32 / 255, (31 * 100 + 255) / 32 / 255
    left, right = (30 * 100 + 255) / 32 / 255, 1.0
    np.testing.assert_allclose(values["mean luminance"][0], [top, bottom, left, right], rtol=1e-5)
    np.testing.assert_allclose(values["shares"][0], [1 / 16, 1 / 16], rtol=1e-5)


def test_a_picture_of_one_colour_has_figures_too() -> None:
    values = statistics(torch.full((1, 3, 112, 112), 255, dtype=torch.uint8))
    assert values["correlations RG"].tolist() == [[0, 0, 0]]
    assert values["shares"][0].tolist() == [0, 1]


def test_figures_do_not_depend_on_the_batch(images: Tensor) -> None:
    network = PixelNetwork()
    together = network(images, ["statistics"])["original"]["statistics"]
    alone = torch.cat([network(image[None], ["statistics"])["original"]["statistics"] for image in images])
    torch.testing.assert_close(together, alone)


def test_pictures_too_small_are_refused() -> None:
    with pytest.raises(UserError, match="16x16 pixels or more, not 12x40"):
        PixelNetwork((12, 40))
