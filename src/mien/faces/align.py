"""Square crops around faces, made upright where landmarks exist."""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.face import Face
from mien.images import Pixels

#: Eyes and corners of the mouth of an upright face around their common centre, in widths of a FER2013 frame: medians
#: over 1,470 of its faces (benchmarks/detectors.py framing).
UPRIGHT = np.array([-0.20 - 0.18j, 0.20 - 0.18j, -0.16 + 0.18j, 0.16 + 0.18j])


def crop(image: Pixels, face: Face, margin: float, shift: float = 0.0, level: bool = True) -> Pixels:
    """Cut a square around a face.

    The square is centred on the box and has the side ``max(w, h) * (1 + margin)``. Where it reaches outside the
    picture, the border pixels are repeated. With landmarks and ``level``, the picture is turned around the box's
    centre so that the face stands upright and its eyes are level: one warp, without a change of scale. The pixels are
    the picture's own: nothing is shrunk here, so that whoever resizes can average areas.

    Args:
        image: (H, W, 3) uint8, RGB.
        face: where; its box may reach outside the picture.
        margin: 0.2 makes the square 20 % wider than the box's longer side; negative cuts into the face.
        shift: moves the square along the face's own vertical, in fractions of its side; positive is towards the chin.
        level: turn the face upright when it has landmarks.

    Returns:
        (S, S, 3) uint8, RGB; S = round(max(w, h) * (1 + margin)), at least 1.

    Raises:
        InputError: the box is empty or not finite, or the margin is -1 or less.
    """
    x1, y1, x2, y2 = face.box.tolist()
    if not (math.isfinite(x1 + y1 + x2 + y2) and x2 > x1 and y2 > y1):
        raise InputError(f"a face box of {[x1, y1, x2, y2]}: expected x1 < x2 and y1 < y2, in pixels")
    if not margin > -1:
        raise InputError(f"margin is {margin}: expected more than -1, as a fraction of the box's longer side")
    side = max(1, round(face.size_px * (1 + margin)))
    angle = lean(face.landmarks) if level and face.landmarks is not None else 0.0
    if angle == 0.0:
        return _cut(image, (x1 + x2) / 2, (y1 + y2) / 2 + shift * side, side)
    return _turn(image, ((x1 + x2) / 2, (y1 + y2) / 2), angle, shift * side, side)


def crops(image: Pixels, faces: Iterable[Face], margin: float, shift: float = 0.0, level: bool = True) -> list[Pixels]:
    """Cut every face of one picture, in the order given; see ``crop``."""
    return [crop(image, face, margin, shift, level) for face in faces]


def lean(landmarks: NDArray[np.float32]) -> float:
    """How far a face leans, in radians, clockwise, by the four outer landmarks.

    All four, and not the line between the eyes alone, because that is short and noisy when a face is turned to the
    side.

    Source: Umeyama, "Least-squares estimation of transformation parameters between two point patterns", IEEE PAMI 13,
    1991; in the plane the rotation is the angle of sum(conj(template) * point), both as complex numbers.
    """
    corners = landmarks[[0, 1, 3, 4]].astype(np.float64)
    points = corners[:, 0] + 1j * corners[:, 1]
    total = complex((np.conj(UPRIGHT) * (points - points.mean())).sum())
    return math.atan2(total.imag, total.real) if math.isfinite(abs(total)) else 0.0


def _cut(image: Pixels, centre_x: float, centre_y: float, side: int) -> Pixels:
    """Whole pixels, so that nothing is interpolated."""
    height, width = image.shape[:2]
    left, top = round(centre_x - side / 2), round(centre_y - side / 2)
    if left >= 0 and top >= 0 and left + side <= width and top + side <= height:
        return image[top : top + side, left : left + side].copy()
    columns, rows = np.arange(left, left + side).clip(0, width - 1), np.arange(top, top + side).clip(0, height - 1)
    return np.asarray(image[rows[:, None], columns], np.uint8)


def _turn(image: Pixels, centre: tuple[float, float], angle: float, down: float, side: int) -> Pixels:
    cosine, sine = math.cos(angle), math.sin(angle)
    middle_x, middle_y = centre[0] - sine * down, centre[1] + cosine * down
    reach = math.ceil(side * math.sqrt(0.5)) + 2  # half a diagonal holds the square at any angle
    patch = _cut(image, round(middle_x), round(middle_y), 2 * reach)  # warpAffine refuses pictures of 32,768 px
    # Pixel u, v of the crop lies at (u - half, v - half) on the face's own axes, the first of which points along the
    # eyes. Pixel centres are at whole numbers for warpAffine and at halves for boxes: hence the 0.5.
    half = (side - 1) / 2
    origin_x, origin_y = middle_x - round(middle_x) + reach - 0.5, middle_y - round(middle_y) + reach - 0.5
    matrix = np.array(
        [
            [cosine, -sine, origin_x - cosine * half + sine * half],
            [sine, cosine, origin_y - sine * half - cosine * half],
        ]
    )
    return np.asarray(
        cv2.warpAffine(patch, matrix, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP), np.uint8
    )
