"""Which frames of a video are looked at, and which of their faces are kept. Knows nothing of files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.face import Face
from mien.faces import DEFAULT, Detector, crop
from mien.images import Pixels, grey
from mien.runtime.clip import Clip, Frame
from mien.runtime.video import Every

#: Side of the small grey picture by which frames are compared, in pixels.
SMALL_PX = 32
#: Side of the grey face whose sharpness is measured, so that large and small faces can be compared.
SHARP_PX = 96


@dataclass(frozen=True)
class Picking:
    """What is kept of a video.

    Attributes:
        every: frames that are looked at.
        scene: look at a frame only when it differs from the one looked at before by this share of the full range, on
            average over the picture; 0 for all. Cuts change 0.1 to 0.4, a person who moves 0.01 to 0.05.
        best_s: keep only the sharpest face of each so many seconds; 0 keeps all.
        smallest_px: faces whose longer side is shorter are left out.
        sharpness: faces that are less sharp (:func:`sharpness`) are left out.
        margin: what is cut out around a face, as a fraction of its longer side.
        largest: keep only the largest face of a frame.
        detector: name of an entry of ``mien.faces.DETECTORS``.

    Raises:
        InputError: a number out of its range.
    """

    every: Every = field(default_factory=lambda: Every(seconds=1.0))
    scene: float = 0.0
    best_s: float = 0.0
    smallest_px: int = 40
    sharpness: float = 0.0
    margin: float = 0.4
    largest: bool = False
    detector: str = DEFAULT

    def __post_init__(self) -> None:
        for name, most in (("scene", 1.0), ("best_s", 3600.0), ("margin", 3.0)):
            if not 0 <= getattr(self, name) <= most:
                raise InputError(f"{name} is {getattr(self, name):g}: expected 0 to {most:g}")
        if self.smallest_px < 1:
            raise InputError(f"smallest_px is {self.smallest_px}: expected 1 or more")
        if self.sharpness < 0:
            raise InputError(f"sharpness is {self.sharpness:g}: expected 0 or more")


@dataclass(frozen=True, eq=False)
class Picked:
    """A face that is kept.

    Attributes:
        frame: number of the frame, from 0.
        time_s: of the frame.
        number: of the face in its frame, the largest first, from 0.
        image: (S, S, 3) uint8 RGB, the face with its margin, upright.
        box: where the face is in ``image``: x1, y1, x2, y2 in pixels.
        score: of the detector.
        sharpness: see :func:`sharpness`.
    """

    frame: int
    time_s: float
    number: int
    image: Pixels
    box: tuple[float, float, float, float]
    score: float
    sharpness: float


def pick(clip: Clip, detector: Detector, picking: Picking) -> Iterator[Picked]:
    """Read a video once and give the faces that are kept, in the order of time; a few frames are in memory at a time.

    Args:
        clip: an open video.
        detector: finds the faces.
        picking: what is kept.
    """
    best: Picked | None = None
    window = 0
    for frame in _looked_at(clip, picking):
        for found in _faces(frame, detector, picking):
            if not picking.best_s:
                yield found
                continue
            if best is not None and int(found.time_s // picking.best_s) != window:
                yield best
                best = None
            window = int(found.time_s // picking.best_s)
            if best is None or found.sharpness > best.sharpness:
                best = found
    if best is not None:
        yield best


def sharpness(face: Pixels) -> float:
    """How sharp a picture is: the variance of its Laplacian at a fixed size, so that sizes can be compared.

    Blurred faces have below 20, faces as webcams see them 50 to 300, sharp photographs 500 and more.

    Source: J. L. Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000. It is measured at
    96 x 96 pixels here.

    Example:
        >>> flat, stripes = np.zeros((50, 50, 3), np.uint8), np.zeros((96, 96, 3), np.uint8)
        >>> stripes[:, ::4] = 255
        >>> sharpness(flat), sharpness(stripes) > 1000
        (0.0, True)
    """
    small = cv2.resize(grey(face), (SHARP_PX, SHARP_PX), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(small, cv2.CV_64F).var())


def _looked_at(clip: Clip, picking: Picking) -> Iterator[Frame]:
    is_due = picking.every.picker()
    before: NDArray[np.float32] | None = None
    for frame in clip.frames():
        if not is_due(frame.time_s):
            continue
        if picking.scene:
            small = cv2.resize(grey(frame.image), (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
            if before is not None and float(np.abs(small - before).mean()) / 255 < picking.scene:
                continue
            before = small
        yield frame


def _faces(frame: Frame, detector: Detector, picking: Picking) -> Iterator[Picked]:
    found = detector.detect(frame.image)
    for number, face in enumerate(found[:1] if picking.largest else found):
        x1, y1, x2, y2 = face.box.tolist()
        if max(x2 - x1, y2 - y1) < picking.smallest_px:
            continue
        image = crop(frame.image, face, picking.margin)
        box = _inside(face, image)
        clear = sharpness(_cut(image, box))
        if clear >= picking.sharpness:
            yield Picked(frame.number, frame.time_s, number, image, box, float(face.score), clear)


def _inside(face: Face, image: Pixels) -> tuple[float, float, float, float]:
    """The box in the picture that was cut out around it, whose centre is the box's."""
    x1, y1, x2, y2 = face.box.tolist()
    centre = image.shape[0] / 2
    half = ((x2 - x1) / 2, (y2 - y1) / 2)
    return centre - half[0], centre - half[1], centre + half[0], centre + half[1]


def _cut(image: Pixels, box: tuple[float, float, float, float]) -> Pixels:
    x1, y1, x2, y2 = (max(0, round(value)) for value in box)
    return image[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
