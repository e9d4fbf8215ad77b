"""Which face of this frame is which face of the last one?

Tracking by detection: every track foresees where its face is now, and takes the new face that overlaps that place most.
Nothing is known of what a face looks like: a person who was gone for longer than ``max_gap_s`` comes back with a new
number. Numbers are never used twice.

Source: Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016. What differs: time is in seconds, so that
frames may be missing or come at an uneven rate; the motion is that of the box's centre, smoothed, instead of a Kalman
filter; pairs are taken greedily, the best overlap first, instead of by the Hungarian method (faces overlap so little
that the two differ only when three boxes meet); a face gets its number when it is first seen, not after three frames.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.face import Face

#: How quickly a track believes in a new velocity: detectors' boxes tremble by a few pixels from frame to frame.
VELOCITY_S = 0.15
#: A face that is not seen goes on at its velocity for about so long, and then stays: people who turn away stop.
COAST_S = 0.3


@dataclass
class _Track:
    number: int
    box: NDArray[np.float64]
    time_s: float
    velocity: NDArray[np.float64] | None = None

    def at(self, time_s: float) -> NDArray[np.float64]:
        """The box foreseen: its centre moves on, slower and slower; its size stays."""
        if self.velocity is None:
            return self.box
        way = self.velocity * COAST_S * -math.expm1(-(time_s - self.time_s) / COAST_S)
        return self.box + np.tile(way, 2)

    def take(self, box: NDArray[np.float64], time_s: float) -> None:
        step_s = time_s - self.time_s
        if step_s > 0:
            moved = ((box[:2] + box[2:]) - (self.box[:2] + self.box[2:])) / 2 / step_s
            if self.velocity is None:
                self.velocity = moved
            else:
                self.velocity = self.velocity - math.expm1(-step_s / VELOCITY_S) * (moved - self.velocity)
        self.box, self.time_s = box, time_s


class Tracker:
    """Gives faces of successive frames their numbers.

    Args:
        max_gap_s: a face that is found again within this time keeps its number.
        min_overlap: the least intersection over union of the box foreseen and the box found. A face that moved by 0.7
            of its own width still overlaps by 0.18.

    Raises:
        InputError: a value is out of its range.

    Example:
        >>> tracker = Tracker()
        >>> left, right = Face(np.array([0, 0, 9, 9], np.float32)), Face(np.array([20, 0, 29, 9], np.float32))
        >>> tracker.update([left, right], time_s=0.0)
        [1, 2]
        >>> tracker.update([right], time_s=0.04)
        [2]
    """

    def __init__(self, max_gap_s: float = 1.0, min_overlap: float = 0.15) -> None:
        if max_gap_s < 0:
            raise InputError(f"max_gap_s is {max_gap_s}: expected 0 seconds or more")
        if not 0 < min_overlap <= 1:
            raise InputError(f"min_overlap is {min_overlap}: expected more than 0, at most 1")
        self.max_gap_s = max_gap_s
        self.min_overlap = min_overlap
        self._tracks: dict[int, _Track] = {}
        self._last = 0

    @property
    def alive(self) -> frozenset[int]:
        """Numbers that a face of the next frame may get."""
        return frozenset(self._tracks)

    def update(self, faces: Sequence[Face], time_s: float) -> list[int]:
        """Number the faces of one frame.

        Args:
            faces: as a detector found them.
            time_s: of the frame; must not go back.

        Returns:
            A number for each face, from 1, in the order of ``faces``.
        """
        self.forget(time_s)
        boxes = np.array([face.box for face in faces], np.float64).reshape(-1, 4)
        tracks = list(self._tracks.values())
        foreseen = np.array([track.at(time_s) for track in tracks]).reshape(-1, 4)
        overlaps = overlap(foreseen, boxes)
        numbers = [0] * len(faces)
        while overlaps.size and overlaps.max() >= self.min_overlap:
            row, column = divmod(int(overlaps.argmax()), len(faces))
            tracks[row].take(boxes[column], time_s)
            numbers[column] = tracks[row].number
            overlaps[row, :] = overlaps[:, column] = -1.0
        for column, number in enumerate(numbers):
            if number == 0:
                self._last += 1
                numbers[column] = self._last
                self._tracks[self._last] = _Track(self._last, boxes[column], time_s)
        return numbers

    def place(self, number: int, face: Face, time_s: float) -> None:
        """Tell where the face of a track is now, when that is known without looking for faces."""
        self._tracks[number].take(face.box.astype(np.float64), time_s)

    def forget(self, time_s: float) -> None:
        """Drop the tracks whose faces have been gone for too long."""
        self._tracks = {
            number: track for number, track in self._tracks.items() if time_s - track.time_s <= self.max_gap_s
        }


def overlap(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of every box of ``first`` (N, 4) with every box of ``second`` (M, 4), xyxy: (N, M)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = (high - low).clip(0).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))
