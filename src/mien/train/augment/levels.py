"""The four levels of augmentation: one warp per batch for the geometry, one affine map of the values for the light."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Level:
    """Half-widths of the uniform draws, one draw per image.

    Attributes:
        flip: probability of mirroring.
        rotate_deg: rotation.
        shift: translation as a fraction of the side.
        scale: zoom: factors from 1 / (1 + scale) to 1 + scale, evenly in the logarithm.
        shear: horizontal shear.
        brightness: factor 1 ± this.
        contrast: factor 1 ± this around the image's own mean.
        coarse: probability of losing resolution (down to half and back).
    """

    flip: float = 0.0
    rotate_deg: float = 0.0
    shift: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    coarse: float = 0.0


#: 0 nothing; 1 what S3 uses; 2 adds zoom and light; 3 is stronger in all of it and adds shear and lost resolution.
LEVELS = (
    Level(),
    Level(flip=0.5, rotate_deg=10, shift=0.1),
    Level(flip=0.5, rotate_deg=15, shift=0.1, scale=0.15, brightness=0.2, contrast=0.2),
    Level(flip=0.5, rotate_deg=20, shift=0.12, scale=0.25, shear=0.1, brightness=0.3, contrast=0.35, coarse=0.2),
)


def _uniform(generator: torch.Generator, count: int, half_width: float) -> torch.Tensor:
    return (torch.rand(count, generator=generator) * 2 - 1) * half_width


def warp(images: torch.Tensor, size_px: int, level: Level, generator: torch.Generator) -> torch.Tensor:
    """Flip, rotate, shift, scale, shear and resize in one bilinear resampling.

    Args:
        images: (N, C, H, W) float.
        size_px: side of the result.
        level: how far.
        generator: on the CPU.

    Returns:
        (N, C, size, size) float; what comes from outside repeats the border.
    """
    count = len(images)
    angle = _uniform(generator, count, math.radians(level.rotate_deg))
    zoom = torch.exp(_uniform(generator, count, math.log1p(level.scale)))
    shear = _uniform(generator, count, level.shear)
    shift = 2 * torch.stack([_uniform(generator, count, level.shift) for _ in range(2)], dim=1)
    mirror = 1 - 2 * (torch.rand(count, generator=generator) < level.flip).float()
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    rows = [
        torch.stack([mirror * cos, mirror * (shear * cos - sin), shift[:, 0]], dim=1),
        torch.stack([sin, shear * sin + cos, shift[:, 1]], dim=1),
    ]
    theta = torch.stack(rows, dim=1).to(images)
    grid = functional.affine_grid(theta, [count, images.shape[1], size_px, size_px], align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def light(images: torch.Tensor, level: Level, generator: torch.Generator) -> torch.Tensor:
    """Change brightness and contrast of (N, C, H, W) values in [0, 1], per image."""
    count = len(images)
    brightness = (1 + _uniform(generator, count, level.brightness)).view(-1, 1, 1, 1).to(images)
    contrast = (1 + _uniform(generator, count, level.contrast)).view(-1, 1, 1, 1).to(images)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return (((images - mean) * contrast + mean) * brightness).clamp_(0, 1)


def coarsen(images: torch.Tensor, level: Level, generator: torch.Generator) -> torch.Tensor:
    """Take resolution from some images: down by one factor per batch between 1 and 2, and back."""
    chosen = (torch.rand(len(images), generator=generator) < level.coarse).to(images.device)
    factor = 1 + float(torch.rand((), generator=generator))
    size = images.shape[2:]
    small = functional.interpolate(images, scale_factor=1 / factor, mode="bilinear", antialias=True)
    coarse = functional.interpolate(small, size=size, mode="bilinear")
    return torch.where(chosen.view(-1, 1, 1, 1), coarse, images)
