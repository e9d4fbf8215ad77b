"""Adaptive augmentation of what a discriminator sees: as strong as its overfitting asks for.

Source: Karras et al., "Training Generative Adversarial Networks with Limited Data", 2020, sections 2 and 3 (ADA). What
differs: bilinear resampling without the wavelet filter, no turns by 90 degrees, no inverted light and no turned hue,
which faces do not have; colour pictures get their saturation changed.
"""

from __future__ import annotations

from typing import cast

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.nn import functional

from mien.train.augment.geometry import places

#: Steps between two changes of the probability.
EVERY = 4


class Ada(nn.Module):
    """Augments pictures with a probability that follows the discriminator.

    The sign of its answers to real pictures, on average, tells overfitting: 0 when it guesses, 1 when it knows all.

    Args:
        target: the mean sign that is wanted; 0 = never augment.
        ramp: pictures in which the probability may go from 0 to 1.

    Attributes:
        probability: of every single change of a picture.
    """

    probability: torch.Tensor
    signs: torch.Tensor
    steps: torch.Tensor

    def __init__(self, target: float, ramp: int) -> None:
        super().__init__()
        self.target, self.ramp = target, ramp
        for name in ("probability", "signs", "steps"):  # buffers, so that a checkpoint holds them
            self.register_buffer(name, torch.zeros([], dtype=torch.float64))

    def observe(self, logits: torch.Tensor, fabric: Fabric) -> None:
        """Take in the answers (N,) to one batch of real pictures."""
        self.signs += cast(torch.Tensor, fabric.all_reduce(logits.detach().double().sign().mean()))
        self.steps += 1
        if self.steps < EVERY or not self.target:
            return
        change = (self.signs / self.steps - self.target).sign() * (EVERY * len(logits) * fabric.world_size / self.ramp)
        self.probability.add_(change).clamp_(0, 1)
        self.signs.zero_()
        self.steps.zero_()

    def forward(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """(N, C, H, W) from -1 to 1 -> the same shape; gradients flow through."""
        probability = float(self.probability)
        return change(images, probability, generator) if probability else images


def change(images: torch.Tensor, probability: float, generator: torch.Generator) -> torch.Tensor:
    """Apply every change to each picture with this probability, independently.

    Args:
        images: (N, C, H, W) from -1 to 1.
        probability: of each change.
        generator: on the CPU.
    """
    count = len(images)

    def drawn(strength: float, *, is_even: bool = False) -> torch.Tensor:
        """(N,) normal, or even from -1 to 1, times a strength; zero for pictures that are spared."""
        values = torch.rand(count, generator=generator) * 2 - 1 if is_even else torch.randn(count, generator=generator)
        return torch.where(torch.rand(count, generator=generator) < probability, values * strength, 0.0)

    mirror = torch.where(drawn(1.0, is_even=True) < 0, -1.0, 1.0)
    zoom, uneven = torch.exp2(drawn(0.2)), torch.exp2(drawn(0.2))
    angle = drawn(torch.pi, is_even=True) * (drawn(1.0, is_even=True) != 0)  # twice as rare: it costs most
    shift_x, shift_y = drawn(0.25), drawn(0.25)
    cos, sin, zero = torch.cos(angle), torch.sin(angle), torch.zeros(count)
    across, down = mirror / (zoom * uneven), uneven / zoom
    maps = torch.stack([across * cos, -across * sin, shift_x, down * sin, down * cos, shift_y, zero, zero, zero + 1], 1)
    grid = places(maps.view(-1, 3, 3).to(images), images.shape[2], is_affine=True)
    moved = functional.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    light, contrast = (values.to(images)[:, None, None, None] for values in (drawn(0.2), torch.exp2(drawn(0.5))))
    moved = moved * contrast + light
    if images.shape[1] == 3:
        grey = moved.mean(dim=1, keepdim=True)
        moved = grey + (moved - grey) * torch.exp2(drawn(1.0)).to(images)[:, None, None, None]
    return moved
