"""Where has a face gone since the last frame, without looking for faces again?

Source: Kalal, Mikolajczyk and Matas, "Forward-Backward Error: Automatic Detection of Tracking Failures", ICPR 2010
(median flow): points on a grid in the box are followed by Lucas and Kanade's method there and back; those that do not
come back to where they started do not count; the median of the others is the way, and the median change of the
distances between them the change of size. What differs: a grid of 7 x 7 points over the middle of the box, because
corners of a face's box show the background; no template check.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.face import Face
from mien.images import Pixels, resize

GRID = 7
#: The grid covers this share of the box's sides.
MIDDLE = 0.7
#: Points that come back further away than this, in pixels of the view, are lost.
MAX_ERROR_PX = 1.0
#: A face with fewer good points than this has not been followed.
MIN_POINTS = 12
#: Faces are looked at in about this size: larger ones cost time and gain nothing.
VIEW_PX = 64
#: Part of the picture around a face, in sides of its box, in which it can be found again.
REACH = 0.5


def follow(before: Pixels, after: Pixels, face: Face) -> Face | None:
    """Find a face of one frame in the next.

    Args:
        before: (H, W) uint8 grey, the frame of ``face``.
        after: the next frame, of the same size.
        face: where it was.

    Returns:
        Where it is, box and landmarks moved and scaled alike; None when it was lost or has left the picture.
    """
    box = face.box.astype(np.float64)
    size = box[2:] - box[:2]
    height, width = before.shape
    low = np.floor(box[:2] - REACH * size).clip(0).astype(int)
    high = np.ceil(box[2:] + REACH * size).clip(0).astype(int)
    views = [picture[low[1] : min(high[1], height), low[0] : min(high[0], width)] for picture in (before, after)]
    if min(views[0].shape) < 16:
        return None
    scale = min(1.0, VIEW_PX / float(size.max()))
    if scale < 1:
        rows, columns = (max(1, round(side * scale)) for side in views[0].shape)
        views = [resize(view, rows, columns) for view in views]
    steps = 0.5 + MIDDLE * (np.linspace(0, 1, GRID) - 0.5)
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    points = ((box[:2] + grid * size - low) * scale).astype(np.float32)
    moved, good = _there_and_back(views[0], views[1], points)
    if good.sum() < MIN_POINTS:
        return None
    old, new = points[good].astype(np.float64), moved[good].astype(np.float64)
    way, growth = np.median(new - old, axis=0) / scale, _growth(old, new)
    centre = (box[:2] + box[2:]) / 2
    if not 0.8 < growth < 1.25 or not ((centre + way > 0) & (centre + way < (width, height))).all():
        return None
    found = np.concatenate([centre + way - growth * size / 2, centre + way + growth * size / 2])
    marks = None if face.landmarks is None else ((face.landmarks - centre) * growth + centre + way).astype(np.float32)
    return replace(face, box=found.astype(np.float32), landmarks=marks)


def _there_and_back(
    before: Pixels, after: Pixels, points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Points (N, 2) in the second view, and which of them (N,) can be believed."""
    how = {"winSize": (11, 11), "maxLevel": 2}
    there, found, _ = cv2.calcOpticalFlowPyrLK(before, after, points[:, None], None, **how)  # type: ignore[call-overload]
    back, found_back, _ = cv2.calcOpticalFlowPyrLK(after, before, there, None, **how)  # type: ignore[call-overload]
    moved = np.asarray(there[:, 0], np.float32)
    error = np.hypot(*(np.asarray(back[:, 0], np.float32) - points).T)
    good = (found[:, 0] > 0) & (found_back[:, 0] > 0) & (error <= MAX_ERROR_PX)
    return moved, np.asarray(good, np.bool_)


def _growth(old: NDArray[np.float64], new: NDArray[np.float64]) -> float:
    """Median change of the distances between all pairs of points."""
    first, second = np.triu_indices(len(old), 1)
    before, after = (np.hypot(*(points[first] - points[second]).T) for points in (old, new))
    return float(np.median(after / before))
