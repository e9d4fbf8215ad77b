"""The drawing of a toy head: filled shapes and strokes, turned in space and painted.

Shapes are in *face units*: x to the right and y down from the middle of the head, whose half width is about 1. They
are laid over an ellipsoid, turned and moved to pixels; the farthest is painted first.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.data.sources.toy_person import Colour, Muscles, Person
from mien.images import Pixels

Points: TypeAlias = NDArray[np.float64]
_INK: Colour = (32, 24, 26)


class Pose(NamedTuple):
    """Where a head is and how it is turned: angles in radians, lengths in pixels of the canvas."""

    x: float
    y: float
    scale: float
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0


class Shape(NamedTuple):
    """A filled area or a stroke."""

    points: Points
    colour: Colour
    width: float = 0.0  # of a stroke, in face units; 0 fills the shape
    lift: float = 0.0  # above the surface of the head


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


def head_outline(person: Person, muscles: Muscles) -> Points:
    """The head, from its right side through the chin: an ellipse that narrows to the jaw and drops with it."""
    low = np.maximum(_SIN, 0)
    x = person.width * np.sign(_COS) * np.abs(_COS) ** (1 - 0.35 * low) * (1 - 0.4 * (1 - person.jaw) * low**2)
    return _xy(x, person.height * _SIN + 0.26 * muscles.open * low**2)


@lru_cache(maxsize=1024)
def _behind(person: Person) -> list[Shape]:
    """Shoulders, hair behind the head, neck and ears."""
    width, height, dark = person.width, person.height, _shade(person.hair, 0.8)
    shapes = []
    if person.style == "bun":
        shapes.append(Shape(_CIRCLE * (0.42, 0.4) + (0, -height - 0.22), person.hair))
    elif person.style in ("long", "bob"):
        end = 1.75 if person.style == "long" else 0.78
        curtain = _xy(np.sign(_COS) * np.abs(_COS) ** 0.55, np.where(_SIN > 0, end, height * 1.1) * _SIN)
        shapes.append(Shape(curtain * (width * 1.2, 1), dark))
    elif person.style == "curly":
        ripple = 1 + 0.05 * np.cos(9 * _ANGLE)
        shapes.append(Shape(_xy(width * 1.3 * _COS * ripple, (height * 1.12 * _SIN - 0.12) * ripple), dark))
    collar = _xy([0.0, 0.5, 1.3, 1.75, 1.9], [1.72, 1.55, 1.75, 2.05, 12.0])
    shapes.append(Shape(_xy([-0.42, 0.42, 0.5, -0.5], [0.7, 0.7, 1.9, 1.9]), _shade(person.skin, 0.74)))
    shapes.append(Shape(np.concatenate([collar, collar[:0:-1] * (-1, 1)]), person.shirt))
    ears = [_CIRCLE * (0.15, 0.25) + (side * width * 1.02, 0.05) for side in (-1, 1)]
    return [*shapes, *(Shape(ear, _shade(person.skin, 0.86)) for ear in ears)]


@lru_cache(maxsize=1024)
def _front_hair(person: Person) -> list[Shape]:
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
    return [Shape(np.concatenate([cap, inner]), person.hair)]


def _eyes(person: Person, muscles: Muscles, ink: float) -> list[Shape]:
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
        Shape(_ring(half * _T, upper, lower), (246, 244, 240)),
        Shape(discs[0], person.iris),
        Shape(discs[1], (14, 10, 12)),
        Shape(lid, _INK, 0.055 * ink),
        Shape(_xy(half * _T[2:-1], lower[2:-1]), line, 0.025 * ink),
        Shape(lid - (0, 0.055 + 0.03 * muscles.eye), line, 0.03 * ink),
    ]
    if muscles.squint > 0.3:
        shapes.append(Shape(_xy(half * 0.8 * _T[3:], lower[3:] + 0.05), line, 0.03 * ink))
    both = []
    for side in (-1, 1):
        place = (side * person.eye_x, person.eye_y)
        both += [shape._replace(points=shape.points * (side, 1) + place) for shape in shapes]
        if muscles.eye > -0.5:  # the light's reflection is on the same side of both
            both.append(Shape(_CIRCLE[::3] * (half * 0.11) + place + (half * 0.16, -tall * 0.22), (250, 250, 250)))
    return both


def _brow(person: Person, muscles: Muscles, side: int) -> Shape:
    raised = 0.2 * (muscles.brow_inner * (1 - _V) ** 1.2 + muscles.brow_outer * _V) + 0.12 * side * muscles.brow_tilt
    inner = person.eye_x - person.eye_width * 1.1 - 0.08 * muscles.squeeze
    x = inner + (person.eye_x + person.eye_width * 1.2 - inner) * _V
    y = person.eye_y - 0.3 - 0.08 * np.sin(np.pi * _V**0.8) - raised
    thick = person.brow * (1 - 0.65 * _V**2)
    return Shape(_ring(x, y - thick, y + thick) * (side, 1), _mix(_shade(person.hair, 0.55), _INK, 0.35), 0.0, 0.06)


def _nose(person: Person, muscles: Muscles, ink: float) -> list[Shape]:
    root, tip = person.eye_y + 0.05, person.eye_y + person.nose_length + 0.02 - 0.06 * muscles.wrinkle
    half = person.nose_width * (1 + 0.2 * muscles.wrinkle)
    line = _shade(person.skin, 0.6)
    shapes = [
        Shape(_xy([-0.05, 0.05, half, -half], [root, root, tip, tip]), _shade(person.skin, 0.94), lift=0.1),
        Shape(_xy(half * 1.05 * _T, tip + 0.01 + 0.06 * _ARCH), _shade(person.skin, 0.84), lift=0.2),
        Shape(_xy(half * _T, tip + 0.07 * _BOW), line, 0.04 * ink, 0.2),
    ]
    wing = _xy(half + 0.03 * np.sin(np.pi * _V), tip - 0.12 + 0.14 * _V)
    shapes += [Shape(wing * (side, 1), line, 0.03 * ink, 0.12) for side in (-1, 1)]
    if muscles.wrinkle > 0.4:
        for y in (root + 0.05, root + 0.16):
            shapes.append(Shape(_xy(0.1 * _T, y - 0.05 * _ARCH), line, 0.035 * ink, 0.1))
    return shapes


def _folds(person: Person, muscles: Muscles, ink: float) -> list[Shape]:
    """Blush and the lines that movement makes: beside the mouth, between the brows, across the forehead."""
    line = _shade(person.skin, 0.7)
    shapes = []
    for side, smile in ((-1, muscles.smile_left), (1, muscles.smile_right)):
        if muscles.cheek > 0.3:
            shapes.append(Shape(_CIRCLE * (0.2, 0.13) + (side * 0.58, 0.36), _mix(person.skin, (222, 96, 88), 0.2)))
        pull = max(smile, 0.0) + 0.8 * max(muscles.upper, 0.0)
        if pull > 0.3:
            x = person.nose_width + 0.09 + (person.mouth_width * 1.3 - person.nose_width) * np.sin(_V * 1.5)
            shapes.append(Shape(_xy(side * x, 0.3 + 0.36 * _V**1.3 - 0.06 * muscles.wrinkle), line, 0.035 * ink))
        if muscles.squeeze > 0.4 and muscles.brow_inner < 0:
            x = side * (0.07 + 0.02 * _V)
            shapes.append(Shape(_xy(x, person.eye_y - 0.42 + 0.2 * _V), line, 0.035 * ink))
    if muscles.brow_inner > 0.5:
        across = _xy((0.5 if muscles.brow_outer > 0.5 else 0.28) * _T, person.eye_y - 0.66 - 0.03 * _ARCH)
        shapes += [Shape(across - (0, step), line, 0.03 * ink) for step in (0.0, 0.12)]
    return shapes


def _mouth(person: Person, muscles: Muscles, ink: float) -> list[Shape]:
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
        shapes.append(Shape(_ring(reach, over - 0.17 * _BULGE, over + 0.05), person.hair))
    shapes += [
        Shape(_ring(x, over, top + 0.01), _shade(person.lip, 0.9)),
        Shape(_ring(x, bottom - 0.01, under), person.lip),
    ]
    gap = float((bottom - top).max())
    if gap > 0.03:
        shapes.append(Shape(_ring(x, top, bottom), (66, 18, 24)))
        if muscles.open > 0.5 and muscles.lower < 0.3:
            tongue = bottom - np.maximum(0, _ARCH - 0.4) * 0.35 * gap
            shapes.append(Shape(_ring(x, tongue, bottom), (190, 84, 88)))
        teeth = (242, 238, 228)
        if muscles.wide > -0.2:
            edge = np.minimum(bottom, top + _BULGE * min(0.12, 0.75 * gap))
            shapes.append(Shape(_ring(x, top, edge), teeth))
        if muscles.lower > 0.3:
            edge = np.maximum(top, bottom - _BULGE * min(0.1, 0.3 * gap))
            shapes.append(Shape(_ring(x, bottom, edge), teeth))
        shapes.append(Shape(_xy(x, bottom), dark, 0.03 * ink))
    shapes.append(Shape(_xy(x, top), dark, 0.045 * ink))
    if muscles.pout > 0.5:
        shapes.append(Shape(_xy(x[3:-3] * 0.9, under[3:-3] + 0.06), _shade(person.skin, 0.72), 0.035 * ink))
    return shapes


def _glasses(person: Person, ink: float) -> list[Shape]:
    radius = min(person.eye_width * 1.4, person.eye_x - 0.06)
    rim = np.concatenate([_CIRCLE, _CIRCLE[:1]]) * (radius, radius * 0.9)
    place = np.array([person.eye_x, person.eye_y + 0.02])
    lenses = [Shape(rim + place * (side, 1), _INK, 0.045 * ink, 0.1) for side in (-1, 1)]
    bridge = _xy((person.eye_x - radius) * _T, person.eye_y - 0.04 * _ARCH)
    arms = [_xy(side * np.array([person.eye_x + radius, person.width * 1.02]), person.eye_y) for side in (-1, 1)]
    return [*lenses, *(Shape(points, _INK, 0.04 * ink, 0.05) for points in (bridge, *arms))]


def head_shapes(person: Person, muscles: Muscles, ink: float, light: Points) -> list[Shape]:
    """All parts of a head, the farthest first."""
    outline = head_outline(person, muscles)
    shapes = [
        *_behind(person),
        Shape(outline, _shade(person.skin, 0.86)),  # the side in shadow
        Shape(outline * 0.93 + 0.06 * light, person.skin),
        *_folds(person, muscles, ink),
    ]
    if person.beard == "full":
        jaw = outline[: len(outline) // 2 + 1]  # from the right ear to the left one
        cheeks = _xy(person.width * 0.9 * _T, 0.15 + 0.3 * _BULGE)
        shapes.append(Shape(np.concatenate([jaw * (1.0, 1.03), cheeks]), _shade(person.hair, 0.85)))
    shapes.append(Shape(np.concatenate([outline, outline[:1]]), _shade(person.skin, 0.5), 0.03 * ink))
    for part in (_eyes, _nose, _mouth):
        shapes += part(person, muscles, ink)
    # Brows lie over the hair, as cartoonists do it: the expression stays readable below a fringe.
    shapes += [*_front_hair(person), *(_brow(person, muscles, side) for side in (-1, 1))]
    return [*shapes, *_glasses(person, ink)] if person.has_glasses else shapes


def project(points: Points, lift: NDArray[np.float64] | float, person: Person, pose: Pose) -> Points:
    """Lay face-unit points over the head's ellipsoid, turn it, and give pixels of the canvas, (n, 2)."""
    x, y = points[:, 0], points[:, 1]
    z = np.sqrt(np.maximum(0, 1 - (x / person.width) ** 2 - (y / person.height) ** 2)) + lift
    x, z = x * math.cos(pose.yaw) + z * math.sin(pose.yaw), z * math.cos(pose.yaw) - x * math.sin(pose.yaw)
    y = y * math.cos(pose.pitch) + z * math.sin(pose.pitch)
    near = pose.scale * (0.95 + 0.06 * z)  # a mild perspective: what is nearer is larger
    x, y = x * near, y * near
    cos, sin = math.cos(pose.roll), math.sin(pose.roll)
    return np.column_stack([pose.x + x * cos - y * sin, pose.y + x * sin + y * cos])


def paint(canvas: Pixels, shapes: list[Shape], person: Person, pose: Pose) -> None:
    """Paint the shapes in their order; all points are placed at once, because many small arrays are slow."""
    lift = np.repeat([shape.lift for shape in shapes], [len(shape.points) for shape in shapes])
    placed = project(np.concatenate([shape.points for shape in shapes]), lift, person, pose)
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
