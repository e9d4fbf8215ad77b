"""Small pictures from large ones, as the world makes them: blur, shrinking, noise, JPEG.

Which of them, and how strong, is drawn for every picture of a batch.

Source: Wang et al., "Real-ESRGAN", 2021, section 3.1; one round of its two, because faces that are cut out of a picture
have seen one camera and mostly one resizing.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from torch.nn import functional

from mien.parts import Degrade

#: Ways of shrinking, as functions of the distance in small pixels; each is one until it is scaled.
KERNELS = ("area", "linear", "cubic", "lanczos")
#: Half the length of a kernel in small pixels: Lanczos reaches 3 of them, a blur of a sigma of 1 another 2 or so.
REACH = 5


def shrink(images: torch.Tensor, scale: int, recipe: Degrade, generator: torch.Generator) -> torch.Tensor:
    """Make the small pictures that belong to large ones.

    Blur and shrinking are one filter of its own for every picture, read at every ``scale``-th place: the same as one
    after the other, at a fraction of the work.

    Args:
        images: (N, 1, H, W) float from 0 to 1; the sides are multiples of ``scale``.
        scale: how many times smaller.
        recipe: how strongly they may be degraded.
        generator: of everything that is drawn; on the CPU.

    Returns:
        (N, 1, H / scale, W / scale) float from 0 to 1, in steps of 1/255.
    """
    count = len(images)
    drawn = torch.rand(count, 7, generator=generator)
    is_clean = drawn[:, 0] < recipe.clean
    kind = torch.where(is_clean, 0, (drawn[:, 1] * len(KERNELS)).long())
    sigmas = torch.where(is_clean[:, None], 0.0, drawn[:, 2:4] * recipe.blur_px)
    rows, columns = (_filters(kind, sigmas[:, axis], scale).to(images.device) for axis in (0, 1))
    edge = (rows.shape[1] - scale) // 2
    small = images.transpose(0, 1)
    small = functional.pad(small, (edge, edge, edge, edge), mode="replicate")
    small = functional.conv2d(small, rows[:, None, :, None], stride=(scale, 1), groups=count)
    small = functional.conv2d(small, columns[:, None, None, :], stride=(1, scale), groups=count).transpose(0, 1)
    strength = torch.where(is_clean, 0.0, drawn[:, 4] * recipe.noise).to(images.device)
    noise = torch.randn(small.shape, generator=generator).to(images.device)
    small = small + strength[:, None, None, None] * noise
    small = (small.clamp(0, 1) * 255).round()
    is_jpeg = ~is_clean & (drawn[:, 5] < recipe.jpeg_share)
    quality = recipe.jpeg_quality + drawn[:, 6] * (98 - recipe.jpeg_quality)
    for number in torch.nonzero(is_jpeg)[:, 0].tolist():
        small[number, 0] = _through_jpeg(small[number, 0], int(quality[number]))
    return small / 255


def _filters(kind: torch.Tensor, sigma_px: torch.Tensor, scale: int) -> torch.Tensor:
    """(N, taps) filters that blur and shrink along one axis, each summing to one; sigma in small pixels."""
    taps = 2 * REACH * scale
    places = (torch.arange(taps) - (taps - 1) / 2) / scale  # in small pixels, around the middle of one
    shapes = torch.stack([_area(places), _linear(places), _cubic(places), _lanczos(places)])
    steps = torch.arange(-(taps // 2) + 1, taps // 2) / scale
    blur = torch.exp(-0.5 * (steps / sigma_px.clamp(min=1e-3)[:, None]) ** 2)
    blur = blur / blur.sum(dim=1, keepdim=True)
    wide = functional.pad(shapes[kind], (taps // 2 - 1, taps // 2 - 1))
    both = functional.conv1d(wide[None], blur[:, None], groups=len(kind))[0]
    return both / both.sum(dim=1, keepdim=True)


def _area(places: torch.Tensor) -> torch.Tensor:
    return (places.abs() < 0.5).float()


def _linear(places: torch.Tensor) -> torch.Tensor:
    return (1 - places.abs()).clamp(min=0)


def _cubic(places: torch.Tensor) -> torch.Tensor:
    """Keys, "Cubic convolution interpolation", 1981, equation 15, with a = -0.5."""
    far = places.abs()
    near = 1.5 * far**3 - 2.5 * far**2 + 1
    rim = -0.5 * far**3 + 2.5 * far**2 - 4 * far + 2
    return torch.where(far < 1, near, torch.where(far < 2, rim, torch.zeros_like(far)))


def _lanczos(places: torch.Tensor) -> torch.Tensor:
    return torch.where(places.abs() < 3, torch.sinc(places) * torch.sinc(places / 3), 0.0)


def _through_jpeg(picture: torch.Tensor, quality: int) -> torch.Tensor:
    """Encode and decode one picture (H, W) of whole values from 0 to 255."""
    pixels = picture.cpu().numpy().astype(np.uint8)
    _, content = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE)
    assert decoded is not None  # it was encoded a line above
    return torch.from_numpy(decoded).to(picture)


def cut(images: torch.Tensor, side: int, step: int, generator: torch.Generator) -> torch.Tensor:
    """A square of every picture at a place of its own, half of them mirrored: (N, C, H, W) -> (N, C, side, side).

    Args:
        images: of any type.
        side: of the squares; pictures that are smaller stay whole.
        step: corners lie at multiples of it.
        generator: of the places; on the CPU.
    """
    drawn = torch.rand(len(images), 3, generator=generator)
    side = min(side, *images.shape[2:])
    found = []
    for image, (down, right, mirror) in zip(images, drawn.tolist(), strict=True):
        top, left = (
            math.floor(share * ((length - side) // step + 1)) * step
            for share, length in zip((down, right), image.shape[1:], strict=True)
        )
        piece = image[:, top : top + side, left : left + side]
        found.append(piece.flip(2) if mirror < 0.5 else piece)
    return torch.stack(found)
