"""Cartoon faces with a known expression, person, pose, light and place, for tests, examples and benchmarks.

A face is a list of filled shapes and strokes in *face units*: x to the right and y down from the middle of the head,
whose half width is about 1. An expression is a set of muscle movements; a person is everything that stays the same
between two pictures of somebody. Shapes are laid over an ellipsoid, turned, and painted at twice the size.

Real faces differ from these in every way that matters to accuracy: numbers measured here say that the code works,
and nothing about people.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.face import Face
from mien.images import Pixels, resize
from mien.labels import Labels

Points: TypeAlias = NDArray[np.float64]
Colour: TypeAlias = tuple[float, float, float]

#: Painted this much larger and shrunk by area averaging: 1 is ragged at 48 px, 4 is a fifth slower and little finer.
_OVERSAMPLE = 2
#: Room that a face of a scene needs.
_CELL_PX = 40
_INK: Colour = (32, 24, 26)
_SKIN = np.array(
    [[240, 210, 190], [232, 194, 164], [224, 176, 140], [198, 146, 108], [158, 108, 76], [118, 78, 56]], float
)
_HAIR: tuple[Colour, ...] = ((34, 28, 28), (62, 42, 32), (104, 68, 42), (142, 78, 44), (190, 146, 82), (150, 146, 146))
_IRIS: tuple[Colour, ...] = ((70, 44, 28), (98, 66, 36), (70, 98, 62), (66, 104, 142), (84, 92, 100))
_STYLES = ("short", "fringe", "parted", "long", "bob", "curly", "bun", "receding", "bald")


class Muscles(NamedTuple):
    """Movements away from rest, 0 = at rest; 1 is strong. Sides are as seen in the picture."""

    brow_inner: float = 0.0  # up
    brow_outer: float = 0.0  # up
    brow_tilt: float = 0.0  # right brow up, left brow down
    squeeze: float = 0.0  # brows together
    eye: float = 0.0  # upper lid up
    squint: float = 0.0  # lower lid up
    look_down: float = 0.0  # gaze
    smile_left: float = 0.0  # corner of the mouth up
    smile_right: float = 0.0
    wide: float = 0.0  # mouth wider
    open: float = 0.0  # jaw down
    upper: float = 0.0  # upper lip up, showing teeth
    lower: float = 0.0  # lower lip down, showing teeth
    pout: float = 0.0  # lower lip forward and up
    press: float = 0.0  # lips thinner
    wrinkle: float = 0.0  # nose up, with folds across its bridge
    cheek: float = 0.0  # cheeks up


#: The ways in which each expression is drawn, the plainest first.
#: Source: which parts move follows the prototypes in P. Ekman, W. Friesen, *Unmasking the Face*, 1975; how far is ours.
_EXPRESSIONS: dict[str, tuple[Muscles, ...]] = {
    "angry": (
        Muscles(-1.0, 0.45, 0, 1.0, -0.1, 0.5, 0, -0.55, -0.55, -0.15, 0, 0, 0, 0, 0.7, 0.25, 0),
        Muscles(-1.0, 0.45, 0, 1.0, 0.1, 0.4, 0, -0.4, -0.4, 0.0, 0.5, 0.35, 0.5, 0, 0.4, 0.35, 0),
    ),
    "disgust": (
        Muscles(-0.6, -0.15, 0, 0.6, -0.5, 0.9, 0.1, -0.5, -0.5, -0.05, 0.05, 1.0, 0, 0.7, 0, 1.0, 0.5),
        Muscles(-0.5, -0.1, 0.15, 0.5, -0.45, 0.9, 0.1, -0.65, -0.35, 0.05, 0.35, 0.9, 0, 0.4, 0, 1.0, 0.5),
    ),
    "fear": (Muscles(1.0, 0.1, 0, 0.75, 1.0, -0.1, 0, -0.5, -0.5, 0.3, 0.3, 0, 0.6, 0, 0.2, 0, 0),),
    "happy": (
        Muscles(0.15, 0.15, 0, 0, -0.15, 0.6, 0, 1.0, 1.0, 0.35, 0.4, 0.1, 0, 0, 0.1, 0, 1.0),
        Muscles(0.1, 0.1, 0, 0, -0.15, 0.6, 0, 0.95, 0.95, 0.3, 0, 0, 0, 0, 0.2, 0, 0.8),
    ),
    "sad": (Muscles(0.95, -0.65, 0, 0.5, -0.45, 0.1, 0.7, -0.85, -0.85, -0.12, 0, 0, 0, 0.8, 0.1, 0, 0),),
    "surprise": (Muscles(1.05, 1.1, 0, -0.1, 1.0, -0.1, 0, 0, 0, -0.4, 1.0, 0, 0, 0, 0, 0, 0),),
    "neutral": (Muscles(),),
    "contempt": (Muscles(-0.05, 0.15, 0.7, 0, -0.35, 0.2, 0.1, -0.2, 0.95, 0.0, 0, 0, 0, 0.2, 0.35, 0, 0.2),),
}
#: Every expression that can be drawn.
EXPRESSIONS = Labels.named("ferplus8")


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


#: Least and greatest value of each length that differs between people.
_LENGTHS = {
    "width": (0.92, 1.06),
    "height": (1.14, 1.30),
    "jaw": (0.40, 0.95),
    "eye_x": (0.37, 0.45),
    "eye_y": (-0.16, -0.06),
    "eye_width": (0.19, 0.25),
    "eye_height": (0.85, 1.15),
    "brow": (0.040, 0.080),
    "nose_length": (0.36, 0.50),
    "nose_width": (0.12, 0.19),
    "mouth_y": (0.58, 0.66),
    "mouth_width": (0.30, 0.40),
    "lips": (0.050, 0.085),
}


@dataclass(frozen=True, eq=False)
class Person:
    """What stays the same between two pictures of somebody; lengths in face units (eye height and jaw are relative)."""

    skin: Colour
    hair: Colour
    iris: Colour
    lip: Colour
    shirt: Colour
    style: str
    beard: str
    has_glasses: bool
    width: float
    height: float
    jaw: float
    eye_x: float
    eye_y: float
    eye_width: float
    eye_height: float
    brow: float
    nose_length: float
    nose_width: float
    mouth_y: float
    mouth_width: float
    lips: float

    @classmethod
    @lru_cache(maxsize=4096)
    def of(cls, identity: int) -> Person:
        """The person with this number: always the same one."""
        rng = np.random.default_rng([identity, 0x6D69656E])
        tone = rng.uniform(0, len(_SKIN) - 1)
        skin = np.array([np.interp(tone, np.arange(len(_SKIN)), channel) for channel in _SKIN.T])
        light = tone < 3  # every hair and iris colour; darker skins get the two darkest of each
        style = _STYLES[rng.integers(len(_STYLES))]
        has_chance = style not in ("fringe", "long", "bob", "bun")
        beard = str(rng.choice(["none", "moustache", "full"], p=[0.5, 0.2, 0.3])) if has_chance else "none"
        lengths = {name: float(rng.uniform(*limits)) for name, limits in _LENGTHS.items()}
        return cls(
            skin=_rgb(skin),
            hair=_rgb(np.array(_HAIR[rng.integers(len(_HAIR) if light else 2)]) * rng.uniform(0.85, 1.15)),
            iris=_IRIS[rng.integers(len(_IRIS) if light else 2)],
            lip=_rgb(skin * ((0.88, 0.52, 0.54) if beard == "none" else (0.86, 0.62, 0.62))),
            shirt=_rgb(rng.uniform(40, 220, 3)),
            style=style,
            beard=beard,
            has_glasses=bool(rng.random() < 0.2),
            **lengths,
        )


class Pose(NamedTuple):
    """Where a head is and how it is turned: angles in radians, lengths in pixels of the canvas."""

    x: float
    y: float
    scale: float
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0


class _Shape(NamedTuple):
    """A filled area or a stroke."""

    points: Points
    colour: Colour
    width: float = 0.0  # of a stroke, in face units; 0 fills the shape
    lift: float = 0.0  # above the surface of the head


def _rgb(values: NDArray[Any]) -> Colour:
    """Three numbers as a colour, cut off at 0 and 255."""
    red, green, blue = np.clip(values, 0, 255).tolist()
    return red, green, blue


def _shade(colour: Colour, gain: float) -> Colour:
    return min(colour[0] * gain, 255.0), min(colour[1] * gain, 255.0), min(colour[2] * gain, 255.0)


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


def _xy(x: Any, y: Any) -> Points:
    points = np.empty((max(np.size(x), np.size(y)), 2))
    points[:, 0], points[:, 1] = x, y
    return points


def _ring(x: Any, upper: Any, lower: Any) -> Points:
    """The area between two curves over the same x."""
    points = np.empty((2 * len(x), 2))
    points[: len(x), 0], points[: len(x), 1] = x, upper
    points[len(x) :, 0], points[len(x) :, 1] = x[::-1], lower[::-1]
    return points


# Parameters along a curve, and profiles over them, computed once.
_T = np.linspace(-1, 1, 13)
_BULGE = (1 - _T**2) ** 0.6
_ARCH = 1 - _T**2
_BOW = _ARCH * (1 - 0.35 * np.exp(-((_T / 0.18) ** 2)))
_V = np.linspace(0, 1, 7)
_ANGLE = np.linspace(0, 2 * np.pi, 36, endpoint=False)
_CIRCLE = np.column_stack([np.cos(_ANGLE[::2]), np.sin(_ANGLE[::2])])
_COS, _SIN = np.cos(_ANGLE), np.sin(_ANGLE)


def _outline(person: Person, muscles: Muscles) -> Points:
    """The head, from its right side through the chin: an ellipse that narrows to the jaw and drops with it."""
    low = np.maximum(_SIN, 0)
    x = person.width * np.sign(_COS) * np.abs(_COS) ** (1 - 0.35 * low) * (1 - 0.4 * (1 - person.jaw) * low**2)
    return _xy(x, person.height * _SIN + 0.26 * muscles.open * low**2)


@lru_cache(maxsize=1024)
def _behind(person: Person) -> list[_Shape]:
    """Shoulders, hair behind the head, neck and ears."""
    width, height, dark = person.width, person.height, _shade(person.hair, 0.8)
    shapes = []
    if person.style == "bun":
        shapes.append(_Shape(_CIRCLE * (0.42, 0.4) + (0, -height - 0.22), person.hair))
    elif person.style in ("long", "bob"):
        end = 1.75 if person.style == "long" else 0.78
        curtain = _xy(np.sign(_COS) * np.abs(_COS) ** 0.55, np.where(_SIN > 0, end, height * 1.1) * _SIN)
        shapes.append(_Shape(curtain * (width * 1.2, 1), dark))
    elif person.style == "curly":
        ripple = 1 + 0.05 * np.cos(9 * _ANGLE)
        shapes.append(_Shape(_xy(width * 1.3 * _COS * ripple, (height * 1.12 * _SIN - 0.12) * ripple), dark))
    collar = _xy([0.0, 0.5, 1.3, 1.75, 1.9], [1.72, 1.55, 1.75, 2.05, 12.0])
    shapes.append(_Shape(_xy([-0.42, 0.42, 0.5, -0.5], [0.7, 0.7, 1.9, 1.9]), _shade(person.skin, 0.74)))
    shapes.append(_Shape(np.concatenate([collar, collar[:0:-1] * (-1, 1)]), person.shirt))
    ears = [_CIRCLE * (0.15, 0.25) + (side * width * 1.02, 0.05) for side in (-1, 1)]
    return [*shapes, *(_Shape(ear, _shade(person.skin, 0.86)) for ear in ears)]


@lru_cache(maxsize=1024)
def _front_hair(person: Person) -> list[_Shape]:
    """The hair that falls over the forehead: from the crown down to the hairline."""
    if person.style == "bald":
        return []
    top = -person.height
    hairline: dict[str, Any] = {
        "short": top * 0.66 + 0.1 * _T**2,
        "fringe": np.full(13, top * 0.47),
        "parted": top * 0.62 + 0.3 * np.maximum(0, 0.45 - _T) * _ARCH,
        "long": top * 0.8 + 0.45 * np.abs(_T - 0.15),
        "bob": top * 0.5 + 0.05 * _T,
        "curly": top * 0.6 + 0.05 * np.cos(9 * _T),
        "bun": top * 0.72 + 0.3 * _T**2,
        "receding": top * 0.84 + 0.16 * np.cos(5.2 * _T) - 0.05,
    }
    side = 0.0 if person.style in ("short", "receding", "curly", "bun") else -0.1
    thick = {"curly": 1.18, "receding": 1.02}.get(person.style, 1.13)
    angle = np.linspace(np.pi + side, 2 * np.pi - side, 17)
    cap = _xy(person.width * 1.05 * np.cos(angle), person.height * thick * np.sin(angle))
    inner = _xy(person.width * 0.93 * _T[::-1], hairline[person.style][::-1])
    return [_Shape(np.concatenate([cap, inner]), person.hair)]


def _eyes(person: Person, muscles: Muscles, ink: float) -> list[_Shape]:
    """White, iris and pupil clipped to the lids, lid lines and folds."""
    half, tall = person.eye_width, person.eye_width * 0.62 * person.eye_height
    slant = -0.12 * tall * _T
    droop = 0.35 * tall * max(0.0, muscles.brow_inner) * max(0.0, -muscles.brow_outer)  # the outer corner, when sad
    upper = -tall * max(0.12, 0.95 + 0.6 * muscles.eye) * _BULGE + slant + droop * _T
    lower = np.maximum(upper, tall * 0.75 * (1 - 0.6 * muscles.squint) * _ARCH + slant)
    gaze = tall * (0.3 * muscles.look_down - 0.05)
    discs = []
    for radius in (0.5, 0.25):
        x, y = half * radius * _CIRCLE[:, 0], half * radius * _CIRCLE[:, 1] + gaze
        y = np.minimum(np.maximum(y, np.interp(x, half * _T, upper)), np.interp(x, half * _T, lower))
        discs.append(_xy(x, y))
    lid, line = _xy(half * _T, upper), _shade(person.skin, 0.72)
    shapes = [
        _Shape(_ring(half * _T, upper, lower), (246, 244, 240)),
        _Shape(discs[0], person.iris),
        _Shape(discs[1], (14, 10, 12)),
        _Shape(lid, _INK, 0.055 * ink),
        _Shape(_xy(half * _T[2:-1], lower[2:-1]), line, 0.025 * ink),
        _Shape(lid - (0, 0.055 + 0.03 * muscles.eye), line, 0.03 * ink),
    ]
    if muscles.squint > 0.3:
        shapes.append(_Shape(_xy(half * 0.8 * _T[3:], lower[3:] + 0.05), line, 0.03 * ink))
    both = []
    for side in (-1, 1):
        place = (side * person.eye_x, person.eye_y)
        both += [shape._replace(points=shape.points * (side, 1) + place) for shape in shapes]
        if muscles.eye > -0.5:  # the light's reflection is on the same side of both
            both.append(_Shape(_CIRCLE[::3] * (half * 0.11) + place + (half * 0.16, -tall * 0.22), (250, 250, 250)))
    return both


def _brow(person: Person, muscles: Muscles, side: int) -> _Shape:
    raised = 0.2 * (muscles.brow_inner * (1 - _V) ** 1.2 + muscles.brow_outer * _V) + 0.12 * side * muscles.brow_tilt
    inner = person.eye_x - person.eye_width * 1.1 - 0.08 * muscles.squeeze
    x = inner + (person.eye_x + person.eye_width * 1.2 - inner) * _V
    y = person.eye_y - 0.3 - 0.08 * np.sin(np.pi * _V**0.8) - raised
    thick = person.brow * (1 - 0.65 * _V**2)
    return _Shape(_ring(x, y - thick, y + thick) * (side, 1), _mix(_shade(person.hair, 0.55), _INK, 0.35), 0.0, 0.06)


def _nose(person: Person, muscles: Muscles, ink: float) -> list[_Shape]:
    root, tip = person.eye_y + 0.05, person.eye_y + person.nose_length + 0.02 - 0.06 * muscles.wrinkle
    half = person.nose_width * (1 + 0.2 * muscles.wrinkle)
    line = _shade(person.skin, 0.6)
    shapes = [
        _Shape(_xy([-0.05, 0.05, half, -half], [root, root, tip, tip]), _shade(person.skin, 0.94), lift=0.1),
        _Shape(_xy(half * 1.05 * _T, tip + 0.01 + 0.06 * _ARCH), _shade(person.skin, 0.84), lift=0.2),
        _Shape(_xy(half * _T, tip + 0.07 * _BOW), line, 0.04 * ink, 0.2),
    ]
    wing = _xy(half + 0.03 * np.sin(np.pi * _V), tip - 0.12 + 0.14 * _V)
    shapes += [_Shape(wing * (side, 1), line, 0.03 * ink, 0.12) for side in (-1, 1)]
    if muscles.wrinkle > 0.4:
        for y in (root + 0.05, root + 0.16):
            shapes.append(_Shape(_xy(0.1 * _T, y - 0.05 * _ARCH), line, 0.035 * ink, 0.1))
    return shapes


def _folds(person: Person, muscles: Muscles, ink: float) -> list[_Shape]:
    """Blush and the lines that movement makes: beside the mouth, between the brows, across the forehead."""
    line = _shade(person.skin, 0.7)
    shapes = []
    for side, smile in ((-1, muscles.smile_left), (1, muscles.smile_right)):
        if muscles.cheek > 0.3:
            shapes.append(_Shape(_CIRCLE * (0.2, 0.13) + (side * 0.58, 0.36), _mix(person.skin, (222, 96, 88), 0.2)))
        pull = max(smile, 0.0) + 0.8 * max(muscles.upper, 0.0)
        if pull > 0.3:
            x = person.nose_width + 0.09 + (person.mouth_width * 1.3 - person.nose_width) * np.sin(_V * 1.5)
            shapes.append(_Shape(_xy(side * x, 0.3 + 0.36 * _V**1.3 - 0.06 * muscles.wrinkle), line, 0.035 * ink))
        if muscles.squeeze > 0.4 and muscles.brow_inner < 0:
            x = side * (0.07 + 0.02 * _V)
            shapes.append(_Shape(_xy(x, person.eye_y - 0.42 + 0.2 * _V), line, 0.035 * ink))
    if muscles.brow_inner > 0.5:
        across = _xy((0.5 if muscles.brow_outer > 0.5 else 0.28) * _T, person.eye_y - 0.66 - 0.03 * _ARCH)
        shapes += [_Shape(across - (0, step), line, 0.03 * ink) for step in (0.0, 0.12)]
    return shapes


def _mouth(person: Person, muscles: Muscles, ink: float) -> list[_Shape]:
    """Lips as two bands around a gap; teeth and tongue where the gap shows them."""
    x = person.mouth_width * (1 + muscles.wide) * _T
    corner = np.where(_T < 0, muscles.smile_left, muscles.smile_right)
    middle = 0.03 * (muscles.smile_left + muscles.smile_right) - 0.04 * muscles.pout
    centre = person.mouth_y + middle - (0.17 * corner + middle) * np.abs(_T) ** 1.7
    top = centre - _BULGE * (0.1 * muscles.open + 0.15 * muscles.upper)
    bottom = np.maximum(centre + _BULGE * (0.42 * muscles.open + 0.1 * muscles.lower), top)
    thin = person.lips * (1 - 0.65 * muscles.press)
    over = top - thin * _BOW * 1.1
    under = bottom + thin * (1.25 + 0.7 * muscles.pout) * _ARCH
    dark = _shade(person.lip, 0.5)
    shapes = []
    if person.beard != "none":
        reach = person.mouth_width * 1.15 * _T
        shapes.append(_Shape(_ring(reach, over - 0.17 * _BULGE, over + 0.05), person.hair))
    shapes += [
        _Shape(_ring(x, over, top + 0.01), _shade(person.lip, 0.9)),
        _Shape(_ring(x, bottom - 0.01, under), person.lip),
    ]
    gap = float((bottom - top).max())
    if gap > 0.03:
        shapes.append(_Shape(_ring(x, top, bottom), (66, 18, 24)))
        if muscles.open > 0.5 and muscles.lower < 0.3:
            tongue = bottom - np.maximum(0, _ARCH - 0.4) * 0.35 * gap
            shapes.append(_Shape(_ring(x, tongue, bottom), (190, 84, 88)))
        teeth = (242, 238, 228)
        if muscles.wide > -0.2:
            edge = np.minimum(bottom, top + _BULGE * min(0.12, 0.75 * gap))
            shapes.append(_Shape(_ring(x, top, edge), teeth))
        if muscles.lower > 0.3:
            edge = np.maximum(top, bottom - _BULGE * min(0.1, 0.3 * gap))
            shapes.append(_Shape(_ring(x, bottom, edge), teeth))
        shapes.append(_Shape(_xy(x, bottom), dark, 0.03 * ink))
    shapes.append(_Shape(_xy(x, top), dark, 0.045 * ink))
    if muscles.pout > 0.5:
        shapes.append(_Shape(_xy(x[3:-3] * 0.9, under[3:-3] + 0.06), _shade(person.skin, 0.72), 0.035 * ink))
    return shapes


def _glasses(person: Person, ink: float) -> list[_Shape]:
    radius = min(person.eye_width * 1.4, person.eye_x - 0.06)
    rim = np.concatenate([_CIRCLE, _CIRCLE[:1]]) * (radius, radius * 0.9)
    place = np.array([person.eye_x, person.eye_y + 0.02])
    lenses = [_Shape(rim + place * (side, 1), _INK, 0.045 * ink, 0.1) for side in (-1, 1)]
    bridge = _xy((person.eye_x - radius) * _T, person.eye_y - 0.04 * _ARCH)
    arms = [_xy(side * np.array([person.eye_x + radius, person.width * 1.02]), person.eye_y) for side in (-1, 1)]
    return [*lenses, *(_Shape(points, _INK, 0.04 * ink, 0.05) for points in (bridge, *arms))]


def _shapes(person: Person, muscles: Muscles, ink: float, light: Points) -> list[_Shape]:
    """All parts of a head, the farthest first."""
    outline = _outline(person, muscles)
    shapes = [
        *_behind(person),
        _Shape(outline, _shade(person.skin, 0.86)),  # the side in shadow
        _Shape(outline * 0.93 + 0.06 * light, person.skin),
        *_folds(person, muscles, ink),
    ]
    if person.beard == "full":
        jaw = outline[: len(outline) // 2 + 1]  # from the right ear to the left one
        cheeks = _xy(person.width * 0.9 * _T, 0.15 + 0.3 * _BULGE)
        shapes.append(_Shape(np.concatenate([jaw * (1.0, 1.03), cheeks]), _shade(person.hair, 0.85)))
    shapes.append(_Shape(np.concatenate([outline, outline[:1]]), _shade(person.skin, 0.5), 0.03 * ink))
    for part in (_eyes, _nose, _mouth):
        shapes += part(person, muscles, ink)
    # Brows lie over the hair, as cartoonists do it: the expression stays readable below a fringe.
    shapes += [*_front_hair(person), *(_brow(person, muscles, side) for side in (-1, 1))]
    return [*shapes, *_glasses(person, ink)] if person.has_glasses else shapes


def _place(points: Points, lift: NDArray[np.float64] | float, person: Person, pose: Pose) -> Points:
    """Lay face-unit points over the head's ellipsoid, turn it, and give pixels of the canvas, (n, 2)."""
    x, y = points[:, 0], points[:, 1]
    z = np.sqrt(np.maximum(0, 1 - (x / person.width) ** 2 - (y / person.height) ** 2)) + lift
    x, z = x * math.cos(pose.yaw) + z * math.sin(pose.yaw), z * math.cos(pose.yaw) - x * math.sin(pose.yaw)
    y = y * math.cos(pose.pitch) + z * math.sin(pose.pitch)
    near = pose.scale * (0.95 + 0.06 * z)  # a mild perspective: what is nearer is larger
    x, y = x * near, y * near
    cos, sin = math.cos(pose.roll), math.sin(pose.roll)
    return np.column_stack([pose.x + x * cos - y * sin, pose.y + x * sin + y * cos])


def _paint(canvas: Pixels, shapes: list[_Shape], person: Person, pose: Pose) -> None:
    """Paint the shapes in their order; all points are placed at once, because many small arrays are slow."""
    lift = np.repeat([shape.lift for shape in shapes], [len(shape.points) for shape in shapes])
    placed = _place(np.concatenate([shape.points for shape in shapes]), lift, person, pose)
    fixed = np.rint(placed * 16).astype(np.int32)  # OpenCV takes coordinates with `shift` fractional bits
    first = 0
    for shape in shapes:
        part = fixed[first : first + len(shape.points)]
        first += len(part)
        if shape.width:
            thick = max(1, round(shape.width * pose.scale))
            cv2.polylines(canvas, [part], False, shape.colour, thick, cv2.LINE_AA, 4)
        else:
            cv2.fillPoly(canvas, [part], shape.colour, cv2.LINE_AA, 4)


def _backdrop(canvas: Pixels, look: Look, rng: np.random.Generator, variation: float) -> None:
    """Fill the canvas with what is behind the faces."""
    height, width = canvas.shape[:2]
    side = max(height, width)
    base = 150 + variation * (rng.uniform(-60, 60) + rng.uniform(-32, 32, 3))
    cv2.rectangle(canvas, (0, 0), (width, height), _rgb(base), -1)
    if look.backdrop == "plain":
        return
    draws = rng.random((8, 4))
    colours = [_rgb(base + 120 * (row[0] - 0.5) + 60 * (row[1:] - 0.5)) for row in draws]
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


def _express(expression: str, rng: np.random.Generator, intensity: float, variation: float) -> Muscles:
    """One way of showing an expression, stronger or weaker, sometimes mirrored."""
    ways = _EXPRESSIONS[EXPRESSIONS.names[EXPRESSIONS.index(expression)]]
    way, strength, mirror = rng.random(3).tolist()
    amounts = np.array(ways[int(way * len(ways)) if variation else 0])
    amounts *= intensity * (1 + variation * (0.5 * strength - 0.3))
    amounts += 0.06 * variation * rng.standard_normal(len(amounts))
    muscles = Muscles(*amounts.tolist())
    if mirror < 0.5 and variation:
        muscles = muscles._replace(
            smile_left=muscles.smile_right, smile_right=muscles.smile_left, brow_tilt=-muscles.brow_tilt
        )
    return muscles._replace(open=max(0.0, muscles.open), squint=max(0.0, muscles.squint))


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
    muscles = _express(expression, rng, intensity, variation)
    person = Person.of(identity)
    side = size_px * _OVERSAMPLE
    canvas = np.empty((side, side, 3), np.uint8)
    pose = _pose(rng, variation, 0.5 * side, 0.5 * side, 0.335 * side)
    light = _light(rng)
    _backdrop(canvas, look, rng, variation)
    _paint(canvas, _shapes(person, muscles, look.ink, light * variation), person, pose)
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
        muscles = _express(expression, rng, 1.0, 1.0)
        person = Person.of(_identity(seed, number))
        row, column = divmod(number, columns)
        x = (column + 0.5) * canvas.shape[1] / columns
        y = (row + 0.46) * canvas.shape[0] / rows
        pose = _pose(rng, 1.0, x, y, 0.27 * cell * rng.uniform(0.8, 1.0))
        _paint(canvas, _shapes(person, muscles, look.ink, light), person, pose)
        found.append(_truth(person, muscles, pose))
        shown.append(expression)
    return _develop(canvas, size_px, cell / _OVERSAMPLE, look, rng, 1.0, light), found, shown


def _truth(person: Person, muscles: Muscles, pose: Pose) -> Face:
    """Box and landmarks of a painted head, in pixels of the finished picture."""
    outline = _place(_outline(person, muscles), 0.0, person, pose)
    reach = person.mouth_width * (1 + muscles.wide)
    corners = [
        [side * reach, person.mouth_y - 0.17 * smile]
        for side, smile in ((-1, muscles.smile_left), (1, muscles.smile_right))
    ]
    eyes = [[side * person.eye_x, person.eye_y] for side in (-1, 1)]
    points = np.array([*eyes, [0.0, person.eye_y + person.nose_length], *corners])
    landmarks = _place(points, np.array([0, 0, 0.2, 0, 0]), person, pose)
    box = np.concatenate([outline.min(axis=0), outline.max(axis=0)])
    # OpenCV paints (0, 0) at the middle of the first pixel; a box counts from that pixel's corner.
    box, landmarks = ((values + 0.5) / _OVERSAMPLE for values in (box, landmarks))
    return Face(box.astype(np.float32), 1.0, landmarks.astype(np.float32))
