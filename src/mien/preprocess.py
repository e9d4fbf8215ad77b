"""The input contract of a network: from pictures of faces to its input tensor.

The same object prepares images in training, in evaluation and in prediction; its settings travel inside the
model file, so that the three cannot differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mien.images import Pixels, grey, resize


class Preprocess(BaseModel):
    """Size, channels and value range of a network's input, and the framing of the face in it.

    Attributes:
        size_px: side of the square input.
        channels: 3 = RGB, 1 = luminance.
        enlarge: interpolation when a face is smaller than the input; larger faces are shrunk by area averaging.
        mean: subtracted from values in [0, 1], one per channel.
        std: divided by, one per channel.
        margin: a face is cut out as a square with side ``max(width, height) * (1 + margin)`` of its box.
        shift: the square's centre is moved down by this fraction of its side (negative: up).

    Example:
        >>> import numpy as np
        >>> preprocess = Preprocess(size_px=8, channels=1, mean=(0.5,), std=(0.5,))
        >>> preprocess([np.full((48, 48, 3), 255, np.uint8)]).shape
        (1, 1, 8, 8)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: int = Field(default=48, ge=8, le=1024)
    channels: Literal[1, 3] = 3
    enlarge: Literal["linear", "cubic", "lanczos"] = "linear"
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)
    margin: float = Field(default=0.0, ge=-0.5, le=3.0)
    shift: float = Field(default=0.0, ge=-0.5, le=0.5)

    @model_validator(mode="after")
    def _one_value_per_channel(self) -> Preprocess:
        for name in ("mean", "std"):
            if len(getattr(self, name)) != self.channels:
                raise ValueError(f"{name} has {len(getattr(self, name))} values for {self.channels} channel(s)")
        if min(self.std) <= 0:
            raise ValueError("std must be positive")
        return self

    def fit(self, image: Pixels) -> NDArray[np.uint8]:
        """Bring one face to size and channels: (H, W, 3) uint8 RGB -> (size, size, channels) uint8.

        What has been fitted before comes back as it is.
        """
        if image.shape == (self.size_px, self.size_px, self.channels):
            return image
        if self.channels == 1:
            return resize(grey(image), self.size_px, self.size_px, self.enlarge)[:, :, None]
        return resize(image, self.size_px, self.size_px, self.enlarge)

    def normalise(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, H, W, C) uint8 -> (N, C, H, W) float32, contiguous."""
        scale, offset = _scale_and_offset(self.mean, self.std)
        tensor = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32)
        tensor *= scale
        tensor += offset
        return tensor

    def __call__(self, faces: Sequence[Pixels]) -> NDArray[np.float32]:
        """Faces of any size, (H, W, 3) uint8 RGB, to one batch (N, C, size, size) float32."""
        if not faces:
            return np.empty((0, self.channels, self.size_px, self.size_px), np.float32)
        return self.normalise(np.stack([self.fit(face) for face in faces]))


@lru_cache
def _scale_and_offset(mean: tuple[float, ...], std: tuple[float, ...]) -> tuple[NDArray[np.float32], ...]:
    """(1, C, 1, 1) each: what pixels are multiplied by, and what is added then."""
    centre, spread = (np.asarray(values, np.float64)[None, :, None, None] for values in (mean, std))
    return (1.0 / (255.0 * spread)).astype(np.float32), (-centre / spread).astype(np.float32)
