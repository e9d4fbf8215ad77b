"""Where are the faces? Detectors by name, and square crops around what they find.

    >>> from mien.faces import DETECTORS, detector
    >>> DETECTORS.names()
    ['libfacedetection', 'yunet', 'whole']
    >>> import numpy as np
    >>> [face.box.tolist() for face in detector("whole").detect(np.zeros((40, 30, 3), np.uint8))]
    [[0.0, 0.0, 30.0, 40.0]]

This layer does not know what an expression is, and it reads no files but the detectors' own.
"""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Any, Protocol

from mien.errors import InputError
from mien.face import Face
from mien.faces.align import crop, crops
from mien.images import Pixels
from mien.table import Table, did_you_mean

__all__ = ["DEFAULT", "DETECTORS", "Detector", "crop", "crops", "detector"]

DETECTORS = Table(
    "detector",
    {
        "libfacedetection": ("mien.faces.yunet:shipped", "YuNet of libfacedetection; ships with mien, 5 landmarks"),
        "yunet": ("mien.faces.yunet:from_store", "a YuNet file of yours (option path, or in the model store)"),
        "whole": ("mien.faces.whole:Whole", "the picture already is a face: the box is the whole frame"),
    },
)

#: The detector used when none is named: works offline, wherever ONNX Runtime does.
DEFAULT = "libfacedetection"


class Detector(Protocol):
    """Something that finds faces."""

    def detect(self, image: Pixels) -> list[Face]:
        """Find the faces of one picture.

        Args:
            image: (H, W, 3) uint8, RGB, of any size.

        Returns:
            Faces in pixels of ``image``, the largest box first; empty when there is none.
        """
        ...


def detector(name: str = DEFAULT, **options: Any) -> Detector:
    """Build a detector, or give the one built before with the same options.

    Args:
        name: an entry of ``DETECTORS``.
        options: the entry's own, e.g. ``min_score=0.8, min_size_px=40, longest_side_px=1280, threads=2``.

    Raises:
        UnknownName: no such detector.
        InputError: the detector has no such option, or its value makes no sense.
        ModelError: the detector's model file is missing or is not one.
    """
    known = list(inspect.signature(DETECTORS.load(name)).parameters)
    for option in options:
        if option not in known:
            hint = did_you_mean(option, known) if known else "it has none"
            raise InputError(f"detector {name!r} has no option {option!r}: {hint}")
    return _build(name, tuple(sorted(options.items())))


@lru_cache(maxsize=16)
def _build(name: str, options: tuple[tuple[str, Any], ...]) -> Detector:
    built: Detector = DETECTORS.load(name)(**dict(options))
    return built
