"""Cartoon faces with a known expression, person, pose, light and place, for tests, examples and benchmarks.

A person (``toy_person``) is everything that stays the same between two pictures of somebody, an expression is a set of
muscle movements, and a head (``toy_head``) is drawn from both. Here they get a pose, a backdrop, light and noise.

Real faces differ from these in every way that matters to accuracy: numbers measured here say that the code works,
and nothing about people.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.data.sources.toy_head import Points, Pose, head_outline, head_shapes, paint, project
from mien.data.sources.toy_person import EXPRESSIONS, Colour, Muscles, Person, express, rgb
from mien.errors import InputError
from mien.face import Face
from mien.images import Pixels, resize
from mien.labels import Labels

#: Painted this much larger and shrunk by area averaging: 1 is ragged at 48 px, 4 is a fifth slower and little finer.
_OVERSAMPLE = 2
#: Room that a face of a scene needs.
_CELL_PX = 40


@dataclass(frozen=True)
class Look:
    """How all pictures of one source look.

    Attributes:
        backdrop: what is behind the face.
        cast: gain of red, green and blue.
        brightness: mean gain.
        contrast: around mid grey.
        blur: standard deviation, as a fraction of the side of a picture with one face.
        ink: thickness of lines, relative.
        noise: standard deviation in grey levels.
        light: strength of the light's direction.
    """

    backdrop: Literal["plain", "blocks", "stripes", "bokeh"] = "plain"
    cast: Colour = (1.0, 1.0, 1.0)
    brightness: float = 1.0
    contrast: float = 1.0
    blur: float = 0.0
    ink: float = 1.0
    noise: float = 3.0
    light: float = 0.25


#: One look per domain, in the order in which domains are added.
LOOKS: dict[str, Look] = {
    "studio": Look(),
    "webcam": Look("blocks", (0.9, 1.0, 1.06), 0.85, 0.75, 0.018, 0.8, 9.0, 0.3),
    "comic": Look("stripes", (1.06, 1.02, 0.88), 1.12, 1.35, 0.0, 2.0, 1.0, 0.1),
    "night": Look("bokeh", (1.05, 0.86, 0.7), 0.55, 0.9, 0.008, 1.0, 7.0, 0.6),
}


def _backdrop(canvas: Pixels, look: Look, rng: np.random.Generator, variation: float) -> None:
    """Fill the canvas with what is behind the faces."""
    height, width = canvas.shape[:2]
    side = max(height, width)
    base = 150 + variation * (rng.uniform(-60, 60) + rng.uniform(-32, 32, 3))
    cv2.rectangle(canvas, (0, 0), (width, height), rgb(base), -1)
    if look.backdrop == "plain":
        return
    draws = rng.random((8, 4))
    colours = [rgb(base + 120 * (row[0] - 0.5) + 60 * (row[1:] - 0.5)) for row in draws]
    if look.backdrop == "stripes":
        for start in range(-side, side, side // 4):
            cv2.line(canvas, (start, 0), (start + side, side), colours[0], side // 16, cv2.LINE_AA)
        return
    for (x, y, size, _), colour in zip(draws.tolist(), colours, strict=True):
        left, upper = int(x * width), int(y * height)
        if look.backdrop == "blocks":
            cv2.rectangle(canvas, (left, upper), (left + int(size * side / 2), upper + side // 2), colour, -1)
        else:
            cv2.circle(canvas, (left, upper), int(side * (0.03 + 0.12 * size)), colour, -1, cv2.LINE_AA)


@lru_cache(maxsize=16)
def _ramps(height: int, width: int) -> NDArray[np.float32]:
    """Coordinates across and down from -1 to 1, (2, H, W, 3)."""
    across, down = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    return np.stack([np.repeat(ramp[:, :, None], 3, axis=2) for ramp in (across, down)]).astype(np.float32)


def _develop(
    canvas: Pixels,
    size: tuple[int, int],
    near_px: float,
    look: Look,
    rng: np.random.Generator,
    variation: float,
    light: Points,
) -> Pixels:
    """Shrink the canvas to (height, width) and apply blur, light, colour cast, contrast and noise.

    ``near_px`` is the room of one face, the measure of blur.
    """
    image = resize(canvas, *size)
    if look.blur:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), look.blur * near_px), np.uint8)
    bright, contrast, slope = (variation * rng.uniform((-0.28, -0.2, 0.4), (0.16, 0.2, 1.6))).tolist()
    contrast = look.contrast * (1 + contrast)
    across, down = _ramps(*size)
    right, below = (light * (slope * look.light)).tolist()
    gain = across * np.float32(right) + down * np.float32(below)
    gain = (gain + np.float32(1)) * np.float32(look.brightness * (1 + bright))
    values = (image * np.float32(contrast) + np.float32(128 * (1 - contrast))) * gain
    if look.cast != (1.0, 1.0, 1.0):
        values *= np.asarray(look.cast, np.float32)
    if variation:
        noise = rng.standard_normal(size, np.float32) * np.float32(look.noise * variation)
        values += cv2.merge([noise, noise, noise])
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def _light(rng: np.random.Generator) -> Points:
    angle = rng.uniform(0, 2 * math.pi)
    return np.array([math.cos(angle), math.sin(angle)])


def _pose(rng: np.random.Generator, variation: float, x: float, y: float, scale: float) -> Pose:
    """A pose near the frontal one; standard deviations: 7 degrees of roll and pitch, 9 of yaw; twice that at most."""
    roll, yaw, pitch, right, down, size = (variation * np.clip(rng.standard_normal(6), -2, 2)).tolist()
    scale *= 1 + 0.05 * size
    return Pose(
        x + 0.07 * scale * right, y + (0.02 + 0.07 * down) * scale, scale, 0.12 * roll, 0.16 * yaw, 0.12 * pitch
    )


def draw_face(
    expression: str,
    *,
    identity: int,
    rng: np.random.Generator,
    size_px: int = 96,
    intensity: float = 1.0,
    variation: float = 1.0,
    look: Look = LOOKS["studio"],
) -> Pixels:
    """Draw one face.

    Args:
        expression: a class of FER+ by any of its spellings.
        identity: the same number is the same person.
        rng: draws how the expression is shown, its strength, the pose, the light and the backdrop.
        size_px: side of the square picture, 16 or more.
        intensity: strength of the expression, 0 = none, 1 = clear.
        variation: how much ``rng`` may change; 0 = the plainest way, frontal, in the middle, even light, no noise.
        look: style of the picture.

    Returns:
        (size_px, size_px, 3) uint8, RGB.

    Raises:
        LabelError: there is no drawing of this expression.
        InputError: the picture is smaller than 16 pixels.

    Example:
        >>> draw_face("happy", identity=7, rng=np.random.default_rng(0)).shape
        (96, 96, 3)
    """
    if size_px < 16:
        raise InputError(f"size_px={size_px}: a toy face needs a picture of at least 16 pixels")
    muscles = express(expression, rng, intensity, variation)
    person = Person.of(identity)
    side = size_px * _OVERSAMPLE
    canvas = np.empty((side, side, 3), np.uint8)
    pose = _pose(rng, variation, 0.5 * side, 0.5 * side, 0.335 * side)
    light = _light(rng)
    _backdrop(canvas, look, rng, variation)
    paint(canvas, head_shapes(person, muscles, look.ink, light * variation), person, pose)
    return _develop(canvas, (size_px, size_px), size_px, look, rng, variation, light)


@dataclass(frozen=True, eq=False)
class ToyFaces:
    """A drawn data set.

    Attributes:
        images: (N, H, W, 3) uint8, RGB.
        targets: (N,) int64 class indices of ``labels``.
        labels: the classes.
        subjects: who is in the picture, one name per picture; nobody is in two domains.
        domain: name of the look, one per picture.
    """

    images: Pixels
    targets: NDArray[np.int64]
    labels: Labels
    subjects: list[str]
    domain: list[str]

    def __len__(self) -> int:
        return len(self.images)


def toy_faces(
    count: int,
    *,
    labels: Labels,
    size_px: int = 48,
    subjects: int = 50,
    domains: int = 1,
    shares: Sequence[float] | None = None,
    seed: int = 0,
    intensity: float = 1.0,
    variation: float = 1.0,
) -> ToyFaces:
    """Draw a data set; a picture depends on its number and the arguments, never on ``count``.

    Args:
        count: how many pictures. A longer set begins with the shorter one.
        labels: the classes, all of them among the FER+ ones.
        size_px: side of the square pictures.
        subjects: how many different people, dealt to the domains in turn.
        domains: how many looks (of :data:`LOOKS`, in its order); pictures are dealt to them in turn.
        shares: relative frequency per class; equal when None. Every prefix of the set keeps to them.
        seed: 0 or more; another one gives other people and other pictures.
        intensity: see :func:`draw_face`.
        variation: see :func:`draw_face`.

    Raises:
        LabelError: a class that cannot be drawn.
        InputError: a number out of range, or shares that are not one per class.

    Example:
        >>> faces = toy_faces(6, labels=Labels(("happy", "sad", "angry")), subjects=2)
        >>> faces.images.shape, faces.targets.tolist()
        ((6, 48, 48, 3), [0, 1, 2, 0, 1, 2])
    """
    if count < 1 or seed < 0 or not 1 <= domains <= len(LOOKS) or subjects < domains:
        raise InputError(
            f"toy faces: count={count}, seed={seed}, domains={domains}, subjects={subjects}; expected at least one "
            f"picture, a seed of 0 or more, 1 to {len(LOOKS)} domains and at least one subject per domain"
        )
    for name in labels:
        EXPRESSIONS.index(name)  # say so now, not at the first picture of a rare class
    targets = _deal(count, np.ones(len(labels)) if shares is None else np.asarray(shares, float), len(labels))
    looks = list(LOOKS.items())[:domains]
    images = np.empty((count, size_px, size_px, 3), np.uint8)
    who, where = [], []
    seen = np.zeros(len(labels), np.int64)
    for index, target in enumerate(targets.tolist()):
        rng = np.random.default_rng([seed, index])
        domain = int(seen[target]) % domains
        seen[target] += 1
        people = range(domain, subjects, domains)  # those of this domain
        subject = people[int(rng.integers(len(people)))]
        images[index] = draw_face(
            labels.names[target],
            identity=_identity(seed, subject),
            rng=rng,
            size_px=size_px,
            intensity=intensity,
            variation=variation,
            look=looks[domain][1],
        )
        who.append(f"toy-{subject:03d}")
        where.append(looks[domain][0])
    return ToyFaces(images, targets, labels, who, where)


def _identity(seed: int, subject: int) -> int:
    return seed * 1_000_003 + subject


def _deal(count: int, shares: NDArray[np.float64], classes: int) -> NDArray[np.int64]:
    """The class of each picture: always the one that lags most behind its share."""
    if shares.shape != (classes,) or not np.isfinite(shares).all() or shares.min() < 0 or shares.sum() <= 0:
        raise InputError(f"shares={shares.tolist()}: expected {classes} numbers >= 0 that are not all 0, one per class")
    shares = shares / shares.sum()
    dealt = np.zeros(classes)
    targets = np.empty(count, np.int64)
    for index in range(count):
        targets[index] = np.argmax(shares * (index + 1) - dealt)
        dealt[targets[index]] += 1
    return targets


def toy_scene(
    faces: int,
    *,
    size_px: tuple[int, int] = (480, 640),
    labels: Labels = EXPRESSIONS,
    look: Look = LOOKS["studio"],
    seed: int = 0,
) -> tuple[Pixels, list[Face], list[str]]:
    """Draw a picture with several people.

    Args:
        faces: how many, 0 or more.
        size_px: (height, width) of the picture.
        labels: the classes to draw from.
        look: style of the picture.
        seed: another seed gives another picture.

    Returns:
        The picture, (H, W, 3) uint8 RGB; the faces row by row, with landmarks and a box from crown to chin (without
        ears and hair); the expression of each.

    Raises:
        LabelError: a class that cannot be drawn.
        InputError: a negative number of faces, or too many for the size.
    """
    height, width = size_px
    rng = np.random.default_rng([seed, 0x5CE4E])
    columns = max(1, min(faces, math.ceil(math.sqrt(faces * width / height))))
    rows = max(1, math.ceil(faces / columns))
    cell = min(width / columns, height / rows) * _OVERSAMPLE
    if faces < 0 or cell < _CELL_PX * _OVERSAMPLE:
        raise InputError(
            f"toy scene: {faces} faces in {height} x {width} pixels; expected 0 or more, "
            f"with room of {_CELL_PX} x {_CELL_PX} pixels for each"
        )
    canvas = np.empty((height * _OVERSAMPLE, width * _OVERSAMPLE, 3), np.uint8)
    _backdrop(canvas, look, rng, 1.0)
    light = _light(rng)
    found: list[Face] = []
    shown: list[str] = []
    for number in range(faces):
        expression = labels.names[int(rng.integers(len(labels)))]
        muscles = express(expression, rng, 1.0, 1.0)
        person = Person.of(_identity(seed, number))
        row, column = divmod(number, columns)
        x = (column + 0.5) * canvas.shape[1] / columns
        y = (row + 0.46) * canvas.shape[0] / rows
        pose = _pose(rng, 1.0, x, y, 0.27 * cell * rng.uniform(0.8, 1.0))
        paint(canvas, head_shapes(person, muscles, look.ink, light), person, pose)
        found.append(_truth(person, muscles, pose))
        shown.append(expression)
    return _develop(canvas, size_px, cell / _OVERSAMPLE, look, rng, 1.0, light), found, shown


def _truth(person: Person, muscles: Muscles, pose: Pose) -> Face:
    """Box and landmarks of a painted head, in pixels of the finished picture."""
    outline = project(head_outline(person, muscles), 0.0, person, pose)
    reach = person.mouth_width * (1 + muscles.wide)
    corners = [
        [side * reach, person.mouth_y - 0.17 * smile]
        for side, smile in ((-1, muscles.smile_left), (1, muscles.smile_right))
    ]
    eyes = [[side * person.eye_x, person.eye_y] for side in (-1, 1)]
    points = np.array([*eyes, [0.0, person.eye_y + person.nose_length], *corners])
    landmarks = project(points, np.array([0, 0, 0.2, 0, 0]), person, pose)
    box = np.concatenate([outline.min(axis=0), outline.max(axis=0)])
    # OpenCV paints (0, 0) at the middle of the first pixel; a box counts from that pixel's corner.
    box, landmarks = ((values + 0.5) / _OVERSAMPLE for values in (box, landmarks))
    return Face(box.astype(np.float32), 1.0, landmarks.astype(np.float32))
