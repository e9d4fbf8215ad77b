"""Photographs brought to one size, for benchmarks of whole pictures."""

from __future__ import annotations

import cv2
import numpy as np

from mien.images import Pixels


def on_canvas(image: Pixels, share: float = 1.0) -> Pixels:
    """The picture, as large as it fits or a share of that, in the middle of grey of 640 x 480 px."""
    scale = share * min(640 / image.shape[1], 480 / image.shape[0])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:480, :640]
    board = np.full((480, 640, 3), 128, np.uint8)
    top, left = (480 - small.shape[0]) // 2, (640 - small.shape[1]) // 2
    board[top : top + small.shape[0], left : left + small.shape[1]] = small
    return board
