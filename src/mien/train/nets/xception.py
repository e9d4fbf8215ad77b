"""Xception: separable convolutions with short cuts (S1)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import nn

from mien.errors import RecipeError


class Xception(nn.Module):
    """Entry (32, 64, then separable blocks of 128, 256, 728), eight residual blocks of 728, exit (1024, 1536, 2048).

    Ends in global average pooling. The trunk has 20,806,952 parameters, and 20,861,480 numbers with the statistics of
    its batch norms; with a layer for 1,000 classes these are the 22,910,480 of the original.

    Layers are defined in the order of the usual ports, so that their files fit as ``model.weights``.

    Args:
        in_channels: 1 or 3.

    Source:
        Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", 2017, figure 5.
    """

    num_features = 2048

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.entry = nn.Sequential(
            *_normed(nn.Conv2d(in_channels, 32, 3, stride=2, bias=False), 32),
            nn.ReLU(inplace=True),
            *_normed(nn.Conv2d(32, 64, 3, bias=False), 64),
            nn.ReLU(inplace=True),
            Block((64, 128, 128), starts_with_relu=False),
            Block((128, 256, 256)),
            Block((256, 728, 728)),
        )
        self.middle = nn.Sequential(*(Block((728, 728, 728, 728), stride=1) for _ in range(8)))
        self.exit = nn.Sequential(
            Block((728, 728, 1024)),
            *_normed(_separable(1024, 1536), 1536),
            nn.ReLU(inplace=True),
            *_normed(_separable(1536, 2048), 2048),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, C, S, S) float -> (N, 2048)."""
        features: torch.Tensor = self.exit(self.middle(self.entry(images)))
        return features


class Block(nn.Module):
    """(ReLU, separable convolution, batch norm) for each step of ``widths``, beside a short cut.

    Args:
        widths: channels at the start and after each convolution.
        stride: 2 halves the picture (max-pool; the short cut strides), 1 keeps it.
        starts_with_relu: False where one stands before the block already.
    """

    def __init__(self, widths: tuple[int, ...], stride: int = 2, starts_with_relu: bool = True) -> None:
        super().__init__()
        self.short = nn.Sequential()
        if stride > 1:
            self.short = nn.Sequential(
                *_normed(nn.Conv2d(widths[0], widths[-1], 1, stride=stride, bias=False), widths[-1])
            )
        layers: list[nn.Module] = []
        for source, width in pairwise(widths):
            layers += [
                nn.ReLU(),
                *_normed(_separable(source, width), width),
            ]  # not in place: the short cut reads it too
        if not starts_with_relu:
            del layers[0]
        if stride > 1:
            layers.append(nn.MaxPool2d(3, stride, padding=1))
        self.layers = nn.Sequential(*layers)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, widths[0], H, W) -> (N, widths[-1], H / stride, W / stride)."""
        long: torch.Tensor = self.layers(images)
        return long + self.short(images)


def _separable(source: int, width: int) -> nn.Sequential:
    """Depthwise 3x3, then pointwise."""
    return nn.Sequential(
        nn.Conv2d(source, source, 3, padding=1, groups=source, bias=False), nn.Conv2d(source, width, 1, bias=False)
    )


def _normed(convolution: nn.Module, width: int) -> tuple[nn.Module, nn.Module]:
    return convolution, nn.BatchNorm2d(width)


def xception(name: str, in_channels: int, size_px: int, pretrained: bool, options: dict[str, Any]) -> Xception:
    """Build it; pictures of any size will do, and no weights are fetched."""
    mistakes = []
    if pretrained:
        mistakes.append(
            f"model.weights: none are fetched for {name}; give a file (those of timm's legacy_xception fit)"
        )
    if options:
        mistakes.append(f"model.options: {name} has none, got {', '.join(options)}")
    if mistakes:
        raise RecipeError("recipe", mistakes)
    return Xception(in_channels)
