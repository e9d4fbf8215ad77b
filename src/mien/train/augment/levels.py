"""How far images are varied: the four levels, and what a recipe makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import NamedTuple

import torch

from mien.parts import Augment


@dataclass(frozen=True)
class Level:
    """Half-widths of the uniform draws, one draw per image.

    Attributes:
        flip: probability of mirroring.
        rotate_deg: rotation.
        shift: translation as a fraction of the side.
        scale: zoom: factors from 1 / (1 + scale) to 1 + scale, evenly in the logarithm.
        shear: horizontal shear.
        perspective: each corner moves inwards by up to this fraction of half the side.
        brightness: factor 1 ± this.
        contrast: factor 1 ± this around the image's own mean.
        saturation: factor 1 ± this on the distance from grey.
        hue: turn of the colours, in whole turns.
        coarse: probability of losing resolution (down to half and back).
    """

    flip: float = 0.0
    rotate_deg: float = 0.0
    shift: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    perspective: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    coarse: float = 0.0

    @property
    def moves(self) -> bool:
        """Whether the geometry changes."""
        return any((self.flip, self.rotate_deg, self.shift, self.scale, self.shear, self.perspective))

    @property
    def lights(self) -> bool:
        """Whether values change."""
        return any((self.brightness, self.contrast, self.saturation, self.hue))


#: 0 nothing; 1 what S3 uses; 2 adds zoom and light; 3 is stronger in all of it and adds shear and lost resolution.
LEVELS = (
    Level(),
    Level(flip=0.5, rotate_deg=10, shift=0.1),
    Level(flip=0.5, rotate_deg=15, shift=0.1, scale=0.15, brightness=0.2, contrast=0.2),
    Level(flip=0.5, rotate_deg=20, shift=0.12, scale=0.25, shear=0.1, brightness=0.3, contrast=0.35, coarse=0.2),
)


def level_of(recipe: Augment, number: int) -> Level:
    """A level with what the recipe sets itself; that counts for every level, so for rare classes too."""
    own = {"rotate_deg": recipe.rotate_deg, "shift": recipe.shift, "scale": recipe.scale, "coarse": recipe.coarse}
    if recipe.jitter is not None:
        own |= dict.fromkeys(("brightness", "contrast", "saturation"), recipe.jitter)
    given = {name: value for name, value in own.items() if value is not None}
    return replace(LEVELS[number], perspective=recipe.perspective, hue=recipe.hue, **given)


class Strength(NamedTuple):
    """The fields of :class:`Level`, (N,) float32 each on the CPU: every image has its own half-widths."""

    flip: torch.Tensor
    rotate_deg: torch.Tensor
    shift: torch.Tensor
    scale: torch.Tensor
    shear: torch.Tensor
    perspective: torch.Tensor
    brightness: torch.Tensor
    contrast: torch.Tensor
    saturation: torch.Tensor
    hue: torch.Tensor
    coarse: torch.Tensor

    @classmethod
    def of(cls, levels: Sequence[Level], which: torch.Tensor) -> Strength:
        """Look up each image's level.

        Args:
            levels: to choose from.
            which: (N,) int64, number of each image's level.
        """
        return cls(*torch.tensor([astuple(level) for level in levels])[which.cpu()].unbind(dim=1))


def uniform(generator: torch.Generator, half_width: torch.Tensor) -> torch.Tensor:
    """Draws from -half_width to half_width, one for each."""
    return (torch.rand(half_width.shape, generator=generator) * 2 - 1) * half_width
