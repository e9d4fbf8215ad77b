"""Does a set already have this photograph, perhaps mirrored, turned a little, enlarged a little, blurred?

``hashes.alike`` finds pictures that were only shifted. Whoever draws faces may draw a training picture again at a
slightly other angle and size, so every picture is tried in nine poses here, against its nearest few of the set.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.data.hashes import ALIKE, ALIKE_MIRRORED, SIDE_PX, correlation, detail, fingerprints
from mien.images import Pixels

#: Poses that are tried: turned by so many degrees, enlarged by such factors.
TURNS, SCALES = (-4.0, 0.0, 4.0), (0.94, 1.0, 1.06)
#: Members of the set, nearest by their fingerprints, that a pose is compared with. Twenty find no more than five.
NEAREST = 5
#: Members whose fingerprints agree less (cosine) with a pose are not compared with it: it is not the right pose.
CLOSE = 0.55
#: Pictures looked up at a time.
CHUNK = 256


class Match(NamedTuple):
    """What the set has most like a picture.

    Attributes:
        row: of the set.
        similarity: correlation of fine detail, -1 to 1.
        is_mirrored: the picture is more like it when mirrored.
        is_copy: so much alike that they are one photograph.
    """

    row: int
    similarity: float
    is_mirrored: bool
    is_copy: bool


class Copies:
    """Finds the photographs of a set again.

    Two pictures are one photograph when the fine detail of their thumbnails correlates with 0.75, or with 0.80 when
    one is mirrored (the thresholds of :mod:`mien.data.hashes`), at the best of nine poses and of all shifts by up to
    two of 32 pixels.

    Args:
        thumbnails: (N, 32, 32) uint8 of ``mien.data.hashes.Prints``.
        rows: those to compare with, sorted; None for all.

    Example:
        >>> drawn = np.random.default_rng(0).integers(0, 256, (3, 32, 32), np.uint8)
        >>> match = Copies(drawn).find(drawn[1:2, :, ::-1])[0]
        >>> match.row, match.is_mirrored, match.is_copy
        (1, True, True)
    """

    def __init__(self, thumbnails: Pixels, rows: NDArray[np.intp] | None = None) -> None:
        self._rows = np.arange(len(thumbnails)) if rows is None else rows
        kept = thumbnails[self._rows]
        self._prints, self._fine = fingerprints(kept), detail(kept)

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, thumbnails: Pixels, besides: NDArray[np.intp] | None = None) -> list[Match]:
        """Find what is most like each picture.

        Args:
            thumbnails: (M, 32, 32) uint8.
            besides: (M,) a row of the set for each picture that does not count: the picture itself.
        """
        found: list[Match] = []
        for start in range(0, len(thumbnails), CHUNK):
            own = None if besides is None else besides[start : start + CHUNK]
            found += self._find(thumbnails[start : start + CHUNK], own)
        return found

    def _find(self, thumbnails: Pixels, besides: NDArray[np.intp] | None) -> list[Match]:
        best = np.full((2, len(thumbnails)), -1.0, np.float32)
        place = np.zeros((2, len(thumbnails)), np.intp)
        for is_mirrored in (False, True):
            faced = np.ascontiguousarray(thumbnails[:, :, ::-1]) if is_mirrored else thumbnails
            for pose in itertools.product(TURNS, SCALES):
                posed = _pose(faced, *pose)
                first, second = self._candidates(fingerprints(posed), besides, is_upright=pose == (0.0, 1.0))
                similarity = correlation(detail(posed)[first], self._fine[second])
                order = np.argsort(similarity, kind="stable")  # of several for one picture the best is written last
                way, rows = int(is_mirrored), first[order]
                better = similarity[order] > best[way, rows]
                best[way, rows[better]] = similarity[order][better]
                place[way, rows[better]] = second[order][better]
        copied = best >= np.array([[ALIKE], [ALIKE_MIRRORED]])
        chosen = np.where(copied[0] == copied[1], best[0] < best[1], copied[1]).astype(np.intp)
        return [
            Match(int(self._rows[place[way, row]]), float(best[way, row]), bool(way), bool(copied[way, row]))
            for row, way in enumerate(chosen)
        ]

    def _candidates(
        self, prints: NDArray[np.float32], besides: NDArray[np.intp] | None, *, is_upright: bool
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Pairs of a picture and a member that are worth comparing: the nearest few of each that are near."""
        agreement = prints @ self._prints.T
        if besides is not None:
            place = np.searchsorted(self._rows, besides).clip(max=len(self) - 1)
            own = np.flatnonzero(self._rows[place] == besides)
            agreement[own, place[own]] = -2
        few = min(NEAREST, len(self))
        nearest = np.argpartition(agreement, len(self) - few, axis=1)[:, len(self) - few :]
        near = np.take_along_axis(agreement, nearest, axis=1)
        wanted = near >= (-1 if is_upright else CLOSE)  # so that each picture is compared with something
        first, column = np.nonzero(wanted)
        return first, nearest[first, column]


def _pose(thumbnails: Pixels, turn: float, scale: float) -> Pixels:
    if turn == 0 and scale == 1:
        return thumbnails
    middle = (SIDE_PX - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), turn, scale)
    turned = [cv2.warpAffine(each, matrix, (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REPLICATE) for each in thumbnails]
    return np.asarray(turned, np.uint8).reshape(-1, SIDE_PX, SIDE_PX)
