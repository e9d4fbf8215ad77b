"""What is done to a picture after it was enlarged: sharpening and contrast."""

from __future__ import annotations

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mien.images import Pixels


class Finish(BaseModel):
    """Sharpening, then contrast; without arguments nothing.

    Attributes:
        sharpen: how much of the difference to a blurred copy is added (unsharp masking).
        radius_px: sigma of that blur.
        contrast: values move away from the picture's mean by this factor.

    Example:
        >>> picture = np.array([[100, 140]], np.uint8)
        >>> Finish(contrast=1.5)(picture).tolist()
        [[90, 150]]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sharpen: float = Field(default=0.0, ge=0, le=5)
    radius_px: float = Field(default=1.5, gt=0, le=50)
    contrast: float = Field(default=1.0, ge=0, le=5)

    def __call__(self, picture: Pixels) -> Pixels:
        """(H, W, 3) RGB or (H, W) grey, uint8, to the same shape."""
        if self.sharpen == 0 and self.contrast == 1:
            return picture
        values = picture.astype(np.float32)
        if self.sharpen:
            values += self.sharpen * (values - cv2.GaussianBlur(values, (0, 0), self.radius_px))
        if self.contrast != 1:
            mean = values.mean()
            values = mean + self.contrast * (values - mean)
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)
