"""Light, colour, resolution and noise of a batch, with its own draws for every image."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from mien.train.augment.levels import Strength, uniform

#: Luminance and two axes of colour from RGB (NTSC): the first row is what sees no colour.
YIQ = torch.tensor([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
RGB = torch.linalg.inv(YIQ)


def light(images: torch.Tensor, strength: Strength, generator: torch.Generator) -> torch.Tensor:
    """Change brightness, contrast, saturation and hue: one linear map of the values per image, cut to [0, 1].

    Args:
        images: (N, C, H, W) in [0, 1]; with one channel there is neither saturation nor hue.
        strength: how far.
        generator: on the CPU.

    torchvision's ``ColorJitter`` does the four in a random order, cuts after each, and turns the hue in HSV; here hue
    turns around the axis of greys in YIQ, which keeps luminance.
    """
    factors = (1 + uniform(generator, half_width) for half_width in (strength.brightness, strength.contrast))
    brightness, contrast = (factor.view(-1, 1, 1).to(images) for factor in factors)
    saturation = 1 + uniform(generator, strength.saturation)
    hue = 2 * math.pi * uniform(generator, strength.hue)
    has_colour = images.shape[1] == 3 and bool((strength.saturation + strength.hue).any())
    mean = images.mean(dim=(2, 3))[:, :, None]
    if not has_colour:
        offset = mean.mean(dim=1, keepdim=True) * (1 - contrast) * brightness
        return torch.addcmul(offset[..., None], images, (contrast * brightness)[..., None]).clamp_(0, 1)
    colours = _colours(saturation, hue).to(images)
    offset = (colours @ mean).mean(dim=1, keepdim=True) * (1 - contrast) * brightness
    changed = torch.baddbmm(offset, colours * (contrast * brightness), images.flatten(2))
    return changed.clamp_(0, 1).view_as(images)


def _colours(saturation: torch.Tensor, hue: torch.Tensor) -> torch.Tensor:
    """(N, 3, 3) maps of RGB: turned by ``hue`` radians and stretched by ``saturation`` in the plane of colours."""
    cos, sin, zero = saturation * torch.cos(hue), saturation * torch.sin(hue), torch.zeros_like(hue)
    values = [zero + 1, zero, zero, zero, cos, -sin, zero, sin, cos]
    return RGB @ torch.stack(values, dim=1).view(-1, 3, 3) @ YIQ


def coarsen(images: torch.Tensor, strength: Strength, generator: torch.Generator) -> torch.Tensor:
    """Take resolution from some images: down by one factor per batch between 1 and 2, and back."""
    chosen = (torch.rand(len(images), generator=generator) < strength.coarse).nonzero()[:, 0].to(images.device)
    factor = 1 + float(torch.rand((), generator=generator))
    if not len(chosen):
        return images
    some = functional.interpolate(images[chosen], scale_factor=1 / factor, mode="bilinear", antialias=True)
    coarse = functional.interpolate(some, size=images.shape[2:], mode="bilinear")
    return images.index_copy(0, chosen, coarse)


def grain(images: torch.Tensor, share: float, generator: torch.Generator) -> torch.Tensor:
    """Add Gaussian noise to some images, independent in every pixel and the same in all channels, cut to [0, 1].

    Args:
        images: (N, C, H, W) in [0, 1].
        share: of the images; each has its own sigma, from 0 to 0.2.
        generator: on the CPU.
    """
    chosen = (torch.rand(len(images), generator=generator) < share).nonzero()[:, 0]
    sigma = 0.2 * torch.rand(len(chosen), 1, 1, 1, generator=generator)
    noise = sigma * torch.randn(len(chosen), 1, *images.shape[2:], generator=generator)
    chosen = chosen.to(images.device)
    return images.index_copy(0, chosen, (images[chosen] + noise.to(images)).clamp_(0, 1))
