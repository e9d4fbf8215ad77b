"""All geometry of a batch in one resampling, with its own draws for every image."""

from __future__ import annotations

import torch
from torch.nn import functional

from mien.train.augment.levels import Strength, uniform

#: Corners of an image in the coordinates of ``grid_sample``: x, y from -1 to 1.
CORNERS = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def warp(images: torch.Tensor, size_px: int, strength: Strength, generator: torch.Generator) -> torch.Tensor:
    """Flip, rotate, shift, scale, shear, tilt and resize in one bilinear resampling.

    Args:
        images: (N, C, H, W) float.
        size_px: side of the result.
        strength: how far.
        generator: on the CPU.

    Returns:
        (N, C, size, size) float; what comes from outside repeats the border.
    """
    maps = _affine(strength, generator)
    if has_perspective := bool(strength.perspective.any()):
        maps = maps @ _perspective(strength.perspective, generator)
    grid = places(maps.to(images), size_px, is_affine=not has_perspective)
    return functional.grid_sample(
        images.contiguous(), grid, mode="bilinear", padding_mode="border", align_corners=False
    )


def _affine(strength: Strength, generator: torch.Generator) -> torch.Tensor:
    """(N, 3, 3) maps from places in the result to places in the image."""
    angle = torch.deg2rad(uniform(generator, strength.rotate_deg))
    zoom = torch.exp(uniform(generator, torch.log1p(strength.scale)))
    shear = uniform(generator, strength.shear)
    shift_x, shift_y = (2 * uniform(generator, strength.shift) for _ in range(2))
    mirror = 1 - 2 * (torch.rand(angle.shape, generator=generator) < strength.flip).float()
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    zero = torch.zeros_like(angle)
    across = [mirror * cos, mirror * (shear * cos - sin), shift_x]
    down = [sin, shear * sin + cos, shift_y]
    return torch.stack([*across, *down, zero, zero, zero + 1], dim=1).view(-1, 3, 3)


def _perspective(distortion: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """(N, 3, 3) homographies that take four corners, each moved inwards at random, back to the image's corners.

    torchvision's ``RandomPerspective`` draws the corners in the same way, from 0 to ``distortion`` of half the side; it
    leaves half of the images alone and paints what comes from outside black.

    Args:
        distortion: (N,) up to 0.45: with more the horizon can come into the picture.
        generator: on the CPU.
    """
    inwards = torch.rand(len(distortion), 4, 2, generator=generator) * distortion.view(-1, 1, 1)
    x, y = (CORNERS * (1 - inwards)).unbind(dim=2)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    goal_x, goal_y = (CORNERS[:, axis].expand_as(x) for axis in (0, 1))
    # the four points, each as two equations in the eight unknowns of a homography
    across = torch.stack([x, y, one, zero, zero, zero, -goal_x * x, -goal_x * y], dim=2)
    down = torch.stack([zero, zero, zero, x, y, one, -goal_y * x, -goal_y * y], dim=2)
    eight = torch.linalg.solve(torch.cat([across, down], dim=1), torch.cat([goal_x, goal_y], dim=1))
    return torch.cat([eight, one[:, :1]], dim=1).view(-1, 3, 3)


def places(maps: torch.Tensor, size_px: int, *, is_affine: bool) -> torch.Tensor:
    """(N, size, size, 2) places in the image, for (N, 3, 3) maps of places in the result.

    Written as sums of what depends on the column and what depends on the row, and laid out plane by plane, it costs a
    tenth of ``affine_grid``, which would be most of the whole augmentation.
    """
    line = (torch.arange(size_px, device=maps.device, dtype=maps.dtype) * 2 + 1) / size_px - 1
    maps = maps[:, :2] if is_affine else maps
    along_columns = maps[:, :, 0, None] * line
    along_rows = maps[:, :, 1, None] * line + maps[:, :, 2, None]
    places = along_columns[:, :, None, :] + along_rows[:, :, :, None]
    return (places if is_affine else places[:, :2] / places[:, 2:]).permute(0, 2, 3, 1)
