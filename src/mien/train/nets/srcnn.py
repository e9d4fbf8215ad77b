"""The enhancers of S0: they work at the large size, on the picture enlarged by bicubic interpolation."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


def enlarge(images: torch.Tensor, scale: int) -> torch.Tensor:
    """Bicubic interpolation: (N, 1, H, W) -> (N, 1, H * scale, W * scale)."""
    return functional.interpolate(images, scale_factor=float(scale), mode="bicubic", align_corners=False)


class Srcnn(nn.Module):
    """Four convolutions, 20,545 parameters; what they give is added to the enlarged picture.

    Args:
        scale: of the output.

    Source: Dong et al., "Learning a Deep Convolutional Network for Image Super-Resolution", 2014 (9-1-5); here with a
    layer of 16 channels before the last, as S0's parameter count has it, and as a residual, which converges sooner (Kim
    et al., "Accurate Image Super-Resolution", 2016).
    """

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.layers = nn.Sequential(
            nn.Conv2d(1, 64, 9, padding=4),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 32, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 16, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, 1, 5, padding=2),
        )
        _start_at_zero(self.layers[-1])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 1, H, W) luminance from 0 to 1 -> (N, 1, H * scale, W * scale)."""
        large = enlarge(images, self.scale)
        enhanced: torch.Tensor = large + self.layers(large)
        return enhanced


class Residual(nn.Module):
    """(conv 3x3, batch norm, ReLU, conv 3x3, batch norm) beside a short cut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> the same shape."""
        found: torch.Tensor = features + self.layers(features)
        return found


class Attention(nn.Module):
    """Weigh each channel by what the whole face shows in all of them.

    Source: Hu et al., "Squeeze-and-Excitation Networks", 2018, equations 2 to 4.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.Conv2d(channels, channels // reduction, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels // reduction, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> the same shape."""
        weighed: torch.Tensor = features * self.gate(features.mean(dim=(2, 3), keepdim=True))
        return weighed


class EnhancedSrcnn(nn.Module):
    """Wider first layers, two residual blocks with batch norm and channel attention: 66,801 parameters.

    Args:
        scale: of the output.

    Source: S0 gives the parts and the parameter count; this is an arrangement of those parts that has it.
    """

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.layers = nn.Sequential(
            nn.Conv2d(1, 64, 9, padding=4),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 32, 3, padding=1),
            nn.ReLU(inplace=True),
            Residual(32),
            Residual(32),
            Attention(32, reduction=2),
            nn.Conv2d(32, 16, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, 1, 3, padding=1),
        )
        _start_at_zero(self.layers[-1])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 1, H, W) luminance from 0 to 1 -> (N, 1, H * scale, W * scale)."""
        large = enlarge(images, self.scale)
        enhanced: torch.Tensor = large + self.layers(large)
        return enhanced


def _start_at_zero(layer: nn.Module) -> None:
    """An untrained net then gives the interpolated picture, and training can only improve on it."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
