"""What goes wrong with pictures: one function each, from hardly visible (1) to bad (5).

Every entry takes a face (S, S, 3) uint8 RGB, a severity from 1 to 5 and a random generator, and gives a face of the
same size. Lengths are shares of the face's side, so that they mean the same at any size.

Source of the idea: D. Hendrycks, T. Dietterich, "Benchmarking neural network robustness to common corruptions and
perturbations", ICLR 2019. The kinds are those that faces in video and old photographs suffer from; the strengths are
our own, chosen for faces of 48 to 224 pixels.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np

from mien.errors import InputError
from mien.images import Pixels, resize
from mien.table import Table

Generator: TypeAlias = np.random.Generator

CORRUPTIONS = Table(
    "corruption",
    {
        "blur": ("mien.evaluate.corruptions:blur", "out of focus"),
        "noise": ("mien.evaluate.corruptions:noise", "grain of a sensor in little light"),
        "jpeg": ("mien.evaluate.corruptions:jpeg", "strong compression"),
        "darkness": ("mien.evaluate.corruptions:darkness", "too little light"),
        "low_resolution": ("mien.evaluate.corruptions:low_resolution", "a small face, enlarged"),
        "rotation": ("mien.evaluate.corruptions:rotation", "a tilted head or camera"),
    },
)
SEVERITIES = (1, 2, 3, 4, 5)


def corrupt(face: Pixels, name: str, severity: int, *, row: int = 0, seed: int = 0) -> Pixels:
    """Corrupt one face; the same row and seed give the same picture, in whatever order the rows come.

    Args:
        face: (S, S, 3) uint8 RGB.
        name: an entry of ``CORRUPTIONS``.
        severity: from 1 to 5.
        row: number of the face in its data.
        seed: of all draws.

    Raises:
        UnknownName: no such corruption.
        InputError: no such severity.

    Example:
        >>> corrupt(np.full((4, 4, 3), 200, np.uint8), "darkness", 2)[0, 0].tolist()
        [100, 100, 100]
    """
    function = CORRUPTIONS.load(name)
    if severity not in SEVERITIES:
        raise InputError(f"severity {severity}: expected 1 (hardly visible) to 5 (bad)")
    kind = CORRUPTIONS.names().index(name)
    corrupted: Pixels = function(face, severity, np.random.default_rng((seed, row, kind, severity)))
    return corrupted


def blur(face: Pixels, severity: int, generator: Generator) -> Pixels:
    """Gaussian blur; standard deviation 1 to 6 % of the side."""
    sigma = (0.01, 0.02, 0.03, 0.045, 0.06)[severity - 1] * face.shape[0]
    return np.asarray(cv2.GaussianBlur(face, (0, 0), sigma), np.uint8)


def noise(face: Pixels, severity: int, generator: Generator) -> Pixels:
    """Independent Gaussian noise in every pixel, the same in all channels so that grey faces stay grey."""
    sigma = 255 * (0.04, 0.08, 0.12, 0.18, 0.26)[severity - 1]
    noisy = face + sigma * generator.standard_normal((*face.shape[:2], 1))
    return np.rint(noisy).clip(0, 255).astype(np.uint8)


def jpeg(face: Pixels, severity: int, generator: Generator) -> Pixels:
    """JPEG of quality 50 to 7, at the size of the face."""
    quality = (50, 30, 18, 12, 7)[severity - 1]
    _, content = cv2.imencode(".jpg", face[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])


def darkness(face: Pixels, severity: int, generator: Generator) -> Pixels:
    """Values times 0.7 to 0.1, rounded to 8 bits as a camera would."""
    return np.asarray(np.rint(face * (0.7, 0.5, 0.35, 0.2, 0.1)[severity - 1]), np.uint8)


def low_resolution(face: Pixels, severity: int, generator: Generator) -> Pixels:
    """Shrunk to 60 to 15 % of the side, and enlarged again."""
    side = face.shape[0]
    small = max(2, round((0.6, 0.45, 0.33, 0.22, 0.15)[severity - 1] * side))
    return resize(resize(face, small, small), side, side)


def rotation(face: Pixels, severity: int, generator: Generator) -> Pixels:
    """Turned by 5 to 45 degrees, to the left or to the right; the border is repeated outwards."""
    degrees = (5, 10, 20, 30, 45)[severity - 1] * generator.choice((-1, 1))
    side = face.shape[0]
    turn = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), float(degrees), 1.0)
    turned = cv2.warpAffine(face, turn, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8)
