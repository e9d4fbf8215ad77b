"""Small pictures from large ones."""

import cv2
import numpy as np
import pytest
import torch

from mien.parts import Degrade
from mien.train.degrade import KERNELS, _filters, cut, shrink

PLAIN = Degrade(clean=1)


def drawn(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(5))


def seed(number=0):
    return torch.Generator().manual_seed(number)


@pytest.mark.parametrize("scale", [2, 4])
def test_a_clean_picture_is_shrunk_as_opencv_averages_areas(scale):
    large = (drawn(3, 1, 32, 24) * 255).round() / 255
    small = shrink(large, scale, PLAIN, seed())
    for mine, picture in zip(small[:, 0], large[:, 0], strict=True):
        pixels = (picture.numpy() * 255).astype(np.uint8)
        theirs = cv2.resize(pixels, (24 // scale, 32 // scale), interpolation=cv2.INTER_AREA)
        assert np.abs(mine.numpy() * 255 - theirs).max() <= 1  # halves may be rounded either way


def test_filters_sum_to_one_and_are_symmetric():
    kind = torch.arange(len(KERNELS)).repeat(2)
    filters = _filters(kind, torch.tensor([0.0] * 4 + [0.7] * 4), 4)
    torch.testing.assert_close(filters.sum(dim=1), torch.ones(8))
    torch.testing.assert_close(filters, filters.flip(1), atol=1e-6, rtol=0)
    taps = filters[0][filters[0] > 1e-6]
    torch.testing.assert_close(taps, torch.full((4,), 0.25))


def test_blur_has_the_sigma_that_was_asked_for():
    """Variances add up: that of the area (one pixel wide: 1/12 - of four points 15/192) and that of the blur."""
    (filters,) = _filters(torch.tensor([0]), torch.tensor([0.6]), 4)
    places = (torch.arange(len(filters)) - (len(filters) - 1) / 2) / 4
    assert float((filters * places**2).sum()) == pytest.approx(15 / 192 + 0.36, abs=0.002)


def test_a_flat_picture_stays_flat_without_noise():
    flat = torch.full((4, 1, 32, 32), 100 / 255)
    small = shrink(flat, 4, Degrade(clean=0, noise=0, jpeg_share=0), seed())
    torch.testing.assert_close(small, torch.full((4, 1, 8, 8), 100 / 255))


def test_noise_and_jpeg_do_something_and_the_generator_decides():
    large = drawn(4, 1, 64, 64)
    soft = shrink(large, 4, Degrade(clean=0, noise=0, jpeg_share=0), seed())
    noisy = shrink(large, 4, Degrade(clean=0, noise=0.1, jpeg_share=0), seed())
    jpeg = shrink(large, 4, Degrade(clean=0, noise=0, jpeg_share=1, jpeg_quality=5), seed())
    assert not torch.equal(soft, noisy)
    assert not torch.equal(soft, jpeg)
    mixed = Degrade(clean=0.3)
    torch.testing.assert_close(shrink(large, 4, mixed, seed(1)), shrink(large, 4, mixed, seed(1)))
    assert not torch.equal(shrink(large, 4, mixed, seed(1)), shrink(large, 4, mixed, seed(2)))
    for small in (soft, noisy, jpeg):
        assert 0 <= float(small.min()) <= float(small.max()) <= 1
        torch.testing.assert_close(small * 255, (small * 255).round())


def test_pieces_come_from_the_picture_at_whole_steps():
    grid = torch.arange(32 * 32).reshape(1, 1, 32, 32).repeat(40, 1, 1, 1)
    pieces = cut(grid, 16, 4, seed())
    assert pieces.shape == (40, 1, 16, 16)
    corners, mirrored = set(), 0
    for piece in pieces[:, 0]:
        is_mirrored = bool(piece[0, 0] > piece[0, 1])
        mirrored += is_mirrored
        first = int((piece.flip(1) if is_mirrored else piece)[0, 0])
        corners.add(divmod(first, 32))
    assert all(top % 4 == 0 and left % 4 == 0 for top, left in corners)
    assert {top for top, _ in corners} == {0, 4, 8, 12, 16}
    assert 10 < mirrored < 30
    assert cut(grid, 99, 4, seed()).shape == grid.shape
