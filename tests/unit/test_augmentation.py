"""Photos are changed by (seed, step, row) alone, and as a crop of the padded image would be."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mint_lightning.learning.augmentation import PADDING, augmented, flips, shifts, step_seed

pytestmark = pytest.mark.unit


def test_moves_are_crops_of_the_image_padded_by_its_mirror_image() -> None:
    images = torch.randint(0, 256, (64, 3, 10, 12), dtype=torch.uint8)
    rows = torch.arange(100, 164)
    found = augmented(images, rows, "crop_flip", 3, 7)
    mirrored, (up, left) = flips(rows.numpy(), 3, 7), shifts(rows.numpy(), 3, 7)
    assert found.dtype == torch.uint8
    for place in range(64):
        image = images[place].flip(2) if mirrored[place] else images[place]
        padded = F.pad(image[None].float(), (PADDING,) * 4, mode="reflect")[0]
        # Of a mirrored image the crop is at the other side, being drawn alike at both.
        right = PADDING + (-left[place] if mirrored[place] else left[place])
        down = PADDING + up[place]
        torch.testing.assert_close(found[place].float(), padded[:, down : down + 10, right : right + 12])


def test_moves_are_fair_and_depend_on_seed_step_and_row_alone() -> None:
    rows = np.arange(18_000)
    up, left = shifts(rows, 0, 5)
    for moves in (up, left):
        values, times = np.unique(moves, return_counts=True)
        assert values.tolist() == list(range(-PADDING, PADDING + 1))
        assert abs(times / 2000 - 1).max() < 0.1
    assert abs(np.corrcoef(up, left)[0, 1]) < 0.03
    np.testing.assert_array_equal(shifts(rows[::-1], 0, 5)[0], up[::-1])
    for other in (shifts(rows, 1, 5), shifts(rows, 0, 6)):
        assert abs((other[0] == up).mean() - 1 / 9) < 0.02


def test_nothing_and_mirroring_alone() -> None:
    images, rows = torch.randint(0, 256, (8, 3, 6, 6), dtype=torch.uint8), torch.arange(8)
    assert augmented(images, rows, "none", 0, 0) is images
    found, mirrored = augmented(images, rows, "flip", 0, 0), flips(rows.numpy(), 0, 0)
    assert 0 < mirrored.sum() < 8
    torch.testing.assert_close(found[mirrored], images[mirrored].flip(3))
    torch.testing.assert_close(found[~mirrored], images[~mirrored])


def test_each_step_has_a_seed_of_its_own() -> None:
    assert len({step_seed(seed, step) for seed in (0, 1, -1) for step in range(300)}) == 900
    assert 0 <= step_seed(-1, 5) < 2**63
