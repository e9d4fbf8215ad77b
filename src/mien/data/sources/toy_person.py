"""Who a toy face shows, and what its muscles do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.labels import Labels

Colour: TypeAlias = tuple[float, float, float]

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


def rgb(values: NDArray[Any]) -> Colour:
    """Three numbers as a colour, cut off at 0 and 255."""
    red, green, blue = np.clip(values, 0, 255).tolist()
    return red, green, blue


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
            skin=rgb(skin),
            hair=rgb(np.array(_HAIR[rng.integers(len(_HAIR) if light else 2)]) * rng.uniform(0.85, 1.15)),
            iris=_IRIS[rng.integers(len(_IRIS) if light else 2)],
            lip=rgb(skin * ((0.88, 0.52, 0.54) if beard == "none" else (0.86, 0.62, 0.62))),
            shirt=rgb(rng.uniform(40, 220, 3)),
            style=style,
            beard=beard,
            has_glasses=bool(rng.random() < 0.2),
            **lengths,
        )


def express(expression: str, rng: np.random.Generator, intensity: float, variation: float) -> Muscles:
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
