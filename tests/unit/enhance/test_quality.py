"""PSNR by hand, SSIM by a second implementation."""

import math

import numpy as np
import pytest

from mien.enhance.quality import psnr, ssim
from mien.errors import InputError


def test_psnr_by_hand():
    original = np.zeros((2, 2), np.uint8)
    picture = np.array([[10, 0], [0, 0]], np.uint8)  # the mean of squares is 25
    assert psnr(picture, original) == pytest.approx(20 * math.log10(255 / 5))
    assert psnr(original, picture) == pytest.approx(20 * math.log10(255 / 5))
    assert psnr(picture, picture) == math.inf


def slow_ssim(one, other):
    """Window by window, with weights and definitions written out."""
    axis = np.arange(11) - 5
    weights = np.exp(-(axis[:, None] ** 2 + axis[None, :] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    c1, c2 = 6.5025, 58.5225
    found = []
    for top in range(one.shape[0] - 10):
        for left in range(one.shape[1] - 10):
            x, y = (each[top : top + 11, left : left + 11].astype(float) for each in (one, other))
            mx, my = (weights * x).sum(), (weights * y).sum()
            vx, vy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum()
            vxy = (weights * (x - mx) * (y - my)).sum()
            found.append((2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return float(np.mean(found))


def test_ssim_by_a_second_implementation():
    draw = np.random.default_rng(1)
    one = draw.integers(0, 256, (16, 14), dtype=np.uint8)
    other = np.clip(one.astype(int) + draw.integers(-40, 40, one.shape), 0, 255).astype(np.uint8)
    assert ssim(one, other) == pytest.approx(slow_ssim(one, other), abs=1e-9)
    assert ssim(one, one) == pytest.approx(1)
    assert ssim(one, 255 - one) < 0


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_pictures_that_cannot_be_compared(measure):
    with pytest.raises(InputError, match="one shape"):
        measure(np.zeros((12, 12), np.uint8), np.zeros((12, 13), np.uint8))


def test_ssim_needs_room_for_its_window():
    with pytest.raises(InputError, match="11 each way"):
        ssim(np.zeros((10, 12), np.uint8), np.zeros((10, 12), np.uint8))
