"""Square crops around faces, with the eyes made level."""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.face import Face
from mien.images import Pixels


def crop(image: Pixels, face: Face, margin: float, shift: float = 0.0, level: bool = True) -> Pixels:
    """Cut a square around a face.

    The square is centred on the box and has the side ``max(w, h) * (1 + margin)``. Where it reaches outside the
    picture, the border pixels are repeated. With landmarks and ``level``, the picture is turned around the box's
    centre so that the line between the eyes is level; the similarity transform of one warp, without a change of
    scale. The pixels are the picture's own: nothing is shrunk here, so that whoever resizes can average areas.

    Args:
        image: (H, W, 3) uint8, RGB.
        face: where; its box may reach outside the picture.
        margin: 0.2 makes the square 20 % wider than the box's longer side; negative cuts into the face.
        shift: moves the square along the face's own vertical, in fractions of its side; positive is towards the chin.
        level: turn the face upright when it has landmarks.

    Returns:
        (S, S, 3) uint8, RGB; S = round(max(w, h) * (1 + margin)), at least 1.

    Raises:
        InputError: the box is empty or not finite, the margin is -1 or less, or the picture is empty.
    """
    x1, y1, x2, y2 = face.box.tolist()
    if not (math.isfinite(x1 + y1 + x2 + y2) and x2 > x1 and y2 > y1):
        raise InputError(f"a face box of {[x1, y1, x2, y2]}: expected x1 < x2 and y1 < y2, in pixels")
    if not margin > -1:
        raise InputError(f"margin is {margin}: expected more than -1, as a fraction of the box's longer side")
    side = max(1, round(face.size_px * (1 + margin)))
    angle = _roll(face.landmarks) if level and face.landmarks is not None else 0.0
    if angle == 0.0:
        return _cut(image, (x1 + x2) / 2, (y1 + y2) / 2 + shift * side, side)
    return _turn(image, ((x1 + x2) / 2, (y1 + y2) / 2), angle, shift * side, side)


def crops(
    image: Pixels, faces: Iterable[Face], margin: float, shift: float = 0.0, level: bool = True
) -> list[Pixels]:
    """Cut every face of one picture, in the order given; see ``crop``."""
    return [crop(image, face, margin, shift, level) for face in faces]


def _roll(landmarks: NDArray[np.float32]) -> float:
    """Angle of the line from the right to the left eye against the picture's rows, in radians, clockwise."""
    across, down = (landmarks[1] - landmarks[0]).tolist()
    return math.atan2(down, across) if math.isfinite(across + down) else 0.0


def _cut(image: Pixels, centre_x: float, centre_y: float, side: int) -> Pixels:
    """Whole pixels, so that nothing is interpolated."""
    height, width = image.shape[:2]
    columns = np.arange(side) + round(centre_x - side / 2)
    rows = np.arange(side) + round(centre_y - side / 2)
    return image[rows.clip(0, height - 1)[:, None], columns.clip(0, width - 1)]


def _turn(image: Pixels, centre: tuple[float, float], angle: float, down: float, side: int) -> Pixels:
    cosine, sine = math.cos(angle), math.sin(angle)
    # A pixel (u, v) of the crop lies at (u - middle, v - middle + down) on the face's own axes, of which the first
    # points along the eyes. Pixel centres are at whole numbers for warpAffine, at halves for boxes: hence the -0.5.
    middle = (side - 1) / 2
    matrix = np.array(
        [
            [cosine, -sine, centre[0] - 0.5 - cosine * middle - sine * (down - middle)],
            [sine, cosine, centre[1] - 0.5 - sine * middle + cosine * (down - middle)],
        ]
    )
    turned = cv2.warpAffine(
        image, matrix, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(turned, np.uint8)
