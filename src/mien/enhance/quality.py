"""How like the original is an enlarged picture? PSNR and SSIM of 8-bit grey pictures."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.images import Pixels

#: Constants and window of Wang et al. for values from 0 to 255.
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
WINDOW, SIGMA = 11, 1.5


def psnr(picture: Pixels, original: Pixels) -> float:
    """Peak signal-to-noise ratio in dB; infinite when the two are the same.

    Args:
        picture: (H, W) uint8, grey.
        original: the same shape.

    Raises:
        InputError: the two cannot be compared.

    Example:
        >>> black, grey = np.zeros((8, 8), np.uint8), np.full((8, 8), 51, np.uint8)
        >>> round(psnr(grey, black), 2)  # 20 log10(255 / 51)
        13.98
    """
    _check(picture, original)
    error = float(np.mean((picture.astype(np.float64) - original.astype(np.float64)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def ssim(picture: Pixels, original: Pixels) -> float:
    """Structural similarity, -1 to 1; 1 when the two are the same.

    The mean over all places where the window of 11 x 11 pixels (Gaussian, sigma 1.5) lies inside the picture.

    Args:
        picture: (H, W) uint8, grey, at least 11 pixels each way.
        original: the same shape.

    Raises:
        InputError: the two cannot be compared.

    Source: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004, equation 13.
    """
    _check(picture, original)
    if min(picture.shape) < WINDOW:
        raise InputError(f"a picture of {picture.shape[1]} x {picture.shape[0]} pixels: SSIM needs {WINDOW} each way")
    mine, theirs = picture.astype(np.float64), original.astype(np.float64)
    mean, other = _blur(mine), _blur(theirs)
    variance, of_other = _blur(mine * mine) - mean * mean, _blur(theirs * theirs) - other * other
    together = _blur(mine * theirs) - mean * other
    likeness = (2 * mean * other + C1) * (2 * together + C2)
    likeness /= (mean * mean + other * other + C1) * (variance + of_other + C2)
    return float(likeness.mean())


@lru_cache(maxsize=1)
def _window() -> NDArray[np.float64]:
    return np.asarray(cv2.getGaussianKernel(WINDOW, SIGMA, cv2.CV_64F), np.float64)


def _blur(values: NDArray[np.float64]) -> NDArray[np.float64]:
    edge = WINDOW // 2
    blurred = np.asarray(cv2.sepFilter2D(values, cv2.CV_64F, _window(), _window()), np.float64)
    return blurred[edge:-edge, edge:-edge]


def _check(picture: Pixels, original: Pixels) -> None:
    if picture.ndim != 2 or picture.shape != original.shape:
        raise InputError(f"pictures of shape {picture.shape} and {original.shape}: expected two of one shape (H, W)")
