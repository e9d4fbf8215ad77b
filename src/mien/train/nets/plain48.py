"""The small CNN of S3: three blocks of two convolutions for 48x48 faces."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from mien.errors import RecipeError


class Plain48(nn.Module):
    """Three blocks of (conv 3x3, batch norm, ReLU) x 2, max-pool, dropout 0.25, with 64, 128 and 256 channels.

    With the head ``{name: mlp, hidden: [512, 256], dropout: 0.5}``, one input channel and four classes it has the
    5,999,044 parameters of the original.

    Args:
        in_channels: 1 or 3.
    """

    num_features = 256 * 6 * 6

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (64, 128, 256):
            for source in (in_channels, channels):
                layers += [nn.Conv2d(source, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
            layers += [nn.MaxPool2d(2), nn.Dropout(0.25)]
            in_channels = channels
        self.layers = nn.Sequential(*layers, nn.Flatten())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, C, 48, 48) float -> (N, 9216)."""
        features: torch.Tensor = self.layers(images)
        return features


def plain48(name: str, in_channels: int, size_px: int, pretrained: bool, options: dict[str, Any]) -> Plain48:
    """Build it; the input must be 48 pixels wide, and there are no pretrained weights."""
    mistakes = []
    if size_px != 48:
        mistakes.append(f"preprocess.size_px: {name} needs 48, got {size_px}")
    if pretrained:
        mistakes.append(f"model.weights: there are no pretrained weights for {name}; use none or a file")
    if options:
        mistakes.append(f"model.options: {name} has none, got {', '.join(options)}")
    if mistakes:
        raise RecipeError("recipe", mistakes)
    return Plain48(in_channels)
