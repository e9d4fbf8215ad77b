"""A small residual net that works at the small size and enlarges at the very end."""

from __future__ import annotations

import torch
from torch import nn

from mien.train.nets.srcnn import enlarge


class Block(nn.Module):
    """(conv 3x3, PReLU, conv 3x3) beside a short cut, without normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.PReLU(channels),
            nn.Conv2d(channels, channels, 3, padding=1),
        )
        with torch.no_grad():  # near the identity at first: a deep stack then trains without normalisation
            self.layers[-1].weight.mul_(0.1)  # type: ignore[operator, union-attr]
            self.layers[-1].bias.zero_()  # type: ignore[operator, union-attr]

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> the same shape."""
        found: torch.Tensor = features + self.layers(features)
        return found


class Subpixel(nn.Module):
    """Residual blocks at the small size, pixel shuffle to the large one, added to the bicubic enlargement.

    With the usual options 236,320 parameters. Each is used once per pixel of the small picture, where a net such as
    ``srcnn`` uses its own once per pixel of the large one: at x4 this net needs 542 million multiplications for a face
    of 48 px, ``srcnn`` 753 million, ``enhanced_srcnn`` 2,405 million.

    Args:
        scale: of the output.
        width: channels.
        blocks: residual blocks.

    Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
    Neural Network", 2016; blocks without normalisation as in Lim et al., "Enhanced Deep Residual Networks for Single
    Image Super-Resolution", 2017.
    """

    def __init__(self, scale: int, width: int = 48, blocks: int = 5) -> None:
        super().__init__()
        self.scale = scale
        self.first = nn.Conv2d(1, width, 3, padding=1)
        self.body = nn.Sequential(
            *(Block(width) for _ in range(blocks)), nn.Conv2d(width, width, 3, padding=1), nn.PReLU(width)
        )
        self.last = nn.Sequential(nn.Conv2d(width, scale * scale, 3, padding=1), nn.PixelShuffle(scale))
        nn.init.zeros_(self.last[0].weight)  # type: ignore[arg-type]  # starts as bicubic interpolation
        nn.init.zeros_(self.last[0].bias)  # type: ignore[arg-type]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 1, H, W) luminance from 0 to 1 -> (N, 1, H * scale, W * scale)."""
        features = self.first(images)
        enhanced: torch.Tensor = enlarge(images, self.scale) + self.last(features + self.body(features))
        return enhanced
