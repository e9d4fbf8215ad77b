"""The discriminator of StyleGAN2 with classes: how real does a picture look?

Source: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020 (the residual one). The answer is a
projection on the class, after Miyato and Koyama, "cGANs with Projection Discriminator", 2018.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from mien.train.nets.stylegan2 import Linear, activate, ladder, normalised, widths


class Down(nn.Module):
    """Two convolutions to half the side, beside a short cut.

    Pixels are averaged two by two before the second convolution, which then costs a quarter (as in Brock et al., "Large
    Scale GAN Training", 2019); StyleGAN2 filters with 1 3 3 1 and takes every other place after it.

    Args:
        inputs: channels in.
        outputs: channels out.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = Convolution(inputs, inputs, 3)
        self.second = Convolution(inputs, outputs, 3)
        self.short_cut = Convolution(inputs, outputs, 1, has_bias=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / 2, W / 2)."""
        half = self.second(functional.avg_pool2d(self.first(features), 2))
        both: torch.Tensor = (half + self.short_cut(functional.avg_pool2d(features, 2))) * math.sqrt(0.5)
        return both


class Convolution(nn.Module):
    """A convolution whose weights are scaled while it runs; leaky ReLU where there is a bias."""

    def __init__(self, inputs: int, outputs: int, kernel: int, has_bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if has_bias else None

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        weight = (self.weight / math.sqrt(self.weight[0].numel())).to(images.dtype)
        found = functional.conv2d(images, weight, padding=weight.shape[2] // 2)
        return found if self.bias is None else activate(found, self.bias)


class Discriminator(nn.Module):
    """Pictures and classes to how real they look.

    Args:
        size_px: side of the pictures.
        channels: 1 grey, 3 RGB.
        classes: how many; 0 = none.
        capacity: a layer has ``capacity / side`` channels ...
        widest: ... but not more than this.
        group: pictures whose spread is shown to the last layers.
    """

    def __init__(
        self,
        size_px: int,
        channels: int,
        classes: int,
        *,
        capacity: int = 32768,
        widest: int = 512,
        group: int = 4,
    ) -> None:
        super().__init__()
        sides = ladder(size_px)
        at = widths(sides, capacity, widest)
        self.group = group
        self.first = Convolution(channels, at[-1], 1)
        self.blocks = nn.Sequential(*(Down(at[n], at[n - 1]) for n in range(len(sides) - 1, 0, -1)))
        self.last = Convolution(at[0] + 1, at[0], 3)
        self.features = Linear(at[0] * sides[0] ** 2, at[0], is_active=True)
        self.answer = Linear(at[0], at[0] if classes else 1)
        self.embed = Linear(classes, at[0]) if classes else None

    def forward(self, images: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """(N, channels, S, S) and (N, classes) -> (N,) logits that a picture is a real one of its class."""
        features = self.blocks(self.first(images)).float()
        found = self.last(torch.cat([features, spread(features, self.group)], dim=1))
        answer: torch.Tensor = self.answer(self.features(found.flatten(1)))
        if self.embed is None:
            return answer[:, 0]
        seen = normalised(self.embed(classes))
        return (answer * seen).sum(dim=1) / math.sqrt(answer.shape[1])


def spread(features: torch.Tensor, group: int) -> torch.Tensor:
    """(N, C, H, W) -> (N, 1, H, W): how much pictures differ from others of the batch, so that sameness shows.

    Source: Karras et al., "Progressive Growing of GANs", 2018, section 3: the mean standard deviation over groups.
    """
    count = len(features)
    size = next(size for size in range(min(group, count), 0, -1) if count % size == 0)
    groups = features.unflatten(0, (size, count // size))
    deviation = (groups.var(dim=0, correction=0) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    return deviation.repeat(size).view(-1, 1, 1, 1).expand(-1, 1, *features.shape[2:])
